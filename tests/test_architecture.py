"""The laws of the house (README, "Floor plan"). Each is a function from a module to its offences, so that each can be
shown a bad sample first: a law that cannot be broken protects nothing."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.layers import LayersContract

ROOT = Path(__file__).parents[1]

# A library, and the only files below bugwatch/ that may import it.
HOMES = {
    "sanic": ["server/"],
    "apscheduler": ["jobs/"],
    "jinja2": ["templates.py"],
    "aiosqlite": ["storage/sqlite.py"],
    "pysqlite3": ["storage/sqlite.py"],
    "sqlite3": ["storage/sqlite.py"],
    "asyncpg": ["storage/postgres.py"],
}
# Where SQLite and Postgres may differ at will: the two adapters, and the translation of the schema.
ADAPTERS = ("storage/sqlite.py", "storage/postgres.py", "storage/migrate.py")
DIALECT_QUESTIONS = 3

WAYS_OUT = {"AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport", "request", "stream"} | {
    "get", "post", "put", "patch", "delete", "head", "options",
}  # fmt: skip
IMPURE = {
    "time.time",
    "time.time_ns",
    "datetime.now",
    "datetime.utcnow",
    "date.today",
    "uuid.uuid4",
    "os.urandom",
    "open",
}
SQL = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|CREATE|ALTER|DROP|PRAGMA|VACUUM)\s")
VAGUE = re.compile(r"(utils?|helpers?|managers?|base|common|misc)\Z")

Law = Callable[[str, ast.Module], Iterator[str]]


def domain_needs_only_the_standard_library(path: str, tree: ast.Module) -> Iterator[str]:
    if path.startswith("domain/"):
        for module in _imports(tree):
            if module.partition(".")[0] not in sys.stdlib_module_names and not module.startswith("bugwatch.domain"):
                yield f"imports {module}"


def domain_reads_no_clock_and_no_dice(path: str, tree: ast.Module) -> Iterator[str]:
    if path.startswith("domain/") and path not in ("domain/clock.py", "domain/ids.py"):
        for call in _calls(tree):
            if call in IMPURE or call.startswith(("random.", "secrets.")):
                yield f"calls {call}()"


def libraries_stay_in_their_home(path: str, tree: ast.Module) -> Iterator[str]:
    for module in _imports(tree):
        homes = HOMES.get(module.partition(".")[0])
        if homes and not any(path == home or (home.endswith("/") and path.startswith(home)) for home in homes):
            yield f"imports {module}, which lives in {', '.join(homes)}"


def the_way_out_is_outbound(path: str, tree: ast.Module) -> Iterator[str]:
    if path != "outbound.py":
        yield from (f"calls {call}()" for call in _calls(tree) if call in {f"httpx.{name}" for name in WAYS_OUT})
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "httpx":
                yield from (f"takes {name.name} out of httpx" for name in node.names if name.name in WAYS_OUT)


def sql_stays_in_storage(path: str, tree: ast.Module) -> Iterator[str]:
    if not path.startswith("storage/"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
                yield f"line {node.lineno} holds SQL"


def config_is_read_by_main_and_cli_only(path: str, tree: ast.Module) -> Iterator[str]:
    # The floors forbid it as well; this also sees `os.environ`.
    if path not in ("main.py", "config.py") and not path.startswith("cli/"):
        yield from (f"imports {module}" for module in _imports(tree) if module.startswith("bugwatch.config"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"):
                yield f"line {node.lineno} reads the environment"


def config_knows_no_room(path: str, tree: ast.Module) -> Iterator[str]:
    if path == "config.py":
        for module in _imports(tree):
            if module.startswith("bugwatch") and not module.startswith("bugwatch.domain"):
                yield f"imports {module}"


def names_say_something(path: str, tree: ast.Module) -> Iterator[str]:
    yield from (f"{part} says nothing" for part in PurePosixPath(path).with_suffix("").parts if VAGUE.match(part))


LAWS: dict[Law, tuple[str, str]] = {  # each with a sample that breaks it
    domain_needs_only_the_standard_library: ("domain/issue.py", "from pydantic import BaseModel"),
    domain_reads_no_clock_and_no_dice: ("domain/issue.py", "seen_at = time.time()"),
    libraries_stay_in_their_home: ("services/digest.py", "def f():\n    from sanic import Sanic"),
    the_way_out_is_outbound: ("channels/ntfy.py", "client = httpx.AsyncClient()"),
    sql_stays_in_storage: ("server/api/issues.py", 'sql = f"""\n  SELECT * FROM issues WHERE id = {issue_id}"""'),
    config_is_read_by_main_and_cli_only: ("services/ingest.py", "import os\nport = os.environ['PORT']"),
    config_knows_no_room: ("config.py", "from bugwatch.storage import projects"),
    names_say_something: ("services/utils.py", ""),
}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law_holds(law: Law) -> None:
    offences = [f"bugwatch/{path}: {offence}" for path, tree in _modules().items() for offence in law(path, tree)]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law_can_be_broken(law: Law) -> None:
    path, source = LAWS[law]
    assert list(law(path, ast.parse(source)))


def test_imports_go_down_only() -> None:
    assert _floors().check(_graph(), verbose=False).kept


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("bugwatch.domain.errors", "bugwatch.storage"),
        ("bugwatch.protocol", "bugwatch.storage"),
        ("bugwatch.storage", "bugwatch.services"),
        ("bugwatch.services", "bugwatch.server"),
        ("bugwatch.server", "bugwatch.jobs"),
        ("bugwatch.services", "bugwatch.config"),
        ("bugwatch.resources", "bugwatch.storage"),
    ],
)
def test_an_import_that_goes_up_or_sideways_is_seen(importer: str, imported: str) -> None:
    graph = grimp.build_graph("bugwatch", cache_dir=None)

    graph.add_import(importer=importer, imported=imported)

    assert not _floors().check(graph, verbose=False).kept


def test_a_new_room_needs_a_floor() -> None:
    graph = grimp.build_graph("bugwatch", cache_dir=None)

    graph.add_module("bugwatch.attic")

    assert not _floors().check(graph, verbose=False).kept


def test_sqlite_and_postgres_differ_in_few_places() -> None:
    asked = [f"{path}:{line}" for path, tree in _modules().items() if path not in ADAPTERS for line in _dialect(tree)]
    assert len(asked) <= DIALECT_QUESTIONS, asked


@pytest.mark.parametrize("source", ['if tx.dialect == "sqlite": pass', "match tx.dialect:\n  case _: pass"])
def test_a_question_about_the_dialect_is_counted(source: str) -> None:
    assert len(list(_dialect(ast.parse(source)))) == 1


def test_our_packaging_folder_does_not_hide_the_library() -> None:
    assert not (ROOT / "packaging" / "__init__.py").exists()


@cache
def _modules() -> dict[str, ast.Module]:
    files = sorted((ROOT / "bugwatch").rglob("*.py"))
    return {file.relative_to(ROOT / "bugwatch").as_posix(): ast.parse(file.read_text("utf-8")) for file in files}


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("bugwatch", cache_dir=None)


def _floors() -> LayersContract:
    settings = read_configuration(str(ROOT / "pyproject.toml"))
    (floors,) = settings["contracts_options"]
    return LayersContract(floors["name"], settings["session_options"], floors)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _calls(tree: ast.Module) -> Iterator[str]:
    return (ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))


def _dialect(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        asked = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        asked = [node.subject] if isinstance(node, ast.Match) else asked
        if any(ast.unparse(part).rpartition(".")[2] == "dialect" for part in asked):
            yield node.lineno
