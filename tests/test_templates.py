"""Every template of the house: texts, attributes and escapes; and the words for numbers and times."""

from __future__ import annotations

import re
from datetime import UTC
from html.parser import HTMLParser
from pathlib import Path
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment, nodes

from bugwatch.templates import COMPILED, Templates, age, ago, attributes, breakable, gettext, moment, ngettext
from tests import catalogue

WEB = Path(__file__).parent.parent / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))

# The name of the product, what is printed on keys and what stands in code are no texts.
NOT_TEXT = {"", "Bugwatch", "Esc", "Ctrl", "DSN", "JSON", "cURL"}
SILENT_ELEMENTS = {"kbd", "script", "style", "code", "pre"}
SPOKEN_ATTRIBUTES = {"aria-label", "title", "placeholder", "alt"}
VOID = {"meta", "link", "input", "br", "hr", "img", "wbr", "use", "rect", "line", "path"}

# UI.md, "htmx contract": what works without evaluating anything.
HTMX = {
    "hx-get",
    "hx-post",
    "hx-target",
    "hx-select",
    "hx-swap",
    "hx-swap-oob",
    "hx-trigger",
    "hx-push-url",
    "hx-indicator",
    "hx-sync",
    "hx-disabled-elt",
    "hx-disable",
}


class Words(HTMLParser):
    """Collects what a person would read in a template and its attributes; expressions arrive as a dot."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.found += [value or "" for name, value in attrs if name in SPOKEN_ATTRIBUTES]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in SILENT_ELEMENTS:
            self.found.append(data)


def words_of(source: str) -> Words:
    """Parse what a template writes itself, with each expression as a dot."""
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(source)
    words = Words()
    for output in tree.find_all(nodes.Output):
        for part in output.nodes:
            words.feed(part.data if isinstance(part, nodes.TemplateData) else "·")
    words.close()
    return words


def untranslated(source: str) -> list[str]:
    texts = (text for found in words_of(source).found for text in re.split(r"[·\s]*[·|/–—…]+\s*", found.strip()))
    return [text for text in texts if text.strip(" .,:;()“”") not in NOT_TEXT and re.search(r"[A-Za-z]{2}", text)]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(WEB)))
def test_every_text_goes_through_the_catalogue(file: Path) -> None:
    assert untranslated(file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello there</p>",
        '<a aria-label="Close">{{ x }}</a>',
        "{% if x %}<b>Plain</b>{% endif %}",
        "<p>{{ n }} issues</p>",
    ],
)
def test_a_text_that_bypasses_the_catalogue_is_found(source: str) -> None:
    assert untranslated(source)


def test_the_catalogue_is_up_to_date() -> None:
    assert catalogue.CATALOGUE.read_text("utf-8") == catalogue.catalogue(), "run: python tests/catalogue.py"


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(WEB)))
def test_templates_hold_to_the_content_security_policy_and_the_htmx_contract(file: Path) -> None:
    source = file.read_text("utf-8")

    assert not re.search(r"<style|<script(?! type=\"module\" src=)", source), "no inline style or script"
    for name, value in words_of(source).attributes:
        assert name != "style", "no style attributes"
        assert not name.startswith("on"), "no inline handlers"
        assert not name.startswith("hx-") or name in HTMX
        assert name != "hx-trigger" or "[" not in value, "trigger filters are evaluated"


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(WEB)))
def test_nothing_is_marked_safe_in_a_template(file: Path) -> None:
    assert not re.search(r"\|\s*safe|autoescape false", file.read_text("utf-8"))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(WEB)))
def test_every_form_that_posts_carries_the_token(file: Path) -> None:
    for form in re.findall(r'<form[^>]*method="post".*?</form>', file.read_text("utf-8"), flags=re.DOTALL):
        assert "csrf_field()" in form


# Macros that draw an icon, and which of their arguments names it.
ICONS = {"icon": 0, "empty": 0, "option": 0, "notice": 1, "icon_button": 1, "button": 1, "nav_item": 1, "tab_item": 1}
ICONS |= {"icon_link": 2, "link_button": 2, "act": 2}


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(WEB)))
def test_every_icon_is_in_the_sprite(file: Path) -> None:
    sprite = set(re.findall(r'id="([\w-]+)"', (WEB / "img/icons.svg").read_text("utf-8")))
    used = set()
    for call in Environment(extensions=["jinja2.ext.i18n"]).parse(file.read_text("utf-8")).find_all(nodes.Call):
        at = ICONS.get(getattr(call.node, "attr", getattr(call.node, "name", "")), 99)
        if at < len(call.args) and isinstance(call.args[at], nodes.Const):
            used.add(call.args[at].value)

    assert used <= sprite | {""}


def templates(folder: Path, **files: str) -> Templates:
    for name, source in files.items():
        (folder / f"{name}.html").write_text(source)
    return Templates(folder)


def test_values_are_escaped_also_inside_translated_texts(tmp_path: Path) -> None:
    rendered = templates(tmp_path, page='{{ x }} {{ _("for %(who)s", who=x) }}').render("page.html", {"x": "<b>"})

    assert rendered == "&lt;b&gt; for &lt;b&gt;"


def test_counts_in_templates_are_written_with_separators_and_escaped_values(tmp_path: Path) -> None:
    made = templates(tmp_path, page='{{ ngettext("%(num)s of %(x)s", "%(num)s in %(x)s", n, x=x) }}')

    assert made.render("page.html", {"n": 1200, "x": "<b>"}) == "1,200 in &lt;b&gt;"


def test_a_misspelt_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="tilte"):
        templates(tmp_path, page="{{ tilte }}").render("page.html", {"title": "x"})


def test_our_indentation_is_dropped_and_that_of_values_kept(tmp_path: Path) -> None:
    rendered = templates(tmp_path, page="<ul>\n    <li>\n  <pre>{{ code }}</pre>").render(
        "page.html", {"code": "\n  x"}
    )

    assert rendered == "<ul>\n<li>\n<pre>\n  x</pre>"


def test_attributes_are_escaped_and_absent_ones_left_out() -> None:
    given = {"data_key": '"><script>', "required": True, "hidden": False, "title": None}

    assert attributes(given) == ' data-key="&#34;&gt;&lt;script&gt;" required'


def test_a_path_wraps_after_its_separators_and_stays_escaped() -> None:
    assert breakable("a/b.py:<x>") == "a/<wbr>b.<wbr>py:&lt;x&gt;"


@pytest.mark.parametrize(
    ("past_ms", "said"),
    [
        (-5, "just now"),
        (999, "just now"),
        (12_999, "12s ago"),
        (60_000, "1m ago"),
        (3_600_000, "1h ago"),
        (6 * 86_400_000, "6d ago"),
        (65 * 86_400_000, "2mo ago"),
        (800 * 86_400_000, "2y ago"),
    ],
)
def test_the_past_is_told_in_one_unit(past_ms: int, said: str) -> None:
    assert ago(10**12 - past_ms, 10**12) == said


def test_age_and_dates() -> None:
    at = 1_795_271_467_123

    assert age(at - 3 * 86_400_000, at) == "3d old"
    assert age(at + 1, at) == "1s old"
    assert moment(at, UTC) == "Nov 21, 2026, 14:31:07 UTC"
    assert moment(at, ZoneInfo("Europe/Berlin")) == "Nov 21, 2026, 15:31:07 CET"


def test_texts_take_values_and_counts() -> None:
    assert gettext("%(a)s of %(b)s", a=1, b=2) == "1 of 2"
    assert ngettext("%(num)s issue", "%(num)s issues", 1) == "1 issue"
    assert ngettext("%(num)s issue", "%(num)s issues", 1200) == "1,200 issues"


def test_compiled_templates_say_the_same_without_their_sources(tmp_path: Path) -> None:
    (tmp_path / "greeting.html").write_text("<p>\n  {{ _('%(n)sd ago', n=days) }} {{ name }}</p>", "utf-8")
    (tmp_path / "mail.txt").write_text("{{ name }}", "utf-8")
    context = {"days": 3, "name": "<Alice>"}
    from_source = Templates(tmp_path)

    (tmp_path / "packed").mkdir()
    from_source.compile_all(tmp_path / "packed" / COMPILED)

    packed = Templates(tmp_path / "packed")
    packed.load_all()
    for name in ("greeting.html", "mail.txt"):
        assert packed.render(name, context) == from_source.render(name, context)
    assert "&lt;Alice&gt;" in packed.render("greeting.html", context)
    with ZipFile(tmp_path / "packed" / COMPILED) as archive:
        assert {Path(name).suffix for name in archive.namelist()} == {".pyc"}
