from __future__ import annotations

import pytest

from bugwatch.domain.engine_message import common_spelling


@pytest.mark.parametrize(
    ("spellings", "common"),
    [
        (
            (
                "Cannot read properties of undefined (reading 'price')",
                "Cannot read property 'price' of undefined",
                'can\'t access property "price", item is undefined',
                "undefined is not an object (evaluating 'cart.item.price')",
            ),
            "undefined has no price",
        ),
        (
            (
                "Cannot set properties of null (setting 'value')",
                'can\'t access property "value", input is null',
                "null is not an object (evaluating 'input.value = 3')",
            ),
            "null has no value",
        ),
        (("total is not defined", "Can't find variable: total"), "total is not defined"),
        (
            (
                "cart.total is not a function",
                "cart.total is not a function. (In 'cart.total()', 'cart.total' is undefined)",
            ),
            "total is not a function",
        ),
        (
            (
                "Failed to fetch",
                "Failed to fetch (api.example)",
                "NetworkError when attempting to fetch resource.",
                "Load failed",
            ),
            "fetch failed",
        ),
        (("Maximum call stack size exceeded", "too much recursion"), "too much recursion"),
        (
            ("Failed to fetch dynamically imported module: https://a/b.js", "Importing a module script failed."),
            "import failed",
        ),
        (("any other message",), "any other message"),
    ],
)
def test_engines_mean_the_same_with_different_words(spellings: tuple[str, ...], common: str) -> None:
    assert {common_spelling(spelling) for spelling in spellings} == {common}
