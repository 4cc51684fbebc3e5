from __future__ import annotations

import pytest

from bugwatch.domain.frame_place import clean_module, is_page, method_of_state_machine, path_tail


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
        ("/usr/src/app/index.js", "index.js"),
        ("/var/task/src/handler.py", "src/handler.py"),
        ("/home/ann/shop/src/a.js", "src/a.js"),
        ("/home/runner/_work/shop/shop/main.go", "main.go"),
        ("/tmp/tmpab/x.py", "x.py"),
        ("/opt/shop/shop/views.py", "shop/views.py"),
        ("/srv/shop/current/shop/views.py", "shop/views.py"),
        ("/nix/store/abc123-shop/lib/cart.rb", "lib/cart.rb"),
        ("C:\\inetpub\\wwwroot\\Shop\\Cart.cs", "Shop/Cart.cs"),
        ("file:///C:/Users/a/Shop/app-1.2.3/resources/app.asar/dist/main.js", "dist/main.js"),
        ("webpack-internal:///(app-pages-browser)/./src/app/page.tsx", "app/page.tsx"),
        ("turbopack:///[project]/src/app/page.tsx", "app/page.tsx"),
        ("webpack://_N_E/./src/app/page.tsx?1a2b", "app/page.tsx"),
        ("https://a.example/_next/static/k9Mtd2gDcgG-x1Yz_3abQ/_buildManifest.js", "static/_buildManifest.js"),
        (
            "/private/var/containers/Bundle/Application/9B2E1C43-8839-4525-9586-FC58F0534940/Shop.app/Shop",
            "Shop.app/Shop",
        ),
        ("/data/app/~~k9Mtd2==/com.shop-x1Yz==/lib/arm64/libcart.so", "arm64/libcart.so"),
        ("/x/a.php(12) : eval()'d code", "x/a.php"),
        ("<ipython-input-12-3f2a9c1b77aa>", "<ipython-input>"),
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
        ("index-BxyZ12.js", "index.js"),
        ("index-BxYZ12_q.js", "index.js"),
        ("2.3f2a9c1b.chunk.js", "*.chunk.js"),
        ("4711.js", "*.js"),
        ("page-0a1b2c3d4e5f6a7b.js", "page.js"),
        ("src_app_page_tsx_3f2a9c._.js", "src_app_page_tsx._.js"),
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
    assert clean_module(module, "jvm") == place


@pytest.mark.parametrize(
    ("family", "module", "place"),
    [
        ("dotnet", "Shop.Cart+<Total>d__3", "Shop.Cart"),
        ("dotnet", "Shop.Cart+<>c__DisplayClass3_0", "Shop.Cart"),
        ("dotnet", "Shop.Cart`1[[System.String]]", "Shop.Cart"),
        ("go", "shop.example/v2@v2.1.0/cart", "shop.example/v2/cart"),
        ("elixir", "Elixir.Shop.Cart", "Shop.Cart"),
        ("python", "shop.cart", "shop.cart"),
    ],
)
def test_a_module_is_told_without_what_a_compiler_or_a_version_adds(family: str, module: str, place: str) -> None:
    assert clean_module(module, family) == place


def test_the_method_of_a_state_machine_is_in_its_name() -> None:
    assert method_of_state_machine("Shop.Cart+<Total>d__3") == "Total"
    assert method_of_state_machine("Shop.Cart") == ""


@pytest.mark.parametrize(("path", "expected"), [("/", True), ("/cart", True), ("/a.html", True), ("/js/a.js", False)])
def test_a_page_is_no_script(path: str, expected: bool) -> None:
    assert is_page(path) is expected
