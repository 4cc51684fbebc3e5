"""The one jinja environment, and the one catalogue of texts: pages, mail and notices are written with it.

Files ending in `.html` are escaped, all others (mail as plain text) are not. Every text that a person may read goes
through `_("…")` or `ngettext("…", "…", n)`, here and in templates; English is the key. A text is always a format
string: `_("%(count)s selected", count=3)`, and a percent sign is written `%%`.
"""

from __future__ import annotations

import compileall
import re
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from functools import lru_cache
from gettext import translation
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile, ZipInfo

from jinja2 import Environment, FileSystemLoader, ModuleLoader, StrictUndefined, pass_eval_context, select_autoescape
from jinja2.ext import Extension
from jinja2.nodes import EvalContext
from markupsafe import Markup

from bugwatch import resources
from bugwatch.domain.clock import to_iso

_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000
COMPILED = "compiled.zip"  # beside the templates; see Templates.compile_all
_MONTH, _YEAR = 30 * _DAY, 365 * _DAY

_catalogue = translation("bugwatch", resources.web() / "locale", languages=["en"], fallback=True)


def gettext(message: str, **values: object) -> str:
    """The text in the reader's language, with its `%(name)s` filled in. Plain: escaping is the template's affair."""
    return _catalogue.gettext(message) % values


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """Like `gettext`, for a count, which the text may name as `%(num)s`."""
    return _catalogue.ngettext(one, many, num) % {"num": number(num), **values}


class Templates:
    """Renders the files of a folder. What is added by `offer` is a global of every template."""

    def __init__(self, folder: Path) -> None:
        self._is_compiled = (folder / COMPILED).exists()
        self._environment = Environment(
            loader=ModuleLoader(folder / COMPILED) if self._is_compiled else FileSystemLoader(folder),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,  # a misspelt name is an error, not an empty place on the page
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            extensions=["jinja2.ext.i18n", _Unindented],
        )
        self._environment.install_gettext_callables(  # type: ignore[attr-defined]  # comes with the extension
            _catalogue.gettext, _catalogue.ngettext, newstyle=True
        )
        # The extension's own take a sixth of the time of a page (measured: 281 texts).
        self._environment.globals.update(
            _=_gettext_in_template, gettext=_gettext_in_template, ngettext=_ngettext_in_template
        )
        self._environment.filters.update(
            number=number, breakable=breakable, iso=to_iso, moment=moment, day=day, attributes=attributes
        )
        self._environment.globals.update(ago=ago, age=age)

    def offer(self, **functions: Callable[..., object]) -> None:
        self._environment.globals.update(functions)

    def load_all(self) -> None:
        """Compile every template now (0.7 s in all), so that nobody's first page waits for it."""
        if not self._is_compiled:
            for name in self._environment.list_templates():
                self._environment.get_template(name)

    def compile_all(self, target: Path) -> None:
        """Write every template to the archive `target` as a module of bytecode. Where a folder of templates has such an
        archive `COMPILED`, nothing else of it is needed, and no start compiles anything: so it is in the executable."""
        with TemporaryDirectory() as folder, ZipFile(target, "w") as archive:
            self._environment.compile_templates(folder, zip=None, ignore_errors=False)
            compileall.compile_dir(folder, ddir="templates", quiet=2, legacy=True)
            for module in sorted(Path(folder).glob("*.pyc")):
                archive.writestr(ZipInfo(module.name), module.read_bytes())

    def render(self, name: str, context: Mapping[str, object]) -> str:
        return self._environment.get_template(name).render(context)


@pass_eval_context
def _gettext_in_template(context: EvalContext, message: str, **values: object) -> str:
    text = _markup(message) if context.autoescape else _catalogue.gettext(message)
    return text % values if values or "%" in text else text


@lru_cache(maxsize=4096)
def _markup(message: str) -> Markup:
    return Markup(_catalogue.gettext(message))  # noqa: S704  # our own text


@pass_eval_context
def _ngettext_in_template(context: EvalContext, one: str, many: str, num: int, **values: object) -> str:
    text = _catalogue.ngettext(one, many, num)
    return (Markup(text) if context.autoescape else text) % {"num": number(num), **values}  # noqa: S704  # our own text


class _Unindented(Extension):
    """Drops the indentation of our own markup once, when a template is compiled: about a fifth of every page.

    What a page shows inside `<pre>` comes from values, which this does not touch.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        if name is None or not name.endswith(".html"):
            return source
        return re.sub(r"^[ \t]+", "", source, flags=re.MULTILINE)


def number(value: int) -> str:
    """12402 as 12,402."""
    return f"{value:,}"


def breakable(path: str) -> Markup:
    """A path, or a dotted name, that a browser may wrap after its separators."""
    escaped = str(Markup.escape(path))
    return Markup(re.sub(r"(?<=[/\\.:])(?=\w)", "<wbr>", escaped))  # noqa: S704  # the value was escaped one line above


def attributes(given: Mapping[str, object]) -> Markup:
    """HTML attributes, escaped, each with a space before it: `data_key="x"` as ` data-key="x"`; None and False are left
    out, True is a bare name."""
    pairs = (
        (name.replace("_", "-"), value) for name, value in given.items() if value is not None and value is not False
    )
    return Markup("").join(Markup(" {}").format(n) if v is True else Markup(' {}="{}"').format(n, v) for n, v in pairs)


def moment(at: int, zone: tzinfo) -> str:
    """Nov 21, 2026, 14:31:07 UTC."""
    local = datetime.fromtimestamp(at / 1000, zone)
    return f"{local:%b} {local.day}, {local:%Y, %H:%M:%S %Z}"


def day(at: int, zone: tzinfo) -> str:
    """Nov 21, 2026."""
    local = datetime.fromtimestamp(at / 1000, zone)
    return f"{local:%b} {local.day}, {local:%Y}"


def ago(at: int, now: int) -> str:
    """How long it is past, in one unit: 12s ago, 4m ago, 3h ago, 5d ago, 2mo ago, 3y ago. The future is "just now"."""
    past = now - at
    if past < _SECOND:
        return gettext("just now")
    return _in_one_unit(past, _AGO)


def age(since: int, now: int) -> str:
    """How long it has existed: 5h old."""
    return _in_one_unit(max(now - since, _SECOND), _OLD)


def _in_one_unit(span: int, texts: tuple[tuple[int, str], ...]) -> str:
    unit, text = next((unit, text) for unit, text in texts if span >= unit)
    return gettext(text, n=span // unit)


def _(message: str) -> str:
    """Marks a text for the catalogue where it is only looked up later."""
    return message


_AGO = (
    (_YEAR, _("%(n)sy ago")),
    (_MONTH, _("%(n)smo ago")),
    (_DAY, _("%(n)sd ago")),
    (_HOUR, _("%(n)sh ago")),
    (_MINUTE, _("%(n)sm ago")),
    (_SECOND, _("%(n)ss ago")),
)
_OLD = (
    (_YEAR, _("%(n)sy old")),
    (_MONTH, _("%(n)smo old")),
    (_DAY, _("%(n)sd old")),
    (_HOUR, _("%(n)sh old")),
    (_MINUTE, _("%(n)sm old")),
    (_SECOND, _("%(n)ss old")),
)
