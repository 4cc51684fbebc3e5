"""`/api/v1/projects/<id>/grouping`: a project's grouping rules, tried on stored events and put in force."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sanic import Blueprint, HTTPResponse, Request

from bugwatch.domain.account import Verb
from bugwatch.domain.grouping_rule import MAX_LENGTH
from bugwatch.domain.project import Project
from bugwatch.server.api.body import body_of
from bugwatch.server.api.operation import Answer, Given, Instant, answer, operation
from bugwatch.server.auth import caller, for_project
from bugwatch.server.context import house
from bugwatch.storage import grouping_rules
from bugwatch.storage.issue_lists import ListedIssue

bp = Blueprint("api_grouping", url_prefix="/api/v1/projects/<project_id:int>/grouping")

RulesText = Annotated[str, Field(max_length=MAX_LENGTH, description="One rule a line; the help says how.")]


class GroupingSettings(Answer):
    rules: RulesText
    rules_version: Annotated[int, Field(description="How often they were changed.")]
    applied_at: Instant | None
    version: Annotated[int, Field(description="Of the algorithm.")]


class GivenRules(Given):
    rules: RulesText


class RulesChange(GivenRules):
    rules_version: Annotated[
        int | None, Field(description="The one that was changed; refused if it is no longer in force.")
    ] = None


class TriedIssue(Answer):
    id: int
    short_id: str
    title: str


class TriedPart(Answer):
    title: str
    event_count: int
    issue_id: Annotated[int | None, Field(description="The issue that they would join or stay in; null: a new one.")]


class TriedSplit(Answer):
    issue: TriedIssue
    parts: list[TriedPart]


class TriedJoin(Answer):
    title: str
    issues: list[TriedIssue]
    into: Annotated[int | None, Field(description="The issue in which they would be together; null: a new one.")]


class TriedRule(Answer):
    line: int
    text: str
    event_count: int


class TrialAnswer(Answer):
    event_count: Annotated[int, Field(description="Events that were looked at: the latest ones of the latest issues.")]
    issue_count: int
    is_cut: Annotated[bool, Field(description="Time ran out before all of them were looked at.")]
    splits: Annotated[list[TriedSplit], Field(description="Issues whose events would no longer be together.")]
    joins: Annotated[list[TriedJoin], Field(description="Issues whose events would be together.")]
    renewed: Annotated[list[TriedIssue], Field(description="Issues that would go on as new ones.")]
    rules: Annotated[list[TriedRule], Field(description="In how many of the events each rule took part.")]


@bp.get("/")
@for_project(Verb.PROJECT_READ)
@operation(GroupingSettings)
async def show(request: Request, project: Project) -> HTTPResponse:
    """The rules in force, and the version of the algorithm."""
    return await _settings(request, project)


@bp.put("/")
@for_project(Verb.PROJECT_WRITE)
@operation(GroupingSettings, body=RulesChange)
async def change(request: Request, project: Project) -> HTTPResponse:
    """Put rules in force, for events that come from now on. Issues stay as they are."""
    given = body_of(request, RulesChange)
    who = caller(request).account.id
    changed = await house(request).grouping_rules.apply(project, given.rules, who, given.rules_version)
    return await _settings(request, changed)


@bp.post("/try")
@for_project(Verb.PROJECT_WRITE)
@operation(TrialAnswer, body=GivenRules)
async def try_out(request: Request, project: Project) -> HTTPResponse:
    """What rules would do to events like those that are stored. Nothing is changed."""
    found = await house(request).grouping_rules.try_out(project, body_of(request, GivenRules).rules)

    def tried(issue: ListedIssue) -> TriedIssue:
        return TriedIssue(id=issue.id, short_id=project.short_id(issue.number), title=issue.title)

    return answer(
        TrialAnswer(
            event_count=found.event_count,
            issue_count=found.issue_count,
            is_cut=found.is_cut,
            splits=[
                TriedSplit(
                    issue=tried(split.issue),
                    parts=[
                        TriedPart(
                            title=part.title,
                            event_count=part.event_count,
                            issue_id=part.issue.id if part.issue else None,
                        )
                        for part in split.parts
                    ],
                )
                for split in found.splits
            ],
            joins=[
                TriedJoin(
                    title=join.title,
                    issues=[tried(issue) for issue in join.issues],
                    into=join.into.id if join.into else None,
                )
                for join in found.joins
            ],
            renewed=[tried(issue) for issue in found.renewed],
            rules=[TriedRule(line=hit.line, text=hit.text, event_count=hit.event_count) for hit in found.hits],
        )
    )


async def _settings(request: Request, project: Project) -> HTTPResponse:
    async with house(request).db.read() as tx:
        latest = next(iter(await grouping_rules.history(tx, project.id, 1)), None)
    return answer(
        GroupingSettings(
            rules=project.grouping_rules,
            rules_version=project.rules_version,
            applied_at=latest.applied_at if latest else None,
            version=project.grouping_version,
        )
    )
