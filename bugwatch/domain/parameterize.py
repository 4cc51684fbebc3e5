"""Messages without what varies: `User 42 not found` and `User 43 not found` become `User <int> not found`.

One pass of one regular expression over at most `MAX_LENGTH` characters, so the time is linear in what is read and
bounded however long the message is. The first rule that matches at a place wins. To add a rule, add a line to `RULES`
above the rules that would eat its beginning; its examples are its tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LENGTH = 1_024

_END = r"(?!\w)"
_SIGN = r"(?:(?<![\w)\]])[-+])?"
_CLOCK = r"\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:\s?[AaPp][Mm]\b)?"
_ZONE = (
    r"(?:\s?(?:Z\b|UTC\b|GMT\b(?:[+-]\d{4})?|[+-]\d{2}:?\d{2}(?!\d))"
    r"(?:\s\([A-Za-z ]{1,40}\))?)?"
)
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?\s"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_PAIRS = r"[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6}"
_IPV6 = rf"(?:[0-9A-Fa-f]{{1,4}}:){{7}}[0-9A-Fa-f]{{1,4}}|(?:{_PAIRS})?::(?:{_PAIRS})?"
_PORT = r"(?::\d{1,5})?"
_TLD = (
    r"(?:com|org|net|edu|gov|io|dev|app|ai|co|cloud|local|internal|lan|info|biz|me|tv|eu|uk|de|fr|nl|ch|at|us|ca|au|jp)"
)
# Nothing is called on a host, and it is not the beginning of a package's name.
_HOST_END = rf"(?![\w(-]|\.\w){_PORT}"


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` becomes `<name>`. Every example is replaced as a whole."""

    name: str
    pattern: str
    examples: tuple[str, ...]


