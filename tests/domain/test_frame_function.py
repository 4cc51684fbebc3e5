from __future__ import annotations

import pytest

from bugwatch.domain.frame_function import CLEANERS, clean_function, is_later

NAMES = {
    "javascript": {
        "Object../src/cart.js": "",
        "./src/cart.js": "",
        "Function.executeUserEntryPoint [as runMain]": "executeUserEntryPoint",
        "t.exports.<computed> [as total]": "",
        "[23]</t.exports</r.prototype.total": "total",
        "Cart.get price [as price]": "price",
        "Cart.get price": "price",
        "get price": "price",
        "HTMLButtonElement.onclick": "onclick",
        "n.<computed>.n.<computed> [as add]": "",
        "FrameRequestCallback*tick": "tick",
        "promise callback*save": "save",
        "setTimeout handler*poll": "poll",
        "EventListener.handleEvent*bind": "bind",
        "eval at run (https://a/b.js:1:1), <anonymous>": "",
        "Cart.total$1": "total",
        "_callee3$": "_callee",
        "?anon_0_": "",
        "?anon_12_total": "total",
        "Cart_Template_button_click_3_listener": "Cart_Template_button_click_listener",
        "(anonymous function)": "",
        "global": "",
        "Array.forEach": "forEach",
    },
    "jvm": {
        "lambda$total$0": "lambda$total",
        "total$lambda$3": "total$lambda",
        "$r8$lambda$k9Mtd2gDcgG-x1Yz": "$r8$lambda",
        "total$lambda-0": "total$lambda",
        "$anonfun$main$1": "$anonfun$main",
        "$anonfun$main$1$adapted": "$anonfun$main",
        "access$100": "access",
        "fn__1234": "fn",
        "invoke": "invoke",
        "invokeSuspend": "invokeSuspend",
        "doCall": "doCall",
        "_total_closure1": "_total_closure",
        "<init>": "<init>",
        "<clinit>": "<clinit>",
    },
    "go": {
        "(*Cart).Total.func1": "(*Cart).Total",
        "total.total.func1.func2": "total",
        "Total[...]": "Total",
        "(*Map[go.shape.string,go.shape.int]).Get": "(*Map).Get",
        "main.func1.2": "main",
        "init.0": "init",
        "Total-range1": "Total",
        "(*Cart).Total-fm": "(*Cart).Total",
        "glob..func1": "glob.",
        "Total.func1.gowrap1": "Total",
        "Total.deferwrap2": "Total",
        "(*Server).Serve.(*Cart).Add.func3": "(*Server).Serve.(*Cart).Add",
    },
    "php": {
        "App\\Cart::total": "App\\Cart::total",
        "App\\{closure}": "App\\{closure}",
        "App\\Cart::App\\{closure}": "App\\Cart::App\\{closure}",
        "{closure:App\\Cart::total():12}": "{closure}",
        "{closure:/var/www/a.php:5}": "{closure}",
        "class@anonymous\x00/var/www/a.php:12$0::total": "class@anonymous::total",
        "__TwigTemplate_3f2a9c1b77aa01ff3f2a9c1b77aa01ff::doDisplay": "__TwigTemplate::doDisplay",
        "Psr\\Log\\NullLogger@anonymous::log": "Psr\\Log\\NullLogger@anonymous::log",
        "require_once": "require_once",
    },
    "ruby": {
        "block in total": "total",
        "block (2 levels) in Shop::Cart#total": "total",
        "rescue in block in total": "total",
        "Shop::Cart.build": "build",
        "<main>": "<main>",
        "<top (required)>": "<top (required)>",
        "_app_views_a_html_erb___123_456": "_app_views_a_html_erb",
        "__tilt_1234": "__tilt",
        "Array#each": "each",
        "Kernel#require": "require",
        "block in <class:Cart>": "<class:Cart>",
        "initialize": "initialize",
    },
    "python": {
        "<module>": "<module>",
        "<lambda>": "<lambda>",
        "outer.<locals>.inner": "inner",
        "Cart.total": "Cart.total",
        "__call__": "__call__",
        "<genexpr>": "<genexpr>",
    },
    "dotnet": {
        "<Total>b__0": "Total",
        "MoveNext": "MoveNext",
        "<Total>d__3.MoveNext": "Total",
        "Total": "Total",
        "<>c__DisplayClass0_0.<Total>b__1": "Total",
        "Get`1": "Get",
        "Total { <lambda> }": "Total",
        "async Total": "Total",
        "<<Main>$>g__Local|0_0": "Local",
        "total@42-3": "total",
        "Shop.Cart.Total(Int32 x)": "Shop.Cart.Total",
        "<Run>g__Inner|5_0": "Run",
    },
    "native": {
        "shop::cart::total::h0123456789abcdef": "shop::cart::total",
        "shop::cart::total::{{closure}}::h0123456789abcdef": "shop::cart::total",
        "shop::cart::total::{closure#0}": "shop::cart::total",
        "<shop::Cart as core::ops::Drop>::drop": "shop::Cart::drop",
        "<&mut shop::Cart<T> as shop::Priced<T>>::price": "shop::Cart::price",
        "shop::run::<shop::main::{closure#0}, isize>": "shop::run",
        "<alloc::boxed::Box<F> as core::ops::FnOnce<A>>::call_once::h0123456789abcdef": "alloc::boxed::Box::call_once",
        "void shop::Cart<int>::total(std::vector<int> const&)": "shop::Cart::total",
        "int shop::Cart::total(int) const": "shop::Cart::total",
        "(anonymous namespace)::total(int)": "total",
        "shop::(anonymous namespace)::total": "shop::total",
        "main::{lambda()#1}::operator()() const": "main",
        "shop::Cart<int>::total(std::string const&) const::{lambda(int)#1}::operator()(int) const": "shop::Cart::total",
        "total.isra.0.constprop.3": "total",
        "total [clone .cold]": "total",
        "-[Cart total:]": "-[Cart total:]",
        "__31-[Cart total]_block_invoke_2": "-[Cart total]",
        "closure #1 in Cart.total()": "Cart.total",
        "closure #1 (Swift.Int) -> Swift.String in Cart.total() -> Swift.Int": "Cart.total",
        "specialized Cart.total()": "Cart.total",
        "partial apply for closure #2 in Cart.total()": "Cart.total",
        "@objc Cart.total()": "Cart.total",
        "Cart.total() async throws -> Int": "Cart.total",
        "(1) await resume partial function for Cart.total()": "Cart.total",
        "(2) suspend resume partial function for closure #1 in Cart.total()": "Cart.total",
        "protocol witness for Codable.encode(to:) in conformance Cart": "Codable.encode",
        "static Cart.make(_:)": "Cart.make",
        "Cart.body.getter": "Cart.body.getter",
        "implicit closure #2 in implicit closure #1 in Cart.total()": "Cart.total",
        "operator new(unsigned long)": "operator new",
        "operator<<": "operator<<",
        "shop::Cart<int>::operator[](int)": "shop::Cart::operator[]",
        "shop::Cart<int>::operator int()": "shop::Cart::operator int",
        "unsigned long shop::f<int>(int)": "shop::f",
        "_ZN4shop4Cart5totalEv": "_ZN4shop4Cart5totalEv",
        "void (anonymous namespace)::run<int>(int)": "run",
        "Cart::total() &": "Cart::total",
        "shop::Cart::~Cart()": "shop::Cart::~Cart",
    },
    "elixir": {
        "Shop.Cart.total/1": "total/1",
        "anonymous fn/1 in Shop.Cart.total/2": "total/2",
        'Shop.Cart."-total/2-fun-0-"/1': "total/2",
        "-total/2-fun-0-": "total/2",
        'Enum."-map/2-lists^map/1-1-"/2': "map/2",
        "total/1": "total/1",
        "anonymous fn/2 in anonymous fn/1 in Shop.Cart.total/2": "total/2",
        'Shop.Cart."-total/1-lc$^0/1-0-"/2': "total/1",
    },
    "dart": {
        "Cart.total.<anonymous closure>": "Cart.total",
        "Cart.total.<fn>": "Cart.total",
        "new Cart": "Cart",
        "<asynchronous suspension>": "",
        "Cart.total.<anonymous closure>.<anonymous closure>": "Cart.total",
        "main": "main",
    },
}


