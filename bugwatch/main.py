"""The only room that knows everybody: builds the house from a configuration, starts it and stops it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bugwatch import __version__, resources
from bugwatch.config import Config, manual
from bugwatch.domain.clock import Clock, now_ms
from bugwatch.domain.ids import Ids
from bugwatch.domain.limits import ITEM_BYTES, MIB, Limits
from bugwatch.domain.secret import Secret
from bugwatch.domain.site import Site
from bugwatch.jobs import scheduler as jobs
from bugwatch.server.app import create
from bugwatch.server.listener import answering, bind
from bugwatch.server.render import pages_of
from bugwatch.services.accounts import Accounts
from bugwatch.services.artifact_reader import ArtifactReader
from bugwatch.services.artifacts import Artifacts
from bugwatch.services.backup import Backups
from bugwatch.services.compression import Compression
from bugwatch.services.digest import Digest
from bugwatch.services.doctor import Doctor, Finding
from bugwatch.services.events import Events
from bugwatch.services.grouping_rules import GroupingRules
from bugwatch.services.house import House
from bugwatch.services.ingest import Ingest, Room
from bugwatch.services.instance import Instance
from bugwatch.services.issues import Issues
from bugwatch.services.mail import Mail
from bugwatch.services.members import Members
from bugwatch.services.merging import Merging
from bugwatch.services.own_errors import OwnErrors
from bugwatch.services.passwords import Passwords
from bugwatch.services.permissions import Permissions
from bugwatch.services.pipeline import Pipeline
from bugwatch.services.projects import Projects
from bugwatch.services.releases import Releases
from bugwatch.services.retention import Retention
from bugwatch.services.sessions import Sessions
from bugwatch.services.symbolication import Symbolication
from bugwatch.services.throttle import Throttle
from bugwatch.services.tokens import Tokens
from bugwatch.storage import events, settings
from bugwatch.storage.data_dir import DataDir
from bugwatch.storage.database import Database
from bugwatch.storage.migrate import load, migrate
from bugwatch.storage.sqlite import SqliteDatabase
from bugwatch.templates import Templates

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_house(config: Config, clock: Clock = now_ms) -> AsyncIterator[House]:
    """The house over its data: folder locked, database migrated, services ready. Everything is closed on leaving."""
    async with contextlib.AsyncExitStack() as closing:
        data_dir = closing.enter_context(DataDir(config.data_dir))
        db = await open_database(config, data_dir, clock)
        closing.push_async_callback(db.close)
        site = site_of(config)
        instance = Instance(db, site)
        closing.push_async_callback(instance.loaded)
        await instance.load()
        ids = Ids(clock, db.instance)
        ids.seen(await newest_id(db))
        compression = Compression(db)
        key = await hash_key(db)
        pipeline = Pipeline(key, compression)
        room = Room(config.rate_limit, config.spool_limit_mb * MIB, config.disk_floor_mb * MIB, data_dir.free_bytes)
        secret = Secret(config.secret_key or data_dir.secret_key())
        passwords, throttle, permissions = Passwords(), Throttle(db, secret), Permissions(db)
        mail = Mail(config.smtp_url, config.mail_from, site, Templates(resources.web() / "templates"))
        closing.push_async_callback(mail.settle)
        accounts = Accounts(db, site, passwords, throttle, mail, is_open=config.open_registration)
        projects = Projects(db, clock, site)
        symbolication = Symbolication(db, ArtifactReader())
        closing.push_async_callback(symbolication.stop)
        ingest = Ingest(db, clock, pipeline, symbolication, Digest(db, ids, compression), room)
        reading = Events(db, compression, pipeline, symbolication)
        yield House(
            site=site,
            manual=manual(),
            instance=instance,
            db=db,
            clock=clock,
            ids=ids,
            limits=Limits(item_bytes={**ITEM_BYTES, "attachment": config.attachment_limit_mb * MIB}),
            secret=secret,
            mail=mail,
            accounts=accounts,
            members=Members(db, site, mail, accounts),
            sessions=Sessions(db, clock, secret, passwords, throttle),
            tokens=Tokens(db),
            permissions=permissions,
            projects=projects,
            backups=Backups(db, data_dir, clock),
            retention=Retention(db, key),
            doctor=doctor(config, db, data_dir, site, clock),
            ingest=ingest,
            own_errors=OwnErrors(db, clock, ids, site, projects, ingest),
            events=reading,
            symbolication=symbolication,
            issues=Issues(db, ids, permissions),
            merging=Merging(db, ids, permissions),
            grouping_rules=GroupingRules(db, reading),
            artifacts=Artifacts(db, data_dir.path, data_dir.free_bytes, config.disk_floor_mb * MIB),
            releases=Releases(db),
        )


@asynccontextmanager
async def working(house: House) -> AsyncIterator[None]:
    """The house at work: it takes items and does its jobs until this is left, and what it took is then on disk."""
    await house.ingest.start()
    try:
        async with house.own_errors, jobs.running(house):
            yield
    finally:
        await house.artifacts.stop()
        await house.ingest.stop()


async def hash_key(db: Database) -> bytes:
    """What keys the hashes of event ids and users. It lives with the data, so that all instances share it."""
    return bytes.fromhex(await db.write(lambda tx: settings.get_or_put(tx, "hash_key", secrets.token_hex(32))))


async def newest_id(db: Database) -> int:
    """The newest row id that was given out: a clock that was set back must not give it out again."""
    async with db.read() as tx:
        return await events.newest_id(tx)


def site_of(config: Config) -> Site:
    """Where this instance lives, as far as the configuration says."""
    return Site(config.url, __version__, tuple(config.proxies), is_fixed=bool(config.base_url))


async def connect(config: Config, data_dir: DataDir, clock: Clock = now_ms) -> Database:
    """The database that `config` names, as it is."""
    if config.database_url:
        from bugwatch.storage.postgres import PostgresDatabase  # a driver that few need

        return await PostgresDatabase.open(config.database_url, clock, pool_size=config.database_pool_size)
    return await SqliteDatabase.open(data_dir.database, clock)


async def open_database(config: Config, data_dir: DataDir, clock: Clock = now_ms) -> Database:
    """The database that `config` names, at the newest schema; a SQLite file is copied before it is changed."""
    db = await connect(config, data_dir, clock)

    async def keep_a_copy(schema: int) -> None:
        if db.dialect == "sqlite":
            copy = await Backups(db, data_dir, clock).take(data_dir.new_snapshot(schema))
            log.info("Upgrading the data from schema %d; a copy is kept as %s", schema, copy.path)

    try:
        await migrate(db, load(resources.migrations(), db.dialect), before=keep_a_copy)
    except BaseException:
        await db.close()
        raise
    return db


async def examine(config: Config, clock: Clock = now_ms) -> list[Finding]:
    """What the doctor finds where no server runs. The data is not upgraded for it."""
    with DataDir(config.data_dir) as data_dir:
        db = await connect(config, data_dir, clock)
        try:
            return await doctor(config, db, data_dir, site_of(config), clock).examine()
        finally:
            await db.close()


def doctor(config: Config, db: Database, data_dir: DataDir, site: Site, clock: Clock) -> Doctor:
    migrations = load(resources.migrations(), db.dialect)
    return Doctor(db, data_dir, clock, site, migrations, host=config.host, disk_floor=config.disk_floor_mb * MIB)


Beside = Callable[[House], AbstractAsyncContextManager[None]]


async def serve(config: Config, clock: Clock = now_ms, beside: Beside | None = None) -> None:
    """Run until SIGINT or SIGTERM, with `beside` entered while it serves: the operator's socket, what is said at start.

    Raises Unavailable if it cannot start, with what to do.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Ours stand before the first request can be answered: Sanic's come too late (a signal then hung the process).
        loop.add_signal_handler(number, stopping.set)
    async with open_house(config, clock) as house:
        app = create(house)
        # Work begins before the door opens and ends after it has closed: what was taken in is stored.
        besides = beside(house) if beside else contextlib.nullcontext()
        async with working(house), answering(app, bind(config.host, config.port)), besides:
            log.info("Bugwatch %s is ready at %s", __version__, house.site.url)
            compiling = asyncio.create_task(asyncio.to_thread(pages_of(app).templates.load_all))
            await stopping.wait()
            log.info("Stopping")
            await compiling
