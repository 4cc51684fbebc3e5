"""`/health`: for load balancers, containers and people who wonder."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import json

from bugwatch.server.context import house
from bugwatch.storage.migrate import applied

bp = Blueprint("health")


@bp.get("/health/live")
async def live(request: Request) -> HTTPResponse:
    """200 as long as the process answers."""
    return json({"status": "ok"})


@bp.get("/health", name="health")
@bp.get("/health/ready", name="ready")
@bp.get("/health/startup", name="startup")
async def ready(request: Request) -> HTTPResponse:
    """200 when the database answers; else the error table's 503."""
    async with house(request).db.read() as tx:
        await applied(tx)
    return json({"status": "ok", "version": house(request).site.version})
