"""What stands beside every page of somebody who is signed in: their projects, with what is unresolved in each."""

from __future__ import annotations

from dataclasses import dataclass

from sanic import Request


@dataclass(frozen=True, slots=True)
class ProjectLink:
    name: str
    slug: str
    hue: int  # 1 to 6, the class of its coloured mark
    unresolved_count: int


@dataclass(frozen=True, slots=True)
class Sidebar:
    organization: str
    projects: tuple[ProjectLink, ...]
    unresolved_count: int


async def sidebar(request: Request) -> Sidebar:
    return Sidebar("Bugwatch", (), 0)
