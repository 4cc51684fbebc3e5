from __future__ import annotations

import json

from bugwatch.protocol.debug_ids import MAX_IMAGES, debug_ids_of

ID = "6f4e1e80-1f4a-4c5b-9d31-0000000000a1"


def images(*images: object) -> bytes:
    return json.dumps({"debug_meta": {"images": images}}).encode()


def test_each_file_has_its_debug_id() -> None:
    good = {"type": "sourcemap", "code_file": "https://a.example/app.js", "debug_id": ID.upper()}

    assert debug_ids_of(images(good, {**good, "type": "elf"}, {**good, "code_file": 7}, None, {})) == {
        "https://a.example/app.js": ID
    }
    assert debug_ids_of(images({**good, "debug_id": "x"}, {**good, "debug_id": None})) == {}
    assert len(debug_ids_of(images(*({**good, "code_file": str(n)} for n in range(MAX_IMAGES + 9))))) == MAX_IMAGES


def test_what_is_no_list_of_images_names_none() -> None:
    for payload in (
        b"",
        b"{}",
        b"[]",
        b'{"debug_meta": null}',
        b'{"debug_meta": []}',
        b'{"debug_meta": {"images": {}}}',
        b'{"debug_meta": {"images": null}}',
        b'{"debug_meta": {"images": [7]}}',
        b'{"debug_meta": {"images": [',
        b'{"debug_meta": {"images": [{"type": "sourcemap", "code_file": "\xff", "debug_id": "a"}]}}',
    ):
        assert debug_ids_of(payload) == {}, payload
