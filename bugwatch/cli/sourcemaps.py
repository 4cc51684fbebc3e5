"""`bugwatch sourcemaps upload`: the source maps of a build, to the Bugwatch here or to another one."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from bugwatch.cli.arguments import Parser
from bugwatch.cli.command import Answer, HouseCommand
from bugwatch.domain.artifact import ArtifactKind, Upload, UploadState
from bugwatch.domain.errors import DeliveryFailed, Invalid, NotFound
from bugwatch.domain.release import clean_dist, clean_version

if TYPE_CHECKING:
    import httpx

    from bugwatch.protocol.artifact_pack import PackedFile
    from bugwatch.services.house import House

CODE = frozenset({".js", ".mjs", ".cjs", ".jsbundle", ".bundle"})
LARGEST = 128 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
POLL_S = 1.0
POLLS = 300
TIMEOUT_S = 120.0
TOKEN = "BUGWATCH_TOKEN"  # noqa: S105 - the name of a variable


class SourceMaps(HouseCommand):
    kind = "sourcemaps"
    help = "upload the source maps of a build"

    def configure(self, parser: Parser) -> None:
        upload = parser.actions().add_parser("upload", help="upload the code and the source maps in a folder")
        upload.add_argument("folder", metavar="DIR", help="what the build made")
        upload.add_argument("--project", metavar="SLUG", required=True, help="for which project, by slug or id")
        upload.add_argument("--release", metavar="VERSION", help="what the SDK sends as release")
        upload.add_argument("--dist", metavar="DIST", help="what the SDK sends as dist")
        upload.add_argument(
            "--url-prefix",
            metavar="PREFIX",
            default="~/",
            help="from where the browser loads the folder, with ~ for any host (default: ~/)",
        )
        upload.add_argument("--url", metavar="URL", help="another Bugwatch; else the one here")
        upload.add_argument("--organization", metavar="SLUG", default="default", help="there, if you have several")
        upload.add_argument("--token", metavar="TOKEN", help=f"for --url, scope “sourcemaps”; better in {TOKEN}")

    def run(self, args: Namespace) -> Answer:
        from bugwatch.protocol.artifact_pack import write_bundle

        args.release = clean_version(args.release) if args.release else ""
        args.dist = clean_dist(args.dist or "")
        files = list(files_of(Path(args.folder), args.url_prefix))
        _require_a_way_to_find(files, args)
        with tempfile.NamedTemporaryFile(prefix="bugwatch-", suffix=".zip") as bundle:
            write_bundle(bundle, files)
            bundle.flush()
            if args.url:
                token = args.token or os.environ.get(TOKEN, "")
                if not token:
                    raise Invalid(f"Give a token with the scope “sourcemaps” in {TOKEN}.", "token")
                asyncio.run(self._send(args, bundle, token))
            else:
                args.bundle = bundle.name
                super().run(args)
        maps = sum(file.kind is ArtifactKind.SOURCE_MAP for file in files)
        ids = len({file.debug_id for file in files if file.debug_id})
        ways = ["debug id"] * bool(ids) + [f"the release {args.release}"] * bool(args.release)
        return Answer(
            f"Uploaded {len(files)} files, {maps} of them source maps. They are found by {' and by '.join(ways)}.",
            {"files": len(files), "source_maps": maps, "debug_ids": ids, "release": args.release or None},
        )

    async def answer(self, house: House, args: Namespace) -> Answer:
        """Take up the bundle that the caller has put into a file."""
        from bugwatch.storage import projects

        async with house.db.read() as tx:
            found = [one for one in await projects.every(tx) if args.project in (one.slug, str(one.id))]
        if not found:
            raise NotFound(f"There is no project “{args.project}”. “bugwatch project list” shows those that are here.")
        if len(found) > 1:
            raise Invalid(f"There are several projects “{args.project}”: name it by its id.", "project")
        sha1, chunks = await _kept(house, Path(args.bundle))
        upload = Upload(sha1, chunks, found[0].organization_id, (found[0].id,), args.release, args.dist)
        while (assembly := await house.artifacts.assemble(upload)).state is UploadState.CREATED:
            pass  # it has waited
        return _told(assembly.state, assembly.detail)

    async def _send(self, args: Namespace, bundle: IO[bytes], token: str) -> None:
        from bugwatch.outbound import ANYWHERE, client

        bundle.seek(0)
        async with client(ANYWHERE, timeout_s=TIMEOUT_S) as http:
            http.headers["Authorization"] = f"Bearer {token}"
            await send(http, args, bundle)


async def send(http: httpx.AsyncClient, args: Namespace, bundle: IO[bytes]) -> Answer:
    """Upload a bundle as sentry-cli does. Raises DeliveryFailed with what the server said."""
    root = f"{args.url.rstrip('/')}/api/0/organizations/{quote(args.organization, safe='')}"
    options = await _asked(http, "GET", f"{root}/chunk-upload/")
    sha1, chunks = _chunked(bundle, int(options["chunkSize"]))
    body = {
        "checksum": sha1.hex(),
        "chunks": [chunk.hex() for chunk in chunks],
        "projects": [args.project],
        "version": args.release or None,
        "dist": args.dist or None,
    }
    for _ in range(POLLS):
        told = await _asked(http, "POST", f"{root}/artifactbundle/assemble/", json=body)
        state, missing = UploadState(told["state"]), told["missingChunks"]
        if state is not UploadState.NOT_FOUND and state is not UploadState.CREATED:
            return _told(state, told.get("detail") or "")
        for name in missing:
            part = {"file": (name, chunks[bytes.fromhex(name)])}
            await _asked(http, "POST", urljoin(root, options["url"]), files=part)
        if not missing:
            await asyncio.sleep(POLL_S)
    raise DeliveryFailed("The upload arrived, and is still being read. Look at the project's source maps later.")


def files_of(folder: Path, prefix: str) -> Iterator[PackedFile]:
    """The code and the maps in the folder, each with the debug id that it or its partner names. Raises Invalid."""
    from bugwatch.protocol.artifact_pack import PackedFile, debug_id_of_code, debug_id_of_map, map_ref_of

    if not folder.is_dir():
        raise Invalid(f"{folder} is no folder.")
    codes: dict[Path, tuple[bytes, str, str]] = {}
    maps: dict[Path, tuple[bytes, str]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "node_modules" not in path.parts):
        if path.suffix == ".map" and (debug_id := debug_id_of_map(data := _read(path))) is not None:
            maps[path] = data, debug_id
        elif path.suffix in CODE:
            data = _read(path)
            beside = path.name + ".map" if path.with_name(path.name + ".map").is_file() else ""
            codes[path] = data, debug_id_of_code(data), map_ref_of(data) or beside
    partners = {path.parent / ref: path for path, (_data, _id, ref) in codes.items() if ref}
    for path, (data, debug_id, ref) in codes.items():
        partner = maps.get(path.parent / ref) if ref else None
        url = _url(prefix, folder, path)
        yield PackedFile(url, ArtifactKind.MINIFIED_SOURCE, data, debug_id or (partner[1] if partner else ""), ref)
    for path, (data, debug_id) in maps.items():
        code = codes.get(partners.get(path, path))
        yield PackedFile(
            _url(prefix, folder, path), ArtifactKind.SOURCE_MAP, data, debug_id or (code[1] if code else "")
        )


def _require_a_way_to_find(files: list[PackedFile], args: Namespace) -> None:
    if not any(file.kind is ArtifactKind.SOURCE_MAP for file in files):
        raise NotFound(f"There are no source maps in {args.folder}. Tell the bundler to write them.")
    if not args.release and not any(file.debug_id for file in files):
        raise Invalid(
            "The files hold no debug ids, so the release is needed: --release VERSION, as the SDK sends it.", "release"
        )


def _url(prefix: str, folder: Path, path: Path) -> str:
    return f"{prefix.rstrip('/')}/{path.relative_to(folder).as_posix()}"


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise Invalid(f"{path} is larger than {LARGEST:,} bytes.")
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from None


async def _kept(house: House, path: Path) -> tuple[bytes, tuple[bytes, ...]]:
    """The SHA-1 of the bundle in this file, and of its chunks, which are kept here now."""
    whole, chunks = hashlib.sha1(usedforsecurity=False), []
    try:
        with await asyncio.to_thread(path.open, "rb") as file:
            while data := await asyncio.to_thread(file.read, CHUNK_BYTES):
                whole.update(data)
                chunks.append(hashlib.sha1(data, usedforsecurity=False).digest())
                await house.artifacts.keep(chunks[-1], data)
    except OSError as error:
        raise Invalid(f"Bugwatch may not read {path}: {error.strerror}. Use --url and a token.") from None
    return whole.digest(), tuple(chunks)


def _chunked(file: IO[bytes], size: int) -> tuple[bytes, dict[bytes, bytes]]:
    """The SHA-1 of all of it, and its chunks in order by theirs: no two of a zip are alike."""
    whole = hashlib.sha1(usedforsecurity=False)
    chunks: dict[bytes, bytes] = {}
    while data := file.read(size):
        whole.update(data)
        chunks[hashlib.sha1(data, usedforsecurity=False).digest()] = data
    return whole.digest(), chunks


async def _asked(http: httpx.AsyncClient, method: str, url: str, **given: Any) -> Any:
    import httpx

    try:
        response = await http.request(method, url, **given)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise DeliveryFailed(f"{url} did not answer: {str(error) or type(error).__name__} Is it running?") from None
    try:
        told = response.json()
    except ValueError:
        told = None
    if response.status_code != 200 or told is None:
        said = told.get("detail") if isinstance(told, dict) else ""
        raise DeliveryFailed(f"{url} refused the upload ({response.status_code}): {said or 'without a reason.'}")
    return told


def _told(state: UploadState, detail: str) -> Answer:
    if state is not UploadState.OK:
        raise DeliveryFailed(f"The upload was not taken: {detail or state}")
    return Answer("")
