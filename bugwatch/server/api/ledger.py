"""`/api/v1/projects/<id>/ledger`: what came in, and what became of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field
from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.account import Verb
from bugwatch.domain.clock import HOUR, hour_of
from bugwatch.domain.outcome import Category
from bugwatch.domain.project import Project
from bugwatch.server.api.body import query_of
from bugwatch.server.api.operation import Answer, GivenInstant, answer, operation
from bugwatch.server.auth import for_project
from bugwatch.server.context import house
from bugwatch.storage import ledger

bp = Blueprint("api_ledger", url_prefix="/api/v1/projects/<project_id:int>/ledger")


class LedgerQuery(BaseModel):
    category: Category = Category.ERROR
    start: Annotated[GivenInstant | None, Field(alias="from", description="Its hour is the first that counts.")] = None
    end: Annotated[
        GivenInstant | None, Field(alias="to", description="The first hour that begins then or later does not count.")
    ] = None


class LedgerAnswer(Answer):
    """received = stored + duplicate + filtered + limited + invalid + waiting, at any moment."""

    received: int
    stored: Annotated[int, Field(description="Also what was removed since.")]
    duplicate: int
    filtered: int
    limited: int
    invalid: int
    waiting: Annotated[int, Field(description="Safe on disk, and not digested yet.")]


@bp.get("/")
@for_project(Verb.PROJECT_READ)
@operation(LedgerAnswer, query=LedgerQuery)
async def show(request: Request, project: Project) -> HTTPResponse:
    """Items of one category by what became of them, in whole hours of receipt; of all time unless narrowed."""
    asked = query_of(request, LedgerQuery)
    end = 2**62 if asked.end is None else hour_of(asked.end + HOUR - 1)
    async with house(request).db.read() as tx:
        totals = await ledger.totals(tx, project.id, asked.category, hour_of(asked.start or 0), end)
    return answer(LedgerAnswer.model_validate(totals))
