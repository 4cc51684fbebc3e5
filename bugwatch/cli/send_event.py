"""`bugwatch send-event`: an error of our own making, sent the way an SDK sends it. Shows that the whole road works."""

from __future__ import annotations

import json
import platform
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from bugwatch import __version__
from bugwatch.cli.arguments import Parser
from bugwatch.cli.command import Answer, HouseCommand
from bugwatch.domain.clock import now_ms, to_iso
from bugwatch.domain.errors import DeliveryFailed, Invalid, NotFound
from bugwatch.domain.ids import new_event_id

if TYPE_CHECKING:
    import httpx

    from bugwatch.protocol.dsn import Dsn
    from bugwatch.services.house import House

LEVELS = ("debug", "info", "warning", "error", "fatal")


class SendEvent(HouseCommand):
    kind = "send-event"
    help = "send an event by DSN, or to a project here, to see that it arrives"

    def configure(self, parser: Parser) -> None:
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--dsn", metavar="DSN", help="where to send it")
        where.add_argument("--project", metavar="SLUG", help="a project here, by slug or id; else the only one")
        parser.add_argument("--message", metavar="TEXT", default="A test event from the command line")
        parser.add_argument("--level", choices=LEVELS, default="error")
        parser.add_argument("--environment", metavar="NAME")
        parser.add_argument("--release", metavar="VERSION")
        parser.add_argument(
            "--tag", metavar="KEY=VALUE", action="append", default=[], help="may be given several times"
        )

    def run(self, args: Namespace) -> Answer:
        import asyncio

        from bugwatch.outbound import ANYWHERE, client
        from bugwatch.protocol import dsn

        event = event_of(args)
        where = dsn.parse(args.dsn or super().run(args).text)

        async def post() -> Answer:
            async with client(ANYWHERE) as http:
                return await send(http, where, event)

        return asyncio.run(post())

    async def answer(self, house: House, args: Namespace) -> Answer:
        """The DSN of the project that is meant."""
        from bugwatch.storage import projects

        async with house.db.read() as tx:
            found = await projects.every(tx)
            meant = [one for one in found if args.project in (None, one.slug, str(one.id))]
            if not meant and args.project:
                raise NotFound(
                    f"There is no project “{args.project}”. “bugwatch project list” shows those that are here."
                )
            if not meant:
                raise NotFound("There is no project yet: bugwatch project create --name NAME")
            if len(meant) > 1:
                raise Invalid("There are several projects: name one with --project.")
            keys = [key for key in await projects.keys(tx, meant[0].id) if key.is_usable(tx.now)]
        if not keys:
            raise NotFound(f"The project “{meant[0].slug}” has no key that works.")
        return Answer(house.site.dsn(keys[0].public_key, meant[0].id))


async def send(http: httpx.AsyncClient, where: Dsn, event: dict[str, Any]) -> Answer:
    """Send one envelope. Raises DeliveryFailed with what the server said, or that it could not be reached."""
    import httpx

    event_id = event["event_id"]
    payload = json.dumps(event).encode()
    header = {"event_id": event_id, "sent_at": to_iso(now_ms()), "dsn": str(where)}
    item = {"type": "event", "length": len(payload)}
    body = b"\n".join([json.dumps(header).encode(), json.dumps(item).encode(), payload]) + b"\n"
    url = f"{where.scheme}://{where.host}{f':{where.port}' if where.port else ''}{where.prefix}"
    auth = f"Sentry sentry_version=7, sentry_key={where.public_key}, sentry_client=bugwatch-cli/{__version__}"
    try:
        response = await http.post(
            f"{url}/api/{where.project_id}/envelope/",
            content=body,
            headers={"X-Sentry-Auth": auth, "Content-Type": "application/x-sentry-envelope"},
        )
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise DeliveryFailed(
            f"{url} did not take the event: {str(error) or type(error).__name__} Is it running?"
        ) from None
    if response.status_code != 200:
        raise DeliveryFailed(f"{url} refused the event ({response.status_code}): {_reason(response)}")
    return Answer(f"{url} took event {event_id}.", {"event_id": event_id, "status": response.status_code})


def event_of(args: Namespace) -> dict[str, Any]:
    """An event with a stack trace, as an app would send it."""
    tags = dict(tag.partition("=")[::2] for tag in args.tag)
    if not all(tags):
        raise Invalid("A tag looks like key=value.")
    frames = [
        {"filename": "app.py", "function": "main", "module": "app", "lineno": 12, "context_line": "    serve()"},
        {
            "filename": "app.py",
            "function": "serve",
            "module": "app",
            "lineno": 7,
            "pre_context": ["def serve():"],
            "context_line": "    raise TestEvent(message)",
            "vars": {"message": args.message},
        },
    ]
    event: dict[str, Any] = {
        "event_id": new_event_id(),
        "timestamp": to_iso(now_ms()),
        "platform": "python",
        "level": args.level,
        "server_name": platform.node(),
        "environment": args.environment,
        "release": args.release,
        "tags": tags,
        "sdk": {"name": "bugwatch.cli", "version": __version__},
        "exception": {
            "values": [
                {
                    "type": "TestEvent",
                    "value": args.message,
                    "stacktrace": {"frames": [{**frame, "in_app": True} for frame in frames]},
                }
            ]
        },
    }
    return {name: value for name, value in event.items() if value is not None}


def _reason(response: httpx.Response) -> str:
    try:
        said = response.json()
        return str(said["detail"])[:500]
    except (ValueError, KeyError, TypeError):
        return response.text[:500] or "without a reason."