@pytest.mark.parametrize(("family", "function"), [(family, name) for family, names in NAMES.items() for name in names])
def test_a_function_has_the_name_that_was_written(family: str, function: str) -> None:
    assert clean_function(function, family) == NAMES[family][function]


def test_every_family_has_its_names() -> None:
    assert NAMES.keys() == CLEANERS.keys()


def test_other_names_stay_as_they_are() -> None:
    assert clean_function("anything <at> all", "other") == "anything <at> all"


@pytest.mark.parametrize(
    "function", ["async Cart.save", "async*save", "promise callback*save", "setTimeout handler*poll"]
)
def test_a_call_after_a_wait_is_marked_by_some_engines(function: str) -> None:
    assert is_later(function)


@pytest.mark.parametrize("function", ["asyncMap", "Cart.async", "save", ""])
def test_other_calls_are_not_marked(function: str) -> None:
    assert is_later(function) is False


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "(",
        "block in ",
        "a/",
        "$1",
        "::",
        "closure #1 (",
        "closure #1 in ",
        "@anonymous\0",
        "-> ",
        "generic specialization <",
        "{closure",
        "<a>b__",
    ],
)
@pytest.mark.parametrize("family", CLEANERS)
def test_a_hostile_name_is_cleaned(family: str, piece: str) -> None:
    """As long as a name may be after the wire. Whatever comes out is no longer than what went in."""
    name = (piece * 1_024)[:1_024]

    assert len(clean_function(name, family)) <= len(name)
