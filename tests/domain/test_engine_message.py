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
        (("Uncaught (in promise) Error: no cart", "Uncaught Error: no cart", "no cart"), "no cart"),
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
        (
            (
                "Cannot read properties of undefined (reading '0')",
                "undefined is not an object (evaluating 'cart.items[0]')",
                "undefined is not an object (evaluating 'items[index]')",
            ),
            "undefined has no property",
        ),
        (
            (
                "undefined is not an object (evaluating 'cart.items[0].price')",
                "undefined is not an object (evaluating 'find(a, b).price')",
                'item is undefined; can\'t access its "price" property',
                "Cannot destructure property 'price' of 'item' as it is undefined.",
            ),
            "undefined has no price",
        ),
        (
            ("(intermediate value).x is not a function", "t.x is not a function", "f(1).x is not a function"),
            "x is not a function",
        ),
        (
            ("Cart is not a constructor", "Cart is not a constructor (evaluating 'new Cart')"),
            "Cart is not a constructor",
        ),
        (
            (
                "Cannot access 'a' before initialization",
                "can't access lexical declaration 'a' before initialization",
                "Cannot access uninitialized variable.",
            ),
            "used before initialization",
        ),
        (
            (
                "Assignment to constant variable.",
                "invalid assignment to const 'a'",
                "Attempted to assign to readonly property.",
            ),
            "assignment to a constant",
        ),
        (
            (
                "The user aborted a request.",
                "The operation was aborted. ",
                "Fetch is aborted",
                "signal is aborted without reason",
            ),
            "aborted",
        ),
        (
            (
                "Failed to execute 'setItem' on 'Storage': Setting the value of 'a' exceeded the quota.",
                "The quota has been exceeded.",
            ),
            "quota exceeded",
        ),
        (
            ("Loading chunk 12 failed.\n(error: https://a/12.js)", "Loading CSS chunk a~b failed.\n(/a.css)"),
            "chunk failed",
        ),
        (
            (
                "ResizeObserver loop limit exceeded",
                "ResizeObserver loop completed with undelivered notifications.",
            ),
            "ResizeObserver loop",
        ),
        (
            (
                "Unexpected token < in JSON at position 0",
                "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
                "Unexpected end of JSON input",
                "JSON.parse: unexpected character at line 1 column 1 of the JSON data",
                "JSON Parse error: Unrecognized token '<'",
            ),
            "invalid JSON",
        ),
        (
            (
                "Converting circular structure to JSON\n    --> starting at object",
                "cyclic object value",
                "JSON.stringify cannot serialize cyclic structures.",
            ),
            "circular structure",
        ),
        (
            (
                "Minified React error #31; visit https://react.dev/errors/31?args[]=a for the full message",
                "Minified React error #31; visit https://reactjs.org/docs/error-decoder.html?invariant=31&args[]=b for",
            ),
            "Minified React error #31",
        ),
        (("any other message",), "any other message"),
        (("x" * 5_000,), "x" * 5_000),
    ],
)
def test_engines_mean_the_same_with_different_words(spellings: tuple[str, ...], common: str) -> None:
    assert {common_spelling(spelling) for spelling in spellings} == {common}


@pytest.mark.parametrize(
    "piece", ["a is not a function ", "undefined is not an object (evaluating '", "(", "Unexpected ", "; ", "a["]
)
def test_hostile_messages_are_read_to_their_end(piece: str) -> None:
    common_spelling((piece * 1_000)[:1_000])
