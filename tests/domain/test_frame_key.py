from __future__ import annotations

import pytest

from bugwatch.domain.frame_key import FAMILIES, is_minified, key_of, name_of
from bugwatch.domain.stacktrace import Frame


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (Frame(filename="/app.js", function="t"), True),
        (Frame(filename="/app.js", function="fn", colno=12), False),
        (Frame(filename="/app.js", function="fn", colno=121), True),
        (Frame(filename="/app.js", function="total", colno=501), True),
        (Frame(filename="/app.min.js", function="total"), True),
        (Frame(filename="/app.3f2a9c1b.js", function="total"), True),
        (Frame(filename="/app.js", function="total", colno=500), False),
        (Frame(filename="/src/app.ts", function="t"), False),
        (Frame(filename="/app.js", function=""), False),
    ],
)
def test_minified_code_is_known_by_its_names_and_its_width(frame: Frame, expected: bool) -> None:
    assert is_minified(frame, key_of(frame, "javascript")) is expected


def test_only_javascript_is_minified() -> None:
    frame = Frame(filename="/app.min.js", function="t", colno=9000)

    assert not any(is_minified(frame, key_of(frame, p)) for p, family in FAMILIES.items() if family != "javascript")


def test_what_an_obfuscator_left_of_a_class_is_minified() -> None:
    frame = Frame(module="a.b.c", function="a")

    assert is_minified(frame, key_of(frame, "java"))
    assert not is_minified(frame, key_of(frame, "python"))


@pytest.mark.parametrize(
    ("platform", "frame", "name"),
    [
        ("python", Frame(module="shop.cart", function="total", filename="shop/cart.py"), "shop.cart in total"),
        ("javascript", Frame(filename="/js/app.js", function="Cart.total"), "/js/app.js in Cart.total"),
        ("javascript", Frame(filename="/./src/cart.ts", function="total"), "src/cart.ts in total"),
        ("ruby", Frame(filename="app/cart.rb", function="block in Cart#total"), "app/cart.rb in total"),
        ("csharp", Frame(module="Shop.Cart+<Total>d__3", function="MoveNext"), "Shop.Cart in Total"),
        (
            "native",
            Frame(filename="src/cart.rs", function="cart::total::h0123456789abcdef"),
            "src/cart.rs in cart::total",
        ),
        ("native", Frame(package="/opt/shop"), "/opt/shop"),
        ("python", Frame(function="total"), "total"),
    ],
)
def test_people_know_a_frame_by_its_module_or_path(platform: str, frame: Frame, name: str) -> None:
    assert name_of(frame, platform) == name


def test_a_file_tells_the_language_where_the_platform_does_not() -> None:
    assert (
        key_of(Frame(filename="cart.rs", function="cart::total::h0123456789abcdef"), "other").function == "cart::total"
    )
