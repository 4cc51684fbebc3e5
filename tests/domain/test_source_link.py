"""Links to source code: which line of which file, and never to another place than the project chose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugwatch.domain.errors import Invalid
from bugwatch.domain.source_link import TEMPLATE, SourceLink, clean, commit_of, path_of, url_of
from bugwatch.domain.stacktrace import Frame

CART = Frame(filename="shop/cart.py", abs_path="/app/shop/cart.py", lineno=48)
COMMIT = "9fceb02d0ae598e95dc970b74767f19372d61af8"


@pytest.mark.parametrize(
    ("link", "release", "url"),
    [
        (SourceLink("github", "acme/shop"), "", "https://github.com/acme/shop/blob/main/shop/cart.py#L48"),
        (SourceLink("github", "acme/shop"), COMMIT, f"https://github.com/acme/shop/blob/{COMMIT}/shop/cart.py#L48"),
        (
            SourceLink("gitlab", "https://git.example.com/acme/web/shop.git", branch="v{version}"),
            "shop@1.4.0",
            "https://git.example.com/acme/web/shop/-/blob/v1.4.0/shop/cart.py#L48",
        ),
        (
            SourceLink("gitea", "acme/shop"),
            f"shop@1.4.0+{COMMIT[:7]}",
            f"https://codeberg.org/acme/shop/src/commit/{COMMIT[:7]}/shop/cart.py#L48",
        ),
        (SourceLink("gitea", "acme/shop"), "1.4.0", "https://codeberg.org/acme/shop/src/branch/main/shop/cart.py#L48"),
        (
            SourceLink("gitea", "acme/shop", branch="v{version}"),
            "1.4.0",
            "https://codeberg.org/acme/shop/src/tag/v1.4.0/shop/cart.py#L48",
        ),
        (
            SourceLink("bitbucket", "acme/shop", strip="/app/", prefix="src"),
            "",
            "https://bitbucket.org/acme/shop/src/main/src/shop/cart.py#lines-48",
        ),
        (
            SourceLink(TEMPLATE, "https://dev.example/shop?path=/{path}&version=GC{commit}&line={line}"),
            COMMIT,
            f"https://dev.example/shop?path=/shop/cart.py&version=GC{COMMIT}&line=48",
        ),
        (
            SourceLink("github", "acme/shop", commit="0ddba11"),
            "1.4.0+9fceb02",
            "https://github.com/acme/shop/blob/0ddba11/shop/cart.py#L48",
        ),
        (SourceLink(), COMMIT, ""),
    ],
)
def test_each_host_has_its_form(link: SourceLink, release: str, url: str) -> None:
    assert url_of(clean(link), CART, "python", release) == url


@pytest.mark.parametrize(
    ("frame", "platform", "strip", "path"),
    [
        (CART, "python", "", "shop/cart.py"),
        (CART, "python", "/app/", "shop/cart.py"),
        (CART, "python", "/app", "shop/cart.py"),
        (CART, "python", "/", "app/shop/cart.py"),
        (Frame(abs_path="/application/cart.py"), "python", "/app", ""),
        (CART, "python", "/app/shop/", "cart.py"),
        (Frame(abs_path="/srv/x/cart.rb"), "ruby", "", "srv/x/cart.rb"),
        (Frame(abs_path="/srv/x/cart.rb"), "ruby", "/app/", ""),
        (Frame(abs_path=r"C:\build\shop\Cart.cs"), "csharp", "C:/build/", "shop/Cart.cs"),
        (Frame(abs_path=r"C:\build\shop\Cart.cs"), "csharp", "C:\\build\\", "shop/Cart.cs"),
        (Frame(filename="Cart.java", module="com.acme.Cart$1"), "java", "", "com/acme/Cart.java"),
        (Frame(filename="webpack:///./src/cart.ts"), "javascript", "", "src/cart.ts"),
        (Frame(filename="webpack://shop/./src/cart.ts?3f2a"), "javascript", "", "src/cart.ts"),
        (Frame(filename="webpack-internal:///(app-pages-browser)/./src/cart.tsx"), "javascript", "", "src/cart.tsx"),
        (Frame(filename="app:///src/cart.js"), "node", "", "src/cart.js"),
        (Frame(filename="file:///app/src/cart.mjs"), "node", "/app/", "src/cart.mjs"),
        (Frame(filename="https://shop.example/js/cart.js?v=2#x"), "javascript", "", "js/cart.js"),
        (Frame(filename="../../src/cart.ts"), "javascript", "", "src/cart.ts"),
        (Frame(filename="<anonymous>"), "javascript", "", ""),
        (Frame(filename="[native code]"), "javascript", "", ""),
        (Frame(function="main"), "native", "", ""),
    ],
)
def test_the_path_is_the_repositorys(frame: Frame, platform: str, strip: str, path: str) -> None:
    assert path_of(SourceLink("github", "acme/shop", strip=strip), frame, platform) == path


@pytest.mark.parametrize(
    ("release", "commit"),
    [
        (COMMIT, COMMIT),
        (f"shop@{COMMIT}", COMMIT),
        ("shop@1.0.0+9fceb02", "9fceb02"),
        ("9fceb02", "9fceb02"),
        ("shop@20240101", ""),
        ("1.4.0", ""),
        ("deadbeef", ""),
        ("", ""),
        (f"{COMMIT}0", ""),
    ],
)
def test_a_commit_is_only_what_looks_like_one(release: str, commit: str) -> None:
    assert commit_of(release) == commit


@pytest.mark.parametrize(
    ("link", "field"),
    [
        (SourceLink("svn", "a/b"), "host"),
        *(
            (SourceLink("github", repository), "repository")
            for repository in (
                "",
                "shop",
                "a b/c",
                "javascript:x/y",
                "//evil/x",
                "https://u:p@evil/x",
                "a/b?c",
                "a" * 501,
            )
        ),
        *(
            (SourceLink(TEMPLATE, template), "template")
            for template in (
                "",
                "javascript:alert('{path}')",
                "data:text/html,{path}",
                "https://{path}/x",
                "https://x{path}",
                "https://host.example@{path}/",
                "https://user:x@host.example/{path}",
                "https://host.example/no-place-for-it",
                "https://host.example/{path}{secret}",
                "https://host.example/{path} {line}",
                "https://host.example/\n{path}",
                "https://host.example/{path.__class__}",
                "https://host.example/{path}" + "x" * 500,
            )
        ),
        (SourceLink("github", "a/b", branch="a b"), "branch"),
        (SourceLink("github", "a/b", strip="\x00"), "strip"),
        (SourceLink("github", "a/b", prefix="x" * 501), "prefix"),
    ],
)
def test_what_is_no_safe_link_is_refused(link: SourceLink, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        clean(link)
    assert refused.value.field == field


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_what_comes_from_an_event_stays_in_its_place(filename: str, abs_path: str, release: str) -> None:
    frame = Frame(filename=filename, abs_path=abs_path, lineno=1)
    for link in (SourceLink("github", "a/b"), SourceLink(TEMPLATE, "https://x.example/?p={path}&v={version}")):
        url = url_of(link, frame, "python", release)

        home = "https://github.com/a/b/blob/" if link.host == "github" else "https://x.example/?p="
        assert not url or url.startswith(home)
        assert not set(url) & set("\"'<>\\ \n\t")
        assert url.count("?") == (link.host == TEMPLATE) * bool(url)
        assert url.count("#") <= 1
        assert "/../" not in url
