"""Mail by SMTP, from the templates in `web/templates/mail/`: `<name>.txt`, whose first line is the subject."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from collections.abc import Coroutine
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from bugwatch.domain.errors import BugwatchError, DeliveryFailed
from bugwatch.domain.site import Site
from bugwatch.templates import Templates

log = logging.getLogger(__name__)

TIMEOUT_S = 20
# Mails that may wait to be sent: a flood of requests for links must not fill the memory.
WAITING = 100


class Mail:
    """`url` is `smtp://user:password@host:587` (STARTTLS where the server has it), `smtps://…:465`, or empty."""

    def __init__(self, url: str, sender: str, site: Site, templates: Templates) -> None:
        self._url = urlsplit(url)
        self._given_sender = sender
        self._site = site
        self._templates = templates
        self._posting: set[asyncio.Task[None]] = set()

    @property
    def is_on(self) -> bool:
        return bool(self._url.hostname)

    @property
    def _sender(self) -> str:
        return self._given_sender or f"bugwatch@{urlsplit(self._site.url).hostname or 'localhost'}"

    async def send(self, to: str, template: str, **context: object) -> None:
        """Hand the mail to the server. Raises DeliveryFailed with the server's reason."""
        message = self._write(to, template, context)
        try:
            await asyncio.to_thread(self._deliver, message, to)
        except (OSError, smtplib.SMTPException) as error:
            code, reason = _answer(error)
            raise DeliveryFailed(f"The mail was not accepted: {reason}", is_permanent=code >= 500) from error

    def start(self, sending: Coroutine[None, None, None]) -> None:
        """Let it happen in a moment, so that how long an answer takes tells nothing. A failure is logged."""
        if len(self._posting) >= WAITING:
            sending.close()
            log.warning("A mail was dropped: %d others wait for the mail server.", WAITING)
            return
        task = asyncio.create_task(_logged(sending))
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    async def settle(self) -> None:
        """Wait until everything that was started is sent or given up."""
        await asyncio.gather(*self._posting)

    def _write(self, to: str, template: str, context: dict[str, object]) -> EmailMessage:
        text = self._templates.render(f"mail/{template}.txt", {"site": self._site, **context})
        subject, _, body = text.partition("\n")
        message = EmailMessage()
        # Older Pythons decode what looks encoded, line breaks too, and so let a name write headers (gh-121650).
        message["Subject"] = " ".join(subject.split()).replace("=?", "= ?")
        message["From"] = f"Bugwatch <{self._sender}>"
        message["To"] = to
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body.strip() + "\n")
        return message

    def _deliver(self, message: EmailMessage, to: str) -> None:
        with self._connect() as server:
            if self._url.username:
                server.login(unquote(self._url.username), unquote(self._url.password or ""))
            server.send_message(message, self._sender, [to])

    def _connect(self) -> smtplib.SMTP:
        host = self._url.hostname or ""
        trusted = ssl.create_default_context()
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, self._url.port or 465, timeout=TIMEOUT_S, context=trusted)
        server = smtplib.SMTP(host, self._url.port or 587, timeout=TIMEOUT_S)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=trusted)
            server.ehlo()
        elif self._url.username and host not in ("localhost", "127.0.0.1", "::1"):
            server.close()
            raise smtplib.SMTPException("the server offers no encryption, so the password was not sent.")
        return server


def _answer(error: OSError | smtplib.SMTPException) -> tuple[int, str]:
    """The server's code (0 if it gave none) and reason."""
    text: bytes | str = str(error)
    code = 0
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, text = error.smtp_code, error.smtp_error
    return code, text.decode("utf-8", "replace") if isinstance(text, bytes) else text


async def _logged(sending: Coroutine[None, None, None]) -> None:
    try:
        await sending
    except BugwatchError as error:
        log.warning("A mail could not be sent: %s", error)
