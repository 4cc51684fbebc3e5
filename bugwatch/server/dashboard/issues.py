"""The issues list, across the projects that somebody may see."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request

from bugwatch.server.render import page, redirect, url_for

bp = Blueprint("issues")


@bp.get("/", name="home")
async def home(request: Request) -> HTTPResponse:
    return redirect(request, url_for(request, "issues.index"))


@bp.get("/issues", name="index")
async def index(request: Request) -> HTTPResponse:
    return await page(request, "issues/list.html")
