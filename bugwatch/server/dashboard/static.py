"""Styles, scripts, images and fonts, under names that never change their content."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.errors import NotFound
from bugwatch.server.render import pages_of

bp = Blueprint("static", url_prefix="/static")


@bp.get("/<digest:str>/<path:path>", name="file")
async def file(request: Request, digest: str, path: str) -> HTTPResponse:
    assets = pages_of(request.app).assets
    asset = assets.files.get(path)
    if asset is None:
        raise NotFound("There is no such file.")
    body, encoding = asset.encoded(request.headers.get("accept-encoding", ""))
    headers = {
        # A page rendered before an update may still ask by the old name: it gets the new file, but must not keep it.
        "Cache-Control": "public, max-age=31536000, immutable" if digest == assets.digest else "no-cache",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if encoding:
        headers["Content-Encoding"] = encoding
    return HTTPResponse(body, headers=headers, content_type=asset.content_type)
