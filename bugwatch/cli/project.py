"""`bugwatch project create|list`."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from bugwatch.cli.arguments import Parser
from bugwatch.cli.command import Answer, HouseCommand, table
from bugwatch.domain.errors import NotFound
from bugwatch.domain.json import JsonObject

if TYPE_CHECKING:
    from bugwatch.services.house import House


class ProjectCommand(HouseCommand):
    kind = "project"
    help = "create and list projects"

    def configure(self, parser: Parser) -> None:
        actions = parser.actions()
        create = actions.add_parser("create", help="make a project and print its DSN and API key")
        create.add_argument("--name", metavar="NAME", required=True)
        create.add_argument("--platform", metavar="PLATFORM", default="other", help="such as python, javascript, go")
        create.add_argument("--organization", metavar="SLUG", help="needed only where there are several")
        actions.add_parser("list", help="list projects with their DSNs")

    async def answer(self, house: House, args: Namespace) -> Answer:
        return await (create(house, args) if args.action == "create" else list_all(house))


async def create(house: House, args: Namespace) -> Answer:
    organization_id = await organization(house, args.organization) if args.organization else None
    made = await house.projects.create(args.name, args.platform, organization_id)
    project = made.project
    return Answer(
        f"Project “{project.name}” is ready (id {project.id}, {project.slug}).\n\n"
        f"DSN      {made.dsn}\n"
        f"API key  {made.api_key}   (shown this once)",
        {"id": project.id, "slug": project.slug, "dsn": made.dsn, "api_key": made.api_key},
    )


async def list_all(house: House) -> Answer:
    from bugwatch.storage import projects

    rows: list[JsonObject] = []
    async with house.db.read() as tx:
        for project in await projects.every(tx):
            keys = [key for key in await projects.keys(tx, project.id) if key.is_usable(tx.now)]
            row: JsonObject = {
                "id": project.id,
                "slug": project.slug,
                "name": project.name,
                "platform": project.platform,
            }
            rows.append({**row, "dsn": house.site.dsn(keys[0].public_key, project.id) if keys else None})
    return Answer(table(rows, "There is no project yet: bugwatch project create --name NAME"), rows)


async def organization(house: House, slug: str) -> int:
    """The id of the organization `slug`."""
    from bugwatch.storage import projects

    async with house.db.read() as tx:
        found = {row["slug"]: int(row["id"]) for row in await projects.organizations(tx)}
    if slug not in found:
        raise NotFound(f"There is no organization “{slug}”. There is: {', '.join(found) or 'none'}.")
    return found[slug]
