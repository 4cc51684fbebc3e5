"""Bundles of every tool are read; what is hostile is refused with a sentence, before it is expanded."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from typing import Any

import pytest

from bugwatch.domain.artifact import ArtifactKind
from bugwatch.domain.errors import Invalid
from bugwatch.protocol import artifact_bundle
from bugwatch.protocol.artifact_bundle import Bundle
from tests.bundles import CODE, DEBUG_ID, MAP, bundle, manifest, zipped


def opened(raw: bytes) -> Bundle:
    return Bundle(io.BytesIO(raw), len(raw))


def with_file(**about: Any) -> Bundle:
    told = {"url": "~/a.js", "type": "source_map", **about}
    return opened(zipped({"manifest.json": manifest({"a": told}), "a": b"{}"}))


@pytest.mark.parametrize("prefix", [True, False], ids=["sysb", "plain zip"])
def test_code_and_map_are_found_with_what_the_manifest_says(prefix: bool) -> None:
    read = opened(bundle(prefix=prefix))

    code, source_map = read.files
    assert (code.kind, code.url, code.debug_id) == (ArtifactKind.MINIFIED_SOURCE, "~/app.js", DEBUG_ID)
    assert (code.source_map_ref, code.size) == ("app.js.map", len(CODE))
    assert source_map.kind is ArtifactKind.SOURCE_MAP
    assert b"".join(read.read(source_map)) == MAP


def test_header_names_are_of_any_case_and_either_spelling() -> None:
    for name in ("sourcemap", "Sourcemap", "X-SourceMap"):
        assert with_file(headers={name: "a.js.map"}).files[0].source_map_ref == "a.js.map"
    assert with_file(headers={"Debug-ID": DEBUG_ID.upper()}).files[0].debug_id == DEBUG_ID


def test_what_is_odd_in_a_manifest_costs_only_itself() -> None:
    for about in (
        {"headers": None},
        {"headers": [1]},
        {"headers": {"debug-id": 5, "sourcemap": None}},
        {"headers": {"debug-id": "no uuid"}},
        {"url": None},
        {"url": "~/a\0.js"},
        {"url": "x" * 5_000},
    ):
        [file] = with_file(**about).files
        assert (file.debug_id, file.source_map_ref) == ("", "")
        assert file.url in ("~/a.js", "")
    for kind in ("indexed_ram_bundle", "", None, 7, ["source_map"]):
        assert with_file(type=kind).files == ()


def test_a_file_that_is_not_there_is_passed_over() -> None:
    files = {"a": {"type": "source", "url": "~/a"}, "gone": {"type": "source", "url": "~/b"}, "odd": 7}
    assert [file.url for file in opened(zipped({"manifest.json": manifest(files), "a": b""})).files] == ["~/a"]


def test_paths_mean_nothing() -> None:
    path = "../../../../etc/passwd"
    read = opened(zipped({"manifest.json": manifest({path: {"type": "source", "url": "~/a"}}), path: b"mine"}))

    assert b"".join(read.read(read.files[0])) == b"mine"


HOSTILE = {
    "nothing": (b"", "not a zip"),
    "no zip": (b"SYSB\x02\0\0\0" + b"x" * 500, "not a zip"),
    "truncated": (bundle()[:-30], "not a zip"),
    "no manifest": (zipped({"a": b"x"}), "no manifest"),
    "manifest is no json": (zipped({"manifest.json": b"{"}), "cannot be read"),
    "manifest is a list": (zipped({"manifest.json": b"[]"}), "names no files"),
    "files are a list": (zipped({"manifest.json": b'{"files": []}'}), "names no files"),
    "deep manifest": (zipped({"manifest.json": b"[" * 200_000}), "cannot be read"),
    "not utf-8": (zipped({"manifest.json": b'{"files": {"\xff": 1}}'}), "cannot be read"),
    "a manifest of a million fields": (
        zipped({"manifest.json": json.dumps({"files": {str(n): 1 for n in range(100_000)}}).encode()}),
        "more than its files",
    ),
    "lzma": (zipped({"manifest.json": b"{}"}, zipfile.ZIP_LZMA), "unknown way"),
    "bomb": (zipped({"manifest.json": manifest({}), "a": bytes(artifact_bundle.SMALL_BYTES + 1)}), "100 times"),
    "too many entries": (zipped({str(n): b"" for n in range(artifact_bundle.ENTRIES + 1)}), "30,001 files"),
    "a long table of contents": (zipped({f"{n:0>9000}": b"" for n in range(500)}), "not a zip"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_bundle_is_refused_and_costs_little(name: str) -> None:
    raw, sentence = HOSTILE[name]
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match=sentence):
            opened(raw)
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()


def _patched(raw: bytes, offset: int, value: bytes, path: bytes = b"a") -> bytes:
    """With these bytes in the central directory's entry of the file."""
    at = raw.rindex(b"PK\x01\x02", 0, raw.rindex(path))
    return raw[: at + offset] + value + raw[at + offset + len(value) :]


def test_encrypted_and_huge_files_are_refused_by_what_the_table_of_contents_says() -> None:
    raw = zipped({"manifest.json": manifest({"a": {"type": "source", "url": "~/a"}}), "a": b"x" * 99})
    for offset, value, sentence in (
        (8, b"\x01\0", "encrypted"),
        (24, (2**31).to_bytes(4, "little"), "2,147,483,648 bytes"),
    ):
        with pytest.raises(Invalid, match=sentence):
            opened(_patched(raw, offset, value))


def test_many_files_that_expand_to_too_much_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_bundle, "EXPANDED_BYTES", 100)
    with pytest.raises(Invalid, match="expands to"):
        opened(zipped({"manifest.json": manifest({}), **{str(n): b"x" * 50 for n in range(3)}}))


def test_two_files_of_one_name_are_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", b"{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("manifest.json", b"{}")
    with pytest.raises(Invalid, match="same name"):
        opened(file.getvalue())


def test_a_damaged_file_is_refused_when_it_is_read() -> None:
    raw = zipped(
        {"manifest.json": manifest({"a": {"type": "source", "url": "~/a"}}), "a": b"x" * 99}, zipfile.ZIP_STORED
    )
    for damaged in (raw.replace(b"xxx", b"yyy", 1), _patched(raw, 24, (98).to_bytes(4, "little"))):
        read = opened(damaged)
        with pytest.raises(Invalid, match="damaged"):
            list(read.read(read.files[0]))


def test_no_truncation_is_more_than_a_refusal() -> None:
    raw = bundle()
    for length in range(0, len(raw), 7):
        with pytest.raises(Invalid):
            opened(raw[:length])
