"""Payloads at rest: zstd, with a dictionary per project once there is enough to learn from.

Measured on real events of about 12 KB: 240 to 590 B and 4 to 8 µs with a dictionary, 4,920 B and 42 µs without.
Level 6 would make a quarter less of them, at four times the price; other sizes of the dictionary gain nothing.

The first events may tell little of those to come: now and then an event is compressed without the dictionary as well,
and where it helps little another one is learnt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import zstandard

from bugwatch.domain.errors import BugwatchError, NotFound
from bugwatch.storage import dictionaries
from bugwatch.storage.database import Database

log = logging.getLogger(__name__)

LEVEL = 3
SAMPLES = 300  # events that a dictionary is learnt from
SAMPLE_BYTES = 32 * 1024  # of each of them
DICTIONARY_BYTES = 64 * 1024
LEARNING_BYTES = 32 * 1024 * 1024  # samples of all projects
PROBE_EVERY = 64  # events: how often one is compressed both ways, and may be a sample for another dictionary
PROBES = 50  # before they are judged by
FITS = 1 / 3  # of what is left without a dictionary: what one that fits leaves at most
BETTER = 0.8  # of what the old dictionary leaves: what another one may leave, to be worth its place
KEPT = 256  # dictionaries in memory for reading
LARGEST = 64 * 1024 * 1024


@dataclass(slots=True)
class _Writer:
    """Compresses with a dictionary. `packed` and `plain` are the bytes that its probes came to, with it and without."""

    dictionary_id: int
    zstd: zstandard.ZstdCompressor
    data: bytes
    count: int = 0
    probes: int = 0
    packed: int = 0
    plain: int = 0
    patience: int = 1  # doubled each time that another dictionary was no better


class Compression:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._plain = zstandard.ZstdCompressor(level=LEVEL)
        self._writers: dict[int, _Writer] = {}  # by project
        self._readers: dict[int, zstandard.ZstdDecompressor] = {0: zstandard.ZstdDecompressor()}  # by dictionary
        self._samples: dict[int, list[bytes]] = {}
        self._sampled = 0  # bytes
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Take up the newest dictionary of each project."""
        async with self._db.read() as tx:
            for project_id, (dictionary_id, data) in (await dictionaries.newest(tx)).items():
                self._use(project_id, dictionary_id, data)

    def compress(self, project_id: int, data: bytes) -> tuple[int, bytes]:
        """The id of the dictionary that was used (0: none), and the compressed bytes."""
        writer = self._writers.get(project_id)
        if writer is None:
            self._learn(project_id, data)
            return 0, self._plain.compress(data)
        packed = writer.zstd.compress(data)
        writer.count += 1
        if writer.count % PROBE_EVERY == 0:
            self._probe(project_id, writer, data, packed)
        return writer.dictionary_id, packed

    def compress_plain(self, data: bytes) -> bytes:
        """Compressed without a dictionary: for what does not repeat itself."""
        return self._plain.compress(data)

    async def decompress(self, dictionary_id: int, data: bytes) -> bytes:
        reader = self._readers.get(dictionary_id)
        if reader is None:
            async with self._db.read() as tx:
                dictionary = await dictionaries.get(tx, dictionary_id)
            if dictionary is None:
                raise NotFound(f"The dictionary {dictionary_id} of this payload is gone: restore a backup.")
            if len(self._readers) > KEPT:
                del self._readers[next(key for key in self._readers if key)]
            reader = zstandard.ZstdDecompressor(dict_data=zstandard.ZstdCompressionDict(dictionary))
            self._readers[dictionary_id] = reader
        return reader.decompress(data, max_output_size=LARGEST)

    async def settled(self) -> None:
        """Wait until nothing is being learnt."""
        await asyncio.gather(*self._tasks)

    def _probe(self, project_id: int, writer: _Writer, data: bytes, packed: bytes) -> None:
        """See whether the dictionary still fits; if not, take samples for another one, from events far apart."""
        if project_id in self._samples:
            self._learn(project_id, data)
            return
        writer.probes += 1
        writer.packed += len(packed)
        writer.plain += len(self._plain.compress(data))
        if writer.probes < PROBES * writer.patience:
            return
        if writer.packed > FITS * writer.plain:
            self._learn(project_id, data)
        writer.probes = writer.packed = writer.plain = 0

    def _learn(self, project_id: int, data: bytes) -> None:
        samples = self._samples.setdefault(project_id, [])
        if len(samples) < SAMPLES:
            samples.append(data[:SAMPLE_BYTES])
            self._make_room(len(samples[-1]))
            if len(samples) == SAMPLES:
                task = asyncio.get_running_loop().create_task(self._train(project_id, samples))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _make_room(self, added: int) -> None:
        """Let go of the samples of those who began to be learnt from longest ago, and are not done yet."""
        self._sampled += added
        while self._sampled > LEARNING_BYTES and len(self._samples) > 1:
            self._forget(next(iter(self._samples)))

    def _forget(self, project_id: int) -> None:
        self._sampled -= sum(len(sample) for sample in self._samples.pop(project_id, ()))

    async def _train(self, project_id: int, samples: list[bytes]) -> None:
        try:
            old = self._writers.get(project_id)
            data = await asyncio.to_thread(_trained, list(samples), old.data if old else None)
            if data is None:
                assert old
                old.patience *= 2
                return
            dictionary_id = await self._db.write(lambda tx: dictionaries.add(tx, project_id, data))
            self._use(project_id, dictionary_id, data)
        except (zstandard.ZstdError, BugwatchError) as error:
            # Too alike or too small to learn from, or the database takes nothing now: later ones may do.
            log.debug("No dictionary for project %s yet: %s", project_id, error)
        finally:
            self._forget(project_id)

    def _use(self, project_id: int, dictionary_id: int, data: bytes) -> None:
        dictionary = zstandard.ZstdCompressionDict(data)
        zstd = zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary)
        self._writers[project_id] = _Writer(dictionary_id, zstd, data)
        self._readers[dictionary_id] = zstandard.ZstdDecompressor(dict_data=dictionary)


def _trained(samples: Sequence[bytes], old: bytes | None) -> bytes | None:
    """A dictionary for what is like `samples`; None if the old one is about as good."""
    if old is None:
        return zstandard.train_dictionary(DICTIONARY_BYTES, list(samples)).as_bytes()
    unseen = samples[::4]  # not learnt from, so that both are judged by what they do not know
    seen = (sample for number, sample in enumerate(samples) if number % 4)
    new = zstandard.train_dictionary(DICTIONARY_BYTES, list(seen)).as_bytes()
    return new if _packed_size(unseen, new) < BETTER * _packed_size(unseen, old) else None


def _packed_size(samples: Sequence[bytes], dictionary: bytes) -> int:
    zstd = zstandard.ZstdCompressor(level=LEVEL, dict_data=zstandard.ZstdCompressionDict(dictionary))
    return sum(len(zstd.compress(sample)) for sample in samples)
