"""How a project's events are grouped: by its rules and by the version of the algorithm that it is on.

Grouping is additive. Whoever moves to a newer version keeps its issues: for a while each event brings its hash of the
version before as well, and where that is known, the new hash leads to the same issue. Rules are not linked like this:
one that splits has to split, one that joins has to join, so a change of rules concerns new events only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from bugwatch.domain import fingerprint
from bugwatch.domain.event import Event
from bugwatch.domain.fingerprint import Component, Grouping
from bugwatch.domain.grouping_rule import Rule, in_force
from bugwatch.domain.ruling import Ruling, rule_on
from bugwatch.domain.title import first_line, shorten

# Every version that a project may still be on. To add one, raise `fingerprint.VERSION` and keep the old function here.
ALGORITHMS: dict[int, Callable[[Event], Grouping]] = {fingerprint.VERSION: fingerprint.group}


RULE, FINGERPRINT = "rule", "fingerprint"  # names of components
Source = Literal["algorithm", "fingerprint", "rule"]


def newest() -> int:
    return max(ALGORITHMS)


@dataclass(frozen=True, slots=True)
class Policy:
    """How a project groups now: the text of its rules, its algorithm, and the one before while that is linked."""

    rules: str = ""
    version: int = fingerprint.VERSION
    linked_version: int | None = None


def group(event: Event, policy: Policy) -> Grouping:
    """The event's grouping, with the rules that took part among its components. Never fails."""
    if not policy.rules:
        return _algorithm(policy.version)(event)
    ruling = _ruling(event, policy)
    grouping = _algorithm(policy.version)(ruling.event)
    rule = ruling.decided_by
    is_decided = rule is not None and bool(rule.parts) and _is_explicit(grouping)
    if rule is not None and is_decided:
        fingerprint_, *others = grouping.components
        fingerprint_ = replace(fingerprint_, reason=f"set by the project's rule on line {rule.line}")
        grouping = replace(
            grouping,
            components=(fingerprint_, *others),
            reason=f"Grouped by the fingerprint that the project's rule on line {rule.line} sets.",
        )
    if rule is not None and rule.title:
        grouping = _titled(grouping, rule.title, ruling.event)
    return replace(grouping, components=(*grouping.components, *_told(ruling, is_decided=is_decided)))


def older_hashes(event: Event, policy: Policy) -> tuple[bytes, ...]:
    """The event's hashes under the version before, by the same rules: what its issue may be known by."""
    if policy.linked_version is None or policy.linked_version == policy.version:
        return ()
    return (_algorithm(policy.linked_version)(_ruling(event, policy).event).hash,)


def source_of(grouping: Grouping) -> tuple[Source, str]:
    """What made the hash: `algorithm`, `fingerprint` (the SDK's) or `rule`; and the rule, as it was written."""
    rules = [c.value for c in grouping.components if c.name == RULE and c.contributes]
    if rules:
        return "rule", rules[0]
    return ("fingerprint" if _is_explicit(grouping) else "algorithm"), ""


def _ruling(event: Event, policy: Policy) -> Ruling:
    rules = in_force(policy.rules) if policy.rules else None
    return rule_on(rules, event) if rules else Ruling(event)


def _algorithm(version: int) -> Callable[[Event], Grouping]:
    # A version that this program does not know was written by a newer one.
    return ALGORITHMS.get(version) or ALGORITHMS[newest()]


def _is_explicit(grouping: Grouping) -> bool:
    return FINGERPRINT in [part.name for part in grouping.components]


def _titled(grouping: Grouping, template: str, event: Event) -> Grouping:
    title = shorten(first_line(fingerprint.fill(template, event)))
    return replace(grouping, title=title, title_type="", title_value=title) if title else grouping


def _told(ruling: Ruling, *, is_decided: bool) -> list[Component]:
    """The rules that took part. The one that set the fingerprint counted by what it set."""
    told = []
    if ruling.decided_by:
        told.append(
            _component(ruling.decided_by, is_decided, "sets the fingerprint" if is_decided else "sets the title")
        )
    return told + [_component(rule, False, "says which frames count") for rule in ruling.frame_rules]


def _component(rule: Rule, contributes: bool, what: str) -> Component:
    return Component(RULE, rule.text, contributes, f"line {rule.line} of the project's rules {what}")
