"""Mail to a real server."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bugwatch import resources
from bugwatch.domain.errors import DeliveryFailed
from bugwatch.domain.site import Site
from bugwatch.services.mail import Mail
from bugwatch.templates import Templates
from tests.mailbox import mail_server

SITE = Site("https://bugs.example.com")


def mail(url: str, sender: str = "", templates: Templates | None = None) -> Mail:
    return Mail(url, sender, SITE, templates or Templates(resources.web() / "templates"))


async def test_a_mail_arrives_as_written() -> None:
    async with mail_server() as mailbox:
        await mail(mailbox.url).send("alice@example.com", "reset", link="https://bugs.example.com/reset/x")

    (message,) = mailbox.messages
    assert message["Subject"] == "Set a new password for Bugwatch"
    assert message["From"] == "Bugwatch <bugwatch@bugs.example.com>"
    assert message["To"] == "alice@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@bugs.example.com>")
    assert "https://bugs.example.com/reset/x" in mailbox.last()


@pytest.mark.parametrize(
    "name",
    [
        "Home\r\nBcc: victim@example.com",
        "Home\nSubject: other\n\nbody",
        "Home\u2028X-Evil: 1",
        "Home\x00\x1b",
        "=?utf-8?q?Home=0D=0ABcc=3A_victim=40example=2Ecom?=",
    ],
)
async def test_a_name_cannot_write_headers_or_add_recipients(name: str) -> None:
    async with mail_server() as mailbox:
        await mail(mailbox.url).send(
            "alice@example.com", "invitation", organization=name, by=name, link="https://x", days=7
        )

    (message,) = mailbox.messages
    assert mailbox.recipients == [["alice@example.com"]]
    assert message["Bcc"] is None
    assert message["X-Evil"] is None
    assert len(message.get_all("Subject", [])) == 1


@pytest.mark.parametrize("to", ["a@b.c\r\nBcc: victim@example.com", "a@b.c, victim@example.com"])
async def test_a_recipient_is_one_mailbox(to: str) -> None:
    async with mail_server() as mailbox:
        try:
            await mail(mailbox.url).send(to, "reset", link="https://x")
        except (DeliveryFailed, ValueError):
            pass

    assert all("victim@example.com" not in recipients for recipients in mailbox.recipients)


async def test_a_refusal_tells_the_servers_reason() -> None:
    async with mail_server() as mailbox:
        mailbox.refused.add("gone@example.com")
        with pytest.raises(DeliveryFailed, match="no such mailbox") as refused:
            await mail(mailbox.url).send("gone@example.com", "reset", link="https://x")

    assert refused.value.is_permanent


async def test_a_server_that_is_not_there_is_a_failure_that_may_pass() -> None:
    with pytest.raises(DeliveryFailed) as failed:
        await mail("smtp://127.0.0.1:1").send("alice@example.com", "reset", link="https://x")

    assert not failed.value.is_permanent


async def test_name_and_password_come_from_the_url() -> None:
    async with mail_server() as mailbox:
        url = mailbox.url.replace("//", "//bug%40home:a%20word@")
        await mail(url, "watch@example.com").send("alice@example.com", "reset", link="https://x")
        with pytest.raises(DeliveryFailed):
            await mail(url.replace("word", "guess")).send("alice@example.com", "reset", link="https://x")

    assert mailbox.logins[0] == ("bug@home", "a word")
    assert mailbox.messages[0]["From"] == "Bugwatch <watch@example.com>"


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with mail_server(_self_signed(tmp_path)) as mailbox:
        with pytest.raises(DeliveryFailed, match="certificate"):
            await mail(mailbox.url).send("alice@example.com", "reset", link="https://x")

    assert mailbox.messages == []


async def test_no_url_is_no_mail() -> None:
    assert not mail("").is_on
    assert mail("smtps://mail.example.com").is_on


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context
