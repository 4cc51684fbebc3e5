"""How an issue is called, and where it is said to be: `title` and `culprit` as the API promises them."""

from __future__ import annotations

from bugwatch.domain.event import Event, ExceptionValue
from bugwatch.domain.frame_key import name_of
from bugwatch.domain.stacktrace import Frame

MAX_LENGTH = 200
NO_MESSAGE = "(no message)"


def title_of(event: Event, main: ExceptionValue | None) -> tuple[str, str]:
    """The title in two parts, type and text; either may be empty, not both. `main` is the telling exception, if any."""
    message = first_line(event.message) or first_line(event.message_template)
    if main is None or is_message(event, main):
        return "", message or NO_MESSAGE
    type_ = type_name(first_line(main.type))
    value = without_type(first_line(main.value), type_)
    if type_ or value:
        return type_, value
    function = main.frames[-1].function if main.frames else ""
    return "", first_line(function) or message or NO_MESSAGE


def join_title(type_: str, value: str) -> str:
    """`Type: value`, or whichever there is, at most MAX_LENGTH characters."""
    return shorten(f"{type_}: {value}" if type_ and value else type_ or value)


def is_message(event: Event, main: ExceptionValue) -> bool:
    """`captureMessage` of JavaScript sends the message and, for its stack trace, a made-up exception without type."""
    has_text = bool(event.message or event.message_template)
    is_made_up = main.mechanism is not None and main.mechanism.is_synthetic
    return not main.type and (has_text if is_made_up else has_text and not main.value)


def type_name(type_: str) -> str:
    """The type without the file and the line in which PHP found a class without a name."""
    head, anonymous, _ = type_.partition("@anonymous")
    return head + anonymous


def without_type(value: str, type_: str) -> str:
    """An exception's text where its type is told beside it: Ruby says it at the end, others at the beginning."""
    if type_ and type_ in value:
        return "" if value in (type_, f"{type_}()") else value.removeprefix(f"{type_}: ").removesuffix(f" ({type_})")
    return value


def culprit_of(event: Event, crash: Frame | None) -> str:
    """The transaction, else where the app's frame next to the crash stands, else what the SDK said, else nothing."""
    culprit = event.transaction or (name_of(crash, event.platform) if crash else "") or event.culprit
    return shorten(first_line(culprit))


def first_line(text: str) -> str:
    """The first line that is not blank, without blanks around it."""
    text = text.lstrip()
    line = text.partition("\n")[0].rstrip() if "\n" in text else text.rstrip()
    return line.partition("\r")[0].rstrip() if "\r" in line else line


def shorten(text: str, length: int = MAX_LENGTH) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
