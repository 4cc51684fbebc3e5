"""Writes `web/locale/bugwatch.pot`, the list of every text of the user interface:  python tests/catalogue.py"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment

ROOT = Path(__file__).parent.parent
CATALOGUE = ROOT / "web/locale/bugwatch.pot"
MARKERS = ("_", "gettext", "ngettext")

Message = tuple[str, str | None]  # the text, and its plural


def in_templates() -> Iterator[tuple[str, Message]]:
    environment = Environment(extensions=["jinja2.ext.i18n"])
    for file in sorted((ROOT / "web/templates").rglob("*.*")):
        for _line, _function, found in environment.extract_translations(file.read_text("utf-8")):
            one, many = (found, None) if isinstance(found, str) else (found[0] or "", found[1])
            yield str(file.relative_to(ROOT)), (one, many)


def in_modules() -> Iterator[tuple[str, Message]]:
    for file in sorted((ROOT / "bugwatch").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKERS:
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                if texts:
                    many = texts[1] if node.func.id == "ngettext" else None
                    yield str(file.relative_to(ROOT)), (texts[0], many)


def catalogue() -> str:
    """The catalogue as it ought to be now."""
    places: dict[Message, set[str]] = {}
    for place, message in (*in_templates(), *in_modules()):
        places.setdefault(message, set()).add(place)
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    return head + "".join(_entry(message, places[message]) for message in sorted(places, key=str))


def _entry(message: Message, places: set[str]) -> str:
    one, many = message
    lines = ["", *(f"#: {place}" for place in sorted(places))]
    if "%(" in one:
        lines.append("#, python-format")
    lines.append(f"msgid {_quoted(one)}")
    lines += [f"msgid_plural {_quoted(many)}", 'msgstr[0] ""', 'msgstr[1] ""'] if many else ['msgstr ""']
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


if __name__ == "__main__":
    CATALOGUE.write_text(catalogue(), "utf-8")
    print(CATALOGUE)
