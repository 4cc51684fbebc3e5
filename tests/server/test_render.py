"""Pages: their headers, addresses, toasts, themes and parts; and the assets beside them."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sanic import Blueprint, HTTPResponse, Request, Sanic

from bugwatch import resources
from bugwatch.server import render
from bugwatch.server.assets import Assets, script, stylesheet
from bugwatch.server.dashboard import static

WEB = resources.web()
bp = Blueprint("issues")


@bp.get("/issues", name="index")
async def index(request: Request) -> HTTPResponse:
    return await render.page(request, "errors/error.html", fragment="components/toast.html", **ERROR)


@bp.get("/issues/<issue_id:int>", name="show")
async def show(request: Request, issue_id: int) -> HTTPResponse:
    return HTTPResponse("")


@bp.post("/issues", name="change")
async def change(request: Request) -> HTTPResponse:
    undo = render.Undo(render.url_for(request, "issues.change"), (("id", '"><script>'),))
    return render.redirect(request, render.url_for(request, "issues.index"), toast="<Done>", undo=undo)


@bp.get("/broken", name="broken")
async def broken(request: Request) -> HTTPResponse:
    return await render.error_page(request, 503, "Not now.")


ERROR = {"title": "Title", "sentence": "A sentence."}


async def app_at(base_url: str) -> render.App:
    Sanic.test_mode = True
    app: render.App = Sanic("pages", configure_logging=False)
    app.blueprint(bp.copy("issues", with_registration=False))
    app.blueprint(static.bp.copy("static", with_registration=False))
    render.install(app, WEB, base_url)
    app.asgi = True
    await app._startup()
    return app


def client_of(app: render.App) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Sanic's types are its own
    return httpx.AsyncClient(transport=transport, base_url="http://bugwatch.test")


@pytest.fixture
async def app() -> render.App:
    return await app_at("")


@pytest.fixture
async def client(app: render.App) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


async def test_a_page_comes_with_a_strict_policy_and_stays_in_no_cache(client: httpx.AsyncClient) -> None:
    answer = await client.get("/issues")

    assert "script" not in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "object-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "HX-Request" in answer.headers["vary"]


async def test_htmx_gets_the_part_and_a_person_the_page(client: httpx.AsyncClient) -> None:
    assert "<!doctype html>" in (await client.get("/issues")).text
    assert "<!doctype html>" not in (await client.get("/issues", headers={"HX-Request": "true"})).text
    restored = await client.get("/issues", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<!doctype html>" in restored.text


@pytest.mark.parametrize(
    ("cookie", "theme"), [("dark", "dark"), ("light", "light"), ("x' onload='", "auto"), ("", "auto")]
)
async def test_the_server_writes_the_theme_that_the_cookie_names(
    client: httpx.AsyncClient, cookie: str, theme: str
) -> None:
    answer = await client.get("/issues", headers={"Cookie": f"theme={cookie}"})

    assert f'data-theme="{theme}"' in answer.text


@pytest.mark.parametrize("zone", ["Europe/Berlin", "../../etc/passwd", "Nowhere/At_all", "", "\x00"])
async def test_any_zone_in_the_cookie_gives_a_page(client: httpx.AsyncClient, zone: str) -> None:
    assert (await client.get("/issues", headers={"Cookie": f"zone={zone!r}"})).status_code == 200


async def test_a_toast_is_said_once_with_its_undo_and_escaped(client: httpx.AsyncClient) -> None:
    changed = await client.post("/issues")
    assert (changed.status_code, changed.headers["location"]) == (303, "/issues")
    assert "httponly" in changed.headers["set-cookie"].lower()

    page = await client.get("/issues")
    assert "&lt;Done&gt;" in page.text
    assert 'value="&#34;&gt;&lt;script&gt;"' in page.text
    assert "&lt;Done&gt;" not in (await client.get("/issues")).text


@pytest.mark.parametrize("forged", ["x", "e30=", "bm90IGpzb24=", "=" * 500])
async def test_a_forged_toast_is_ignored(client: httpx.AsyncClient, forged: str) -> None:
    answer = await client.get("/issues", headers={"Cookie": f"toast={forged}"})

    assert answer.status_code == 200
    assert 'class="toast"' not in answer.text


@pytest.mark.parametrize("url", ["https://evil.test/", "//evil.test/", "javascript:alert(1)"])
async def test_a_toast_posts_nowhere_but_to_us(app: render.App, url: str) -> None:
    async with client_of(app) as client:
        forged = render._cookie_of(render.Toast("Done", render.Undo(url)))
        answer = await client.get("/issues", headers={"Cookie": f"toast={forged}"})

    assert "evil" not in answer.text
    assert "alert(1)" not in answer.text


async def test_every_address_carries_the_base_path() -> None:
    app = await app_at("https://example.test/bw/")
    async with client_of(app) as client:
        text = (await client.get("/issues")).text

    addresses = re.findall(r'(?:href|src|action)="([^"#]+)', text)
    assert addresses
    assert [address for address in addresses if not address.startswith("/bw/")] == []
    assert render.pages_of(app).url_for("issues.show", issue_id=7, page=None, q="a b") == "/bw/issues/7?q=a+b"


@pytest.mark.parametrize("encoding", ["br", "gzip"])
async def test_pages_travel_packed(client: httpx.AsyncClient, encoding: str) -> None:
    plain = await client.get("/issues", headers={"Accept-Encoding": "identity"})
    packed = await client.get("/issues", headers={"Accept-Encoding": encoding})

    assert packed.headers["content-encoding"] == encoding
    assert packed.text[:100] == plain.text[:100]
    assert packed.num_bytes_downloaded < plain.num_bytes_downloaded / 2


async def test_a_failure_of_ours_asks_nothing_more_of_the_house(client: httpx.AsyncClient) -> None:
    answer = await client.get("/broken")

    assert answer.status_code == 503
    assert "Not now." in answer.text


async def test_assets_are_kept_for_good_under_the_name_of_their_content(
    app: render.App, client: httpx.AsyncClient
) -> None:
    address = render.pages_of(app).static("css/bugwatch.css")

    plain = await client.get(address, headers={"Accept-Encoding": "identity"})
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["content-type"] == "text/css; charset=utf-8"
    for encoding in ("br", "gzip"):
        packed = await client.get(address, headers={"Accept-Encoding": encoding})
        assert packed.headers["content-encoding"] == encoding
        assert packed.text == plain.text
    old = await client.get("/static/0123456789ab/css/bugwatch.css")
    assert old.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["../pyproject.toml", "..%2f..%2fpyproject.toml", "templates/layouts/base.html", "css/"]
)
async def test_nothing_but_assets_is_served(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/static/x/{path}")

    assert answer.status_code in (404, 500)
    assert "[project]" not in answer.text


def test_the_name_changes_when_a_file_does(tmp_path: Path) -> None:
    for folder in ("css", "js/vendor", "fonts", "img"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("tokens", "base", "shell", "components"):
        (tmp_path / f"css/{name}.css").write_text("a{}")
    (tmp_path / "js/vendor/htmx.min.js").write_text("")
    (tmp_path / "js/app.js").write_text("one")
    before = Assets(tmp_path).digest

    (tmp_path / "js/app.js").write_text("two")

    assert Assets(tmp_path).digest != before


def test_the_stylesheet_declares_its_layers_first_and_keeps_strings() -> None:
    css = stylesheet(WEB / "css")

    assert css.startswith("@layer reset, tokens, base, shell, components, pages, utilities;")
    assert "content: attr(data-n)" in css
    assert "/*" not in css


def test_the_modules_of_the_script_share_no_names() -> None:
    """They stand in one scope once they are joined."""
    names = []
    for file in sorted((WEB / "js").glob("*.js")):
        names += re.findall(r"(?m)^(?:export )?(?:async )?(?:const|let|function|class) (\w+)", file.read_text("utf-8"))

    assert sorted(names) == sorted(set(names))
    assert "import " not in script(WEB / "js").split("\n", 1)[1]


def test_the_budget_of_bytes_holds() -> None:
    files = Assets(WEB).files
    css, js = files["css/bugwatch.css"], files["js/bugwatch.js"]

    assert len(css.plain) <= 72 * 1024
    assert len(gzip.compress(css.plain, 9)) <= 14 * 1024
    assert len(js.plain) <= 80 * 1024
    assert len(gzip.compress(js.plain, 9)) <= 26 * 1024
    assert sum(len(asset.plain) for path, asset in files.items() if "fonts/" in path or "icons" in path) <= 100 * 1024