# fmt: off
RULES = (
    Rule("email", r"[\w.+%-]{1,64}+@[\w-]{1,63}+(?:\.[\w-]{1,63}){1,8}",
         ("ann@example.com", "a.b+c@mail.shop.co.uk")),
    Rule("url", r"[A-Za-z][A-Za-z0-9+.-]{1,15}+://[^\s\"'<>()\[\]{}|\\^`]{1,1000}(?<![.,;:!?])",
         ("https://a.b/c?d=1#e", "tcp://10.0.0.1:80", "postgres://u:p@h/db")),
    Rule("trace", rf"[0-9a-f]{{2}}-[0-9a-f]{{32}}-[0-9a-f]{{16}}-[0-9a-f]{{2}}{_END}",
         ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",)),
    Rule("trace", rf"1-[0-9a-f]{{8}}-[0-9a-f]{{24}}{_END}",
         ("1-5759e988-bd862e3fe1be46a994272793",)),
    Rule("uuid", rf"[0-9A-Fa-f]{{8}}-(?:[0-9A-Fa-f]{{4}}-){{3}}[0-9A-Fa-f]{{12}}{_END}",
         ("7b1c6c0e-2f7b-4c55-9d1e-0f3a8f3c1a2b", "7B1C6C0E-2F7B-4C55-9D1E-0F3A8F3C1A2B")),
    Rule("date", r"datetime\.(?:datetime|date)\([\d, ]{4,40}(?:, tzinfo=[\w.]{1,30})?\)",
         ("datetime.datetime(2026, 11, 21, 14, 31)", "datetime.date(2026, 1, 2)")),
    Rule("date", rf"\d{{4}}[-/]\d{{2}}[-/]\d{{2}}(?:[T ]{_CLOCK}{_ZONE}|{_END}(?!-))",
         ("2026-11-21", "2026-11-21T14:31:07.123Z", "2026/11/21 14:31:07", "2026-11-21 14:31:07,123",
          "2026-11-21 14:31:07.123456+00:00")),
    Rule("date", rf"\d{{8}}T\d{{6}}(?:\.\d{{1,9}})?Z?{_END}",
         ("20261121T143107Z",)),
    Rule("date", rf"(?:{_DAY})?\d{{1,2}}[ /-]{_MONTH}[ /-]\d{{2,4}}(?:[ :]{_CLOCK}{_ZONE})?{_END}",
         ("21 Nov 2026", "Sat, 21 Nov 2026 14:31:07 GMT", "21/Nov/2026:14:31:07 +0000",
          "Saturday, 21-Nov-26 14:31:07 UTC")),
    Rule("date", rf"(?:{_DAY})?{_MONTH}\s{{1,2}}\d{{1,2}}(?:,? \d{{4}})?(?:,? {_CLOCK}{_ZONE}(?: \d{{4}})?)?{_END}",
         ("Nov 21, 2026", "Nov  1 14:31:07", "Sat Nov 21 14:31:07 2026",
          "Sat Nov 21 2026 14:31:07 GMT+0100 (Central European Standard Time)")),
    Rule("date", rf"\d{{1,2}}[/.]\d{{1,2}}[/.](?:19|20)\d{{2}}(?:,? {_CLOCK})?{_END}",
         ("11/21/2026", "21.11.2026", "11/21/2026, 2:31:07 PM")),
    Rule("time", rf"{_CLOCK}{_ZONE}{_END}",
         ("14:31:07", "14:31:07.123", "2:31:07 PM")),
    Rule("mac", r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w:-])",
         ("00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E")),
    Rule("ip", rf"(?:{_BYTE}\.){{3}}{_BYTE}(?!\w|\.\d)(?:/\d{{1,2}})?{_PORT}{_END}",
         ("127.0.0.1", "10.0.0.1:8080", "10.0.0.0/8")),
    # Version 6. It has a digit somewhere, and nothing is called on it: `Fee::add()` is a method.
    Rule("ip", rf"\[?(?=[A-Fa-f:.]{{0,38}}\d)(?:{_IPV6})(?:%\w{{1,16}})?(?![\w:(])(?:\]{_PORT})?",
         ("fe80::1", "2001:db8::8a2e:370:7334", "::1", "fe80::1%eth0", "[::1]:8080",
          "2001:0db8:85a3:0000:0000:8a2e:0370:7334")),
    Rule("host", rf"(?!(?:java|javax|system|com|org|net|io)\.)[a-z0-9](?:[a-z0-9-]{{0,62}}+\.){{2,6}}{_TLD}{_HOST_END}",
         ("api.example.com", "db-1.eu.shop.internal:5432")),
    Rule("host", rf"(?!(?:java|javax|system)\.)(?=[a-z])[a-z0-9-]{{2,63}}+\.(?:com|org|local|internal|lan){_HOST_END}",
         ("example.com", "nas.local:445")),
    Rule("host", r"localhost:\d{1,5}",
         ("localhost:8000",)),
    Rule("hex", rf"0[xX][0-9A-Fa-f]{{1,64}}{_END}",
         ("0x7f8d1cbb9c90", "0XFF")),
    Rule("version", rf"v?\d{{1,5}}(?:\.\d{{1,5}}){{2,3}}(?:[-+][\w+-]{{1,20}}(?:\.[\w+-]{{1,10}}){{0,3}})?{_END}",
         ("1.2.3", "v10.4.1", "2.0.0-rc.1+build5")),
    Rule("duration", rf"{_SIGN}\d{{1,12}}(?:\.\d{{1,9}})?\s?(?:ns|µs|us|ms|secs?|mins?|s|m|h|d){_END}",
         ("12ms", "1.5s", "30 ms", "-5s")),
    Rule("duration", rf"(?:\d{{1,5}}[dhm]){{1,3}}\d{{1,5}}(?:\.\d{{1,9}})?(?:ms|m|s){_END}",
         ("1h30m", "1d2h3m4.5s")),
    Rule("size", rf"\d{{1,12}}(?:\.\d{{1,6}})?\s?(?:[kKMGTP]i?B|bytes|[kKMG]){_END}",
         ("10MB", "1.5 GiB", "2048 bytes", "512K")),
    Rule("float", rf"{_SIGN}(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,40}})\.\d{{1,40}}(?:[eE][-+]?\d{{1,4}})?{_END}",
         ("3.14", "-0.5", "1,234.56", "6.02e+23")),
    Rule("float", rf"{_SIGN}\d{{1,40}}[eE][-+]?\d{{1,4}}{_END}",
         ("1e-9", "2E10")),
    Rule("int", rf"{_SIGN}(?:\d{{1,3}}(?:,\d{{3}}){{1,12}}|\d{{1,3}}(?:_\d{{3}}){{1,12}}|\d{{1,80}}){_END}",
         ("42", "-7", "4,150,908", "1_000_000", "1767225600123")),
)
# fmt: on

