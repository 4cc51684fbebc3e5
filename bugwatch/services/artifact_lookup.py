"""Which map belongs to a file that a stack trace names: by debug id, else by release, dist and URL. The newest wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bugwatch.domain.artifact_url import beside, names_of
from bugwatch.domain.mapped_frame import shown_file
from bugwatch.domain.symbolication import Origin, Verdict
from bugwatch.storage import artifacts
from bugwatch.storage.artifacts import Artifact
from bugwatch.storage.database import Reader
from bugwatch.storage.positions import MapKey

CODE = "minified_source"
MAP = "source_map"


@dataclass(frozen=True, slots=True)
class Build:
    """Whose artifacts are looked for."""

    project_id: int
    release: str
    dist: str


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of minified code. `origin.verdict` says why there is no map; with one it is MAPPED, as far as known.

    `map` may be None then: it is in the code's last line.
    """

    origin: Origin
    code: Artifact | None = None
    map: Artifact | None = None

    @property
    def has_map(self) -> bool:
        return self.origin.verdict is Verdict.MAPPED

    @property
    def key(self) -> MapKey:
        """What stands for this map with this code."""
        return (self.map.sha256 if self.map else b"", self.code.sha256 if self.code else b"")


async def find(tx: Reader, build: Build, debug_ids: Mapping[str, str]) -> dict[str, FoundFile]:
    """Each of these files (by path, with its debug id or an empty one) as far as something was uploaded for it."""
    by_id = await artifacts.by_debug_ids(tx, build.project_id, list(debug_ids.values()))
    found = {path: by_id[debug_id] for path, debug_id in debug_ids.items() if debug_id in by_id}
    missing = [path for path in debug_ids if path not in found]
    if build.release:
        found |= await _by_url(tx, build, missing)
    others = [debug_ids[path] for path in debug_ids if path not in found]
    foreign = await artifacts.elsewhere(tx, build.project_id, others) if any(others) else set()
    return {
        path: _file(found.get(path, ()), build, debug_id, is_foreign=debug_id in foreign)
        for path, debug_id in debug_ids.items()
    }


async def sources(tx: Reader, map_: Artifact, files: Iterable[str]) -> dict[str, Artifact]:
    """Those of a map's source files (as it names them) that were uploaded together with it."""
    names = {file: (*names_of(beside(map_.url, file)), *names_of(file), f"~/{shown_file(file)}") for file in files}
    stored = await artifacts.sources_beside(tx, map_.bundle_id, [name for some in names.values() for name in some])
    found = {file: next((stored[name] for name in some if name in stored), None) for file, some in names.items()}
    return {file: artifact for file, artifact in found.items() if artifact}


async def _by_url(tx: Reader, build: Build, paths: Iterable[str]) -> dict[str, list[Artifact]]:
    """The code at each path and its map. A map may be named by the code, or like it; or be there alone."""
    names = {path: names_of(path) for path in paths}
    guesses = {path: [f"{name}.map" for name in names[path]] for path in names}
    stored = await _at(tx, build, [*names.values(), *guesses.values()])
    code = {path: _newest(CODE, (stored.get(name, []) for name in names[path])) for path in names}
    named = {path: names_of(beside(file.url, file.source_map_ref)) for path, file in code.items() if file}
    stored |= await _at(tx, build, named.values())
    found = {}
    for path, file in code.items():
        by_reference = _newest(MAP, (stored.get(name, []) for name in named.get(path, ())))
        map_ = by_reference or _newest(MAP, (stored.get(name, []) for name in guesses[path]))
        files = [artifact for artifact in (file, map_) if artifact]
        if files:
            found[path] = files
    return found


async def _at(tx: Reader, build: Build, names: Iterable[Iterable[str]]) -> dict[str, list[Artifact]]:
    urls = sorted({name for some in names for name in some})
    return await artifacts.by_urls(tx, build.project_id, build.release, build.dist, urls)


def _newest(kind: str, places: Iterable[Iterable[Artifact]]) -> Artifact | None:
    of_kind = [artifact for place in places for artifact in place if artifact.kind == kind]
    return max(of_kind, key=lambda artifact: (artifact.uploaded_at, artifact.id), default=None)


def _file(stored: Iterable[Artifact], build: Build, debug_id: str, *, is_foreign: bool) -> FoundFile:
    code, map_ = _newest(CODE, [stored]), _newest(MAP, [stored])
    shown = map_ or code

    def origin(verdict: Verdict) -> Origin:
        return Origin(verdict, debug_id=debug_id, release=build.release, artifact=shown.url if shown else "")

    if map_ is None and (code is None or not code.source_map_ref.startswith("data:")):
        if code:
            return FoundFile(origin(Verdict.NO_MAP))
        if is_foreign:
            return FoundFile(origin(Verdict.OTHER_PROJECT))
        return FoundFile(origin(Verdict.NO_ARTIFACT if debug_id or build.release else Verdict.NO_DEBUG_ID))
    return FoundFile(origin(Verdict.MAPPED), code, map_)
