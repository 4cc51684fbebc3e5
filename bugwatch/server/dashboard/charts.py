"""The geometry of charts. Templates draw it as SVG that is coloured by class, so that a strict policy has nothing to
forbid: heights are path commands, never styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bugwatch.domain.clock import DAY, HOUR
from bugwatch.templates import gettext as _
from bugwatch.templates import ngettext, number

SPARK_HEIGHT, SPARK_STEP = 26, 5
TOP, BOTTOM = 15, 16  # room for the scale above the bars and the hours below


@dataclass(frozen=True, slots=True)
class Spark:
    """24 hourly bars. `hot` are those near the peak; rising means much more lately than in the first half."""

    quiet: str
    hot: str
    is_rising: bool
    label: str


def spark(counts: Sequence[int]) -> Spark:
    """`counts` by hour, oldest first."""
    peak = max(counts, default=0)
    bars: dict[bool, list[str]] = {True: [], False: []}
    for at, count in enumerate(counts):
        top = SPARK_HEIGHT - (max(2, round(count / peak * (SPARK_HEIGHT - 2))) if count else 1)
        bars[count > 0 and count >= peak * 0.62].append(f"M{at * SPARK_STEP + 1.5:g} {SPARK_HEIGHT}V{top}")
    is_rising = sum(counts[-3:]) / 3 > 4 * max(0.5, sum(counts[:12]) / 12)
    said = _("Events per hour, last 24 hours. Peak %(peak)s, latest %(latest)s.", peak=peak, latest=(counts or [0])[-1])
    return Spark("".join(bars[False]), "".join(bars[True]), is_rising, f"{said} {_('Rising.')}" if is_rising else said)


@dataclass(frozen=True, slots=True)
class Label:
    """A word below the bars, at `x` percent. The minor ones give way on narrow screens."""

    x: str
    anchor: str
    text: str
    is_minor: bool


@dataclass(frozen=True, slots=True)
class Bars:
    """Stacked bars: `errors` (error and fatal) below `others`. `size` is how many; `plot` is their height."""

    height: int
    plot: int
    size: int
    others: str
    errors: str
    grid: tuple[int, ...]
    scale: int
    labels: tuple[Label, ...]
    label: str


def bars(start: int, step: int, counts: Sequence[tuple[int, int]], zone: tzinfo, height: int) -> Bars:
    """`counts` are (errors, others) for each `step` ms from `start` on."""
    plot = height - TOP - BOTTOM
    peak = max((errors + others for errors, others in counts), default=0)
    scale = _round_up(peak)
    below, above = [], []
    for at, (errors, others) in enumerate(counts):
        low, high = _heights(errors, others, plot, scale)
        if low:
            below.append(f"M{at + 0.1:g} {plot}h.8v-{low:g}h-.8z")
        if high:
            above.append(f"M{at + 0.1:g} {plot - low:g}h.8v-{high:g}h-.8z")
    return Bars(
        height=height,
        plot=plot,
        size=len(counts),
        others="".join(above),
        errors="".join(below),
        grid=tuple(round(TOP + plot * part) for part in (1, 0.5, 0)),
        scale=scale,
        labels=_labels(start, step, len(counts), zone),
        label=_in_words(counts, step, peak),
    )


def _heights(errors: int, others: int, plot: int, scale: int) -> tuple[float, float]:
    """In pixels; whatever is not nothing can be seen."""
    low = max(1.0, round(plot * errors / scale, 1)) if errors else 0.0
    high = max(1.0, round(plot * others / scale, 1)) if others else 0.0
    return low, high


def _in_words(counts: Sequence[tuple[int, int]], step: int, peak: int) -> str:
    total = sum(errors + others for errors, others in counts)
    said = ngettext("%(num)s event", "%(num)s events", total)
    hours = step // HOUR
    per = ngettext("at most %(peak)s in an hour", "at most %(peak)s in %(num)s hours", hours, peak=number(peak))
    return f"{said}, {per}."


def _round_up(peak: int) -> int:
    """The next number above that people call round, at least 4: one event is no alarm."""
    unit = 1
    while True:
        for factor in (1, 2, 3, 4, 5, 8):
            if factor * unit >= max(peak, 4):
                return factor * unit
        unit *= 10


def _labels(start: int, step: int, size: int, zone: tzinfo) -> tuple[Label, ...]:
    """About six, the first at the left edge, the last one "now"."""
    count = 6 if size >= 6 else max(size, 1)
    form = "%H:%M" if size * step <= DAY else "%b %-d"
    labels = []
    for at in range(count):
        x = at / count
        local = datetime.fromtimestamp((start + x * size * step) / 1000, zone)
        anchor = "start" if at == 0 else "middle"
        labels.append(Label(f"{x * 100:.2f}%", anchor, local.strftime(form), at % 2 == 1))
    return (*labels, Label("100%", "end", _("now"), False))


@dataclass(frozen=True, slots=True)
class Share:
    """A value's part of all, for a bar: `percent` 0 to 100."""

    value: str
    count: int
    percent: int


def shares(counts: Sequence[tuple[str, int]]) -> tuple[Share, ...]:
    """Parts of the sum, largest first."""
    total = sum(count for _value, count in counts) or 1
    ordered = sorted(counts, key=lambda pair: (-pair[1], pair[0]))
    return tuple(Share(value, count, round(100 * count / total)) for value, count in ordered)