# Words of letters alone are the most of a message and are passed first, with the blank after them; not those that a
# date or the number of an error may begin with.
_LETTERS = rf"(?!{_MONTH}\b|{_DAY}|(?i:errno|error|code|status|http)\b)[A-Za-z]{{1,64}}+(?![\w@.:/+%=(-]) ?"
# Other words are eaten whole, so that their digits are judged together, or left alone.
_WORD = r"[\w$]{1,256}"
# Names that end in a number, and the numbers of errors: `utf-8`, `HTTP/1.1 404`, `error #418`, `status code 500`.
_KEEP = (
    r"(?i:(?:utf|ucs|iso|sha|sha3|aes|rsa|cp|latin|windows|base|ecma|rfc|crc|md|es|http|tls|ssl|x86|mp|p|h)"
    r"[-_/]\d{1,5}(?:[-_.]\d{1,3}){0,3}(?: [1-5]\d\d)?\b"
    r"|(?:(?:errno|error|http)(?: ?[#(\[]{1,2}| )|(?:code|status)(?: ?[:=#(\[]{1,2} ?| )|ora-)\d{1,5}\b(?![.,:]?\d))"
)
_VALUE = r"(?:(?<==)|(?<=\":)|(?<=\": )|(?<=':)|(?<=': ))"
_QUOTED = rf"{_VALUE}(?:\"[^\"\n]{{0,500}}\"|'[^'\n]{{0,500}}')"
_BOOL = rf"{_VALUE}(?:[Tt]rue|[Ff]alse)\b"

_PATTERN = re.compile(
    rf"(?<!\w)(?:(?P<bool>{_BOOL})|(?P<letters>{_LETTERS})|(?P<keep>{_KEEP})|(?P<str>{_QUOTED})|"
    + "|".join(f"(?P<{rule.name}_{i}>{rule.pattern})" for i, rule in enumerate(RULES))
    + rf"|(?P<word>{_WORD}))",
    re.ASCII,
)
_NAMES = {f"{rule.name}_{i}": f"<{rule.name}>" for i, rule in enumerate(RULES)} | {"str": "<str>", "bool": "<bool>"}
_VARIES = re.compile(r"[0-9@/=:]|\.[a-z]")


def parameterize(text: str) -> str:
    """`text` with its varying parts named, such as `<int>` or `<uuid>`; what lies beyond `MAX_LENGTH` is dropped."""
    text = text[:MAX_LENGTH]
    return _PATTERN.sub(_name, text) if _VARIES.search(text) else text


def _name(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    return _name_word(match[0]) if kind == "word" else _NAMES.get(kind, match[0])


_HASH = re.compile(r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])(?:[0-9a-f]{7,128}|[0-9A-F]{7,128})")
_TAIL_NUMBER = re.compile(r"(?<=[A-Za-z]_)\d{2,}$")
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def _name_word(word: str) -> str:
    """Hashes and random tokens are named, `item_42` loses its number, `log4j` and `x86_64` stay."""
    if word.isalpha():
        return word
    if _HASH.fullmatch(word):
        return "<hash>"
    if _is_drawn(word):
        return "<token>"
    return word if word == "x86_64" else _TAIL_NUMBER.sub("<int>", word)


def _is_drawn(word: str) -> bool:
    """Is it drawn by lot? Then its runs of letters and of digits are shorter than those of a name, or many."""
    if len(word) < 10 or not any(char.isdigit() for char in word):
        return False
    runs = _RUN.findall(word)
    numbers = sum(run.isdigit() for run in runs)
    return len(runs) * 2 >= len(word) or (len(word) >= 20 and numbers >= 3 and "_" not in word)
