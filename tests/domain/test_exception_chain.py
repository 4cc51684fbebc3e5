from __future__ import annotations

from dataclasses import replace

import pytest

from bugwatch.domain.event import ExceptionValue, Mechanism
from bugwatch.domain.exception_chain import WRAPPERS, chain_of
from bugwatch.domain.stacktrace import Frame

FRAMES = (Frame(module="shop.cart", function="total"),)


def error(type_: str, value: str = "", module: str = "", *, frames: tuple[Frame, ...] = FRAMES) -> ExceptionValue:
    return ExceptionValue(type=type_, value=value, module=module, frames=frames)


def types(*exceptions: ExceptionValue) -> list[str]:
    chain = chain_of(exceptions, lambda e: e.type)
    assert chain is not None
    assert chain.main is chain.links[-1]
    return [link.type for link in chain.links]


def test_no_exception_is_no_chain() -> None:
    assert chain_of((), id) is None


def test_the_outermost_says_what_happened_and_its_causes_count() -> None:
    assert types(error("IOError"), error("PaymentFailed", "order 7")) == ["IOError", "PaymentFailed"]


@pytest.mark.parametrize("wrapper", sorted(WRAPPERS))
def test_a_wrapper_steps_back_behind_its_cause(wrapper: str) -> None:
    assert types(error("IOError", "x"), error(wrapper, "y")) == ["IOError"]


@pytest.mark.parametrize(
    "wrapper",
    ["java.util.concurrent.ExecutionException", "System.AggregateException", "Illuminate\\View\\ViewException"],
)
def test_a_wrapper_is_known_by_its_own_name(wrapper: str) -> None:
    assert types(error("IOError", "x"), error(wrapper, "y")) == ["IOError"]


def test_wrappers_in_wrappers_step_back_too() -> None:
    assert types(error("IOError", "x"), error("InvocationTargetException"), error("ExecutionException")) == ["IOError"]


@pytest.mark.parametrize("text", ["java.io.IOError: x", "IOError: x", "x"])
def test_a_plain_exception_that_repeats_its_cause_is_a_wrapper(text: str) -> None:
    assert types(error("IOError", "x", "java.io"), error("RuntimeException", text)) == ["IOError"]


def test_a_plain_exception_with_its_own_words_is_none() -> None:
    assert types(error("IOError", "x"), error("RuntimeException", "no order")) == ["IOError", "RuntimeException"]


@pytest.mark.parametrize("text", ["", "x", "java.io.IOError: x"])
def test_an_exception_thrown_again_in_another_thread_is_a_wrapper(text: str) -> None:
    assert types(error("IOError", "x", "java.io"), error("IOError", text)) == ["IOError"]
    assert types(error("IOError", "x"), error("IOError", "y")) == ["IOError", "IOError"]


def test_a_wrapper_stays_where_there_is_nothing_better() -> None:
    assert types(error("ExecutionException", "x")) == ["ExecutionException"]
    assert types(error("", ""), error("ExecutionException", "x")) == ["", "ExecutionException"]
    assert types(error("IOError", frames=()), error("ExecutionException", "x")) == ["IOError", "ExecutionException"]


@pytest.mark.parametrize(
    "text", ["There was an error while hydrating. Because …", "There was an error during concurrent rendering but …"]
)
def test_what_react_recovered_from_is_told_by_its_cause(text: str) -> None:
    assert types(error("Error", "Text content does not match."), error("Error", text)) == ["Error"]


def test_what_the_system_wraps_around_an_app_is_told_by_its_cause() -> None:
    text = "Unable to start activity ComponentInfo{com.shop/com.shop.Main}: java.lang.NullPointerException: x"

    assert types(error("NullPointerException", "x"), error("RuntimeException", text)) == ["NullPointerException"]


def test_what_was_taken_off_is_kept_aside() -> None:
    inner, outer = error("IOError", "x"), error("ExecutionException", "y")
    chain = chain_of([inner, outer], id)

    assert chain is not None
    assert chain.wrappers == (outer,)


def test_components_above_an_error_are_no_cause() -> None:
    assert types(error("React ErrorBoundary TypeError"), error("TypeError")) == ["TypeError"]
    assert types(error("React ErrorBoundary TypeError")) == ["React ErrorBoundary TypeError"]


def member(exception: ExceptionValue, id_: int, parent: int | None, *, is_group: bool = False) -> ExceptionValue:
    source = f"exceptions[{id_}]" if parent is not None else ""
    how = Mechanism(exception_id=id_, parent_id=parent, is_exception_group=is_group, source=source)
    return replace(exception, mechanism=how)


def test_the_only_member_of_a_group_steps_out_with_its_cause_and_without_its_wrapper() -> None:
    group = (
        member(error("IOError", "x"), 2, 1),
        member(error("ExecutionException", "y"), 1, 0),
        member(error("AggregateException"), 0, None, is_group=True),
    )

    assert types(*group) == ["IOError"]


def test_different_members_stand_beside_their_group_in_any_order() -> None:
    root = member(error("ExceptionGroup"), 0, None, is_group=True)
    one, two = member(error("A"), 1, 0), member(error("B"), 2, 0)

    assert types(two, one, root) == types(one, two, root) == ["A", "B", "ExceptionGroup"]
