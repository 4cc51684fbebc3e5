-- What source maps said: a map is parsed in a child process, and each position that an event needed is remembered.

-- A minified file with its map, once it was tried. `verdict` is empty, or why the map is of no use.
CREATE TABLE source_maps (
    id serial,
    map_sha256 blob NOT NULL,           -- content_chunks.sha256
    code_sha256 blob NOT NULL,          -- of the minified file; empty: it was not uploaded
    verdict text NOT NULL,              -- domain/symbolication.py: map_broken, too_large
    tried_at integer NOT NULL,
    UNIQUE (map_sha256, code_sha256)
) STRICT;

CREATE TABLE positions (
    map_id integer NOT NULL,            -- source_maps.id
    line integer NOT NULL,              -- in the minified file, from 1
    col integer NOT NULL,
    data blob NOT NULL,                 -- msgpack, zstd: file, line, column, function, context; empty: the map has none
    PRIMARY KEY (map_id, line, col)
) STRICT, WITHOUT ROWID;

-- The hash of an event without its maps leads its issue to one better hash, and no further: it was too coarse.
ALTER TABLE issue_hashes ADD COLUMN spent_at integer;
