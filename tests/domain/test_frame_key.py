from __future__ import annotations

import pytest

from bugwatch.domain.frame_key import FAMILIES, is_minified, key_of, path_tail
from bugwatch.domain.stacktrace import Frame


@pytest.mark.parametrize(
    ("path", "tail"),
    [
        ("shop/models/cart.py", "models/cart.py"),
        ("cart.py", "cart.py"),
        ("/app/cart.py", "cart.py"),
        ("/srv/www/releases/20260101120000/src/Cart.php", "src/Cart.php"),
        ("/srv/www/current/src/Cart.php", "src/Cart.php"),
        ("C:\\work\\shop\\Cart.cs", "shop/Cart.cs"),
        ("https://cdn.example/static/js/app.js?v=3#x", "js/app.js"),
        ("https://cdn.example/app.js", "app.js"),
        ("webpack://shop/./src/cart.ts", "src/cart.ts"),
        ("webpack-internal:///./src/cart.ts", "src/cart.ts"),
        ("app:///src/cart.ts", "src/cart.ts"),
        ("../../src/cart.ts", "src/cart.ts"),
        ("/node_modules/.pnpm/left-pad@1.3.0/left-pad.js", "left-pad/left-pad.js"),
        ("/js/jquery-3.6.0.min.js", "js/jquery.min.js"),
        ("/go/pkg/mod/shop.example/cart@v1.2.3/cart.go", "cart/cart.go"),
        ("", ""),
    ],
)
def test_the_end_of_a_path_names_the_file_wherever_it_was_put(path: str, tail: str) -> None:
    assert path_tail(path) == (tail, False)


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("main.3f2a9c1b.js", "main.js"),
        ("main.3f2a9c1b.chunk.js", "main.chunk.js"),
        ("index-BxY3kZ9a.js", "index.js"),
        ("index-DhKzPqRs.mjs", "index.mjs"),
        ("chunk-ABCD1234.js", "chunk.js"),
        ("vendors~main.0a1b2c3d4e5f6a7b8c9d.js", "vendors~main.js"),
        ("3f2a9c1b77aa01ff.js", "*.js"),
    ],
)
def test_a_hash_in_a_file_name_is_dropped(name: str, without: str) -> None:
    assert path_tail(f"/js/{name}") == (f"js/{without}", True)


@pytest.mark.parametrize(
    "name", ["user-settings.js", "my-Settings.js", "app.bundle.js", "polyfills-es5.js", "a-big-apps.js"]
)
def test_a_word_in_a_file_name_is_no_hash(name: str) -> None:
    assert path_tail(f"/js/{name}") == (f"js/{name}", False)


@pytest.mark.parametrize(
    ("platform", "function", "name"),
    [
        ("javascript", "Cart.total", "total"),
        ("javascript", "async Cart.total [as run]", "total"),
        ("javascript", "new Cart", "Cart"),
        ("javascript", "async*total", "total"),
        ("javascript", "Cart/this.total", "total"),
        ("javascript", "total/<", ""),
        ("javascript", "HTMLButtonElement.<anonymous>", ""),
        ("javascript", "Object.<anonymous>", ""),
        ("javascript", "global code", ""),
        ("javascript", "Cart.#total", "total"),
        ("node", "_callee2$", "_callee"),
        ("python", "outer.<locals>.inner", "inner"),
        ("python", "<lambda>", "<lambda>"),
        ("java", "lambda$total$0", "lambda$total"),
        ("java", "access$100", "access"),
        ("java", "invoke", "invoke"),
        ("go", "(*Cart).Total.func1.2", "(*Cart).Total"),
        ("go", "Map[...].Get", "Map.Get"),
        ("go", "glob..func1", "glob."),
        ("php", "App\\{closure:App\\Cart::total():12}", "App\\{closure}"),
        ("php", "class@anonymous\0/a/b.php:12$0::total", "class@anonymous::total"),
        ("ruby", "block (2 levels) in total", "total"),
        ("ruby", "rescue in block in Shop::Cart#total", "total"),
        ("ruby", "Shop::Cart.build", "build"),
        ("ruby", "<class:Cart>", "<class:Cart>"),
        ("ruby", "<top (required)>", "<top (required)>"),
        ("csharp", "<Total>d__3.MoveNext", "Total"),
        ("csharp", "<>c__DisplayClass0_0.<Total>b__1", "Total"),
        ("csharp", "Get`1", "Get"),
        ("native", "shop::cart::total::h0123456789abcdef", "shop::cart::total"),
        ("native", "void shop::Cart<int>::total(std::vector<int> const&)", "shop::Cart::total"),
        ("native", "<shop::Cart as core::Drop>::drop", "drop"),
        ("native", "-[Cart total:]", "-[Cart total:]"),
        ("native", "__31-[Cart total]_block_invoke_2", "-[Cart total]"),
        ("native", "total.isra.0.constprop.3", "total"),
        ("native", "operator<<", "operator<<"),
        ("elixir", "anything <at> all", "anything <at> all"),
    ],
)
def test_a_function_has_the_name_that_was_written(platform: str, function: str, name: str) -> None:
    assert key_of(Frame(function=function, filename="x"), platform).function == name


@pytest.mark.parametrize(
    ("module", "place"),
    [
        ("com.shop.Cart$$EnhancerBySpringCGLIB$$1a2b3c", "com.shop.Cart$$EnhancerBySpringCGLIB"),
        ("com.shop.Cart$$SpringCGLIB$$0", "com.shop.Cart$$SpringCGLIB"),
        ("com.shop.Cart$$Lambda$14/0x0000000800c1", "com.shop.Cart$$Lambda"),
        ("com.shop.Cart$$Lambda/0x0000000800c1", "com.shop.Cart$$Lambda"),
        ("com.sun.proxy.$Proxy42", "com.sun.proxy.$Proxy"),
        ("jdk.internal.reflect.GeneratedMethodAccessor12", "jdk.internal.reflect.GeneratedMethodAccessor"),
        ("com.shop.Cart$1", "com.shop.Cart$"),
        ("com.shop.Cart$Line", "com.shop.Cart$Line"),
    ],
)
def test_generated_classes_of_the_jvm_have_one_name(module: str, place: str) -> None:
    assert key_of(Frame(module=module, function="f"), "java").place == place


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (Frame(filename="/app.js", function="t"), True),
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
