"""What is read has enough contrast (WCAG AA, 4.5:1) in both themes: computed from the tokens."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).parent.parent / "web/css/tokens.css").read_text("utf-8")
_OKLCH = re.compile(r"oklch\(([\d.]+)(%?) ([\d.]+) ([\d.]+)(?: / ([\d.]+))?\)")

Colour = tuple[float, float, float]  # linear light


def token(name: str, theme: str) -> tuple[Colour, float]:
    """The colour of a token, and how opaque it is."""
    found = re.search(rf"--{name}:\s*([^;]+);", TOKENS)
    assert found, name
    value = found[1]
    if value.startswith("var(--"):
        return token(value[6:-1], theme)
    colours = _OKLCH.findall(value)
    lightness, _percent, chroma, hue, alpha = colours[-1 if theme == "dark" else 0]
    return linear(float(lightness), float(chroma), float(hue)), float(alpha or 1)


def linear(lightness: float, chroma: float, hue: float) -> Colour:
    """oklch as linear sRGB (https://bottosson.github.io/posts/oklab/), cut to what a screen can show."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    mixed = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    red, green, blue = (min(max(part, 0.0), 1.0) for part in mixed)
    return red, green, blue


def over(top: tuple[Colour, float], below: Colour) -> Colour:
    """Browsers mix in sRGB, not in linear light."""
    colour, alpha = top
    red, green, blue = (
        decoded(alpha * encoded(a) + (1 - alpha) * encoded(b)) for a, b in zip(colour, below, strict=True)
    )
    return red, green, blue


def encoded(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055


def decoded(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def contrast(one: Colour, other: Colour) -> float:
    lights = sorted(0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_source_code_can_be_read_also_on_the_failing_line(theme: str) -> None:
    sunken, _opaque = token("sunken", theme)
    failing = over(token("error-soft", theme), sunken)
    words = ("text-1", "syn-keyword", "syn-string", "syn-number", "syn-func", "syn-comment", "error-text")

    ratios = {
        (word, where): contrast(token(word, theme)[0], ground)
        for word in words
        for where, ground in (("code", sunken), ("failing line", failing))
    }

    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < 4.5} == {}


def test_contrast_is_measured_right() -> None:
    assert round(contrast((1, 1, 1), (0, 0, 0))) == 21
    assert round(contrast(linear(0.5999, 0, 0), (1, 1, 1)), 1) == pytest.approx(4.0, abs=0.2)
