"""`bugwatch token create`."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from bugwatch.cli.arguments import Parser
from bugwatch.cli.command import Answer, HouseCommand
from bugwatch.domain.account import EVERYTHING, Verb

if TYPE_CHECKING:
    from bugwatch.services.house import House


class TokenCommand(HouseCommand):
    kind = "token"
    help = "create tokens for the API"

    def configure(self, parser: Parser) -> None:
        create = parser.actions().add_parser("create", help="make a token for an account and print it, this once")
        create.add_argument("--email", metavar="EMAIL", required=True)
        scopes = ", ".join(Verb)
        create.add_argument(
            "--scopes", metavar="S[,S]", required=True, help=f"{EVERYTHING} for all that the account may, or: {scopes}"
        )
        create.add_argument("--name", metavar="NAME", default="", help="what it is for")

    async def answer(self, house: House, args: Namespace) -> Answer:
        scopes = [scope.strip() for scope in args.scopes.split(",") if scope.strip()]
        token = await house.tokens.create(args.email, scopes, args.name)
        return Answer(token, {"token": token})
