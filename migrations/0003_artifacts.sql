-- What build tools upload: source maps and the code they belong to; releases with their commits and deploys.

-- Pieces of a bundle, waiting until all of them are here.
CREATE TABLE upload_chunks (
    sha1 blob PRIMARY KEY,
    size integer NOT NULL,
    uploaded_at integer NOT NULL,
    data blob NOT NULL                  -- last: the others are read without it
) STRICT;
CREATE INDEX upload_chunks_by_age ON upload_chunks (uploaded_at, size);

-- One upload. It is whole when `chunks` and `error` are empty.
CREATE TABLE artifact_bundles (
    id serial,
    sha1 blob NOT NULL UNIQUE,
    debug_id text NOT NULL,             -- empty: none
    size integer NOT NULL,              -- bytes, as uploaded
    chunks text NOT NULL,               -- json list of sha1 in hex: what it is yet to be put together from
    error text NOT NULL,                -- why that did not work, for people
    uploaded_at integer NOT NULL        -- last: the same bundle may come again
) STRICT;

CREATE TABLE bundle_projects (
    project_id integer NOT NULL,
    bundle_id integer NOT NULL,
    uploaded_at integer NOT NULL,       -- for this project: the newest wins
    PRIMARY KEY (project_id, bundle_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bundle_projects_by_bundle ON bundle_projects (bundle_id);

CREATE TABLE bundle_releases (
    project_id integer NOT NULL,
    release text NOT NULL,
    dist text NOT NULL,                 -- empty: none
    bundle_id integer NOT NULL,
    PRIMARY KEY (project_id, release, dist, bundle_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bundle_releases_by_bundle ON bundle_releases (bundle_id);

-- The files of a bundle. Content is in content_chunks, compressed; `sha256` is of what is there.
CREATE TABLE artifacts (
    id serial,
    bundle_id integer NOT NULL,
    number integer NOT NULL,            -- in the bundle: putting it together twice adds nothing
    kind text NOT NULL,                 -- minified_source, source_map, source
    debug_id text NOT NULL,             -- lower-case uuid; empty: none
    url text NOT NULL,                  -- as in the manifest: ~/js/app.js
    source_map_ref text NOT NULL,       -- what the code says of its map; empty: nothing
    sha256 blob NOT NULL,
    size integer NOT NULL,              -- bytes, expanded
    stored_size integer NOT NULL,       -- bytes, as stored
    UNIQUE (bundle_id, number)
) STRICT;
CREATE INDEX artifacts_by_debug_id ON artifacts (debug_id);
CREATE INDEX artifacts_by_url ON artifacts (url, bundle_id);
CREATE INDEX artifacts_by_content ON artifacts (sha256);

-- Who uses a content: what is in nobody's hands is removed.
CREATE VIEW used_contents AS
SELECT sha256 FROM attachments
UNION ALL
SELECT sha256 FROM artifacts;

-- Goes up with every change to a project's artifacts: what was looked up before may be wrong now.
CREATE TABLE artifact_revisions (
    project_id integer PRIMARY KEY,
    revision integer NOT NULL
) STRICT;

-- Releases as tools announce them. Those of events are in tag_values; the name is what both share.
CREATE TABLE releases (
    id serial,
    organization_id integer NOT NULL REFERENCES organizations (id),
    version text NOT NULL,
    url text NOT NULL,
    ref text NOT NULL,
    created_at integer NOT NULL,
    released_at integer,
    UNIQUE (organization_id, version)
) STRICT;

CREATE TABLE release_projects (
    project_id integer NOT NULL,
    release_id integer NOT NULL,
    PRIMARY KEY (project_id, release_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX release_projects_by_release ON release_projects (release_id);

CREATE TABLE release_commits (
    release_id integer NOT NULL,
    number integer NOT NULL,            -- 0: the newest
    commit_id text NOT NULL,
    repository text NOT NULL,
    author_name text NOT NULL,
    author_email text NOT NULL,
    message text NOT NULL,
    committed_at integer,
    PRIMARY KEY (release_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE deploys (
    id serial,
    release_id integer NOT NULL,
    environment text NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    started_at integer,
    finished_at integer NOT NULL
) STRICT;
CREATE INDEX deploys_by_release ON deploys (release_id);
