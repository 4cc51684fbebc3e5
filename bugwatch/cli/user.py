"""`bugwatch user create|list|reset-password|disable|enable`."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from bugwatch.cli.arguments import Parser
from bugwatch.cli.command import Answer, HouseCommand, read_secret, table
from bugwatch.domain.account import Role
from bugwatch.domain.clock import to_iso

if TYPE_CHECKING:
    from bugwatch.domain.json import JsonObject
    from bugwatch.services.house import House


class UserCommand(HouseCommand):
    kind = "user"
    help = "create, list and disable accounts, reset passwords"

    def configure(self, parser: Parser) -> None:
        actions = parser.actions()
        create = actions.add_parser("create", help="make an account; the first one is an owner")
        _email_of(create)
        create.add_argument(
            "--password-file", metavar="FILE", required=True, help="a file with the password; - is stdin"
        )
        create.add_argument("--role", choices=[str(role) for role in Role], default=str(Role.MEMBER))
        create.add_argument("--name", metavar="NAME", default="")
        actions.add_parser("list", help="list accounts")
        reset = actions.add_parser("reset-password", help="print a link that sets a password; or set one")
        _email_of(reset)
        reset.add_argument("--password-file", metavar="FILE", help="set this password at once; - is stdin")
        _email_of(actions.add_parser("disable", help="end an account's sessions and let it in no more"))
        _email_of(actions.add_parser("enable", help="let a disabled account in again"))

    def prepare(self, args: Namespace) -> None:
        source = getattr(args, "password_file", None)
        args.password = read_secret(source) if source else None

    async def answer(self, house: House, args: Namespace) -> Answer:
        match args.action:
            case "create":
                return await create(house, args)
            case "list":
                return await list_all(house)
            case "reset-password":
                return await reset_password(house, args)
            case "disable":
                await house.accounts.disable(args.email)
                return Answer(f"{args.email} is disabled. Its sessions have ended.", {"email": args.email})
            case _:
                await house.accounts.enable(args.email)
                return Answer(f"{args.email} may sign in again.", {"email": args.email})


async def create(house: House, args: Namespace) -> Answer:
    from bugwatch.storage import accounts

    account = await house.accounts.create_user(args.email, args.password, Role(args.role), name=args.name)
    async with house.db.read() as tx:
        (role,) = (await accounts.roles(tx, account.id)).values()
    return Answer(
        f"{account.email} may sign in at {house.site.url} ({role}).",
        {"id": account.id, "email": account.email, "role": str(role)},
    )


async def list_all(house: House) -> Answer:
    from bugwatch.storage import accounts

    rows: list[JsonObject] = []
    async with house.db.read() as tx:
        for account in await accounts.all_accounts(tx):
            roles = sorted(set((await accounts.roles(tx, account.id)).values()), key=list(Role).index)
            rows.append(
                {
                    "id": account.id,
                    "email": account.email,
                    "name": account.name,
                    "role": ", ".join(roles),
                    "last_seen_at": to_iso(account.seen_at) if account.seen_at else None,
                    "is_disabled": account.disabled_at is not None,
                }
            )
    return Answer(table(rows, "There is no account yet: bugwatch user create --email EMAIL --password-file -"), rows)


async def reset_password(house: House, args: Namespace) -> Answer:
    if args.password is not None:
        await house.accounts.set_password(args.email, args.password)
        return Answer(f"{args.email} has a new password. Its sessions have ended.", {"email": args.email})
    link = await house.accounts.reset_link(args.email)
    return Answer(
        f"{link}\nWhoever opens this sets a new password for {args.email}: once, within an hour.", {"link": link}
    )


def _email_of(parser: Parser) -> None:
    parser.add_argument("--email", metavar="EMAIL", required=True)
