-- People: accounts, their roles, sessions and tokens, invitations, links that set a password, and who keeps guessing.
-- Secrets are stored as hashes only: argon2id for passwords, SHA-256 for what is random.

CREATE TABLE accounts (
    id serial,
    email text NOT NULL UNIQUE,         -- in small letters
    name text NOT NULL,
    password_hash text NOT NULL,
    created_at integer NOT NULL,
    seen_at integer,
    disabled_at integer
) STRICT;

CREATE TABLE memberships (
    organization_id integer NOT NULL REFERENCES organizations (id),
    account_id integer NOT NULL REFERENCES accounts (id),
    role text NOT NULL,                 -- owner, admin, member
    created_at integer NOT NULL,
    PRIMARY KEY (organization_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_account ON memberships (account_id);

-- A project without rows here is open to every member of its organization.
CREATE TABLE project_members (
    project_id integer NOT NULL REFERENCES projects (id),
    account_id integer NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (project_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_members_by_account ON project_members (account_id);

-- A browser's session has a cookie. An API client's has a refresh token in two parts: one that stays and finds the
-- row, and one that changes at each use.
CREATE TABLE sessions (
    id serial,
    account_id integer NOT NULL REFERENCES accounts (id),
    token_hash blob NOT NULL UNIQUE,
    rotating_hash blob,                 -- NULL: a browser's
    user_agent text NOT NULL,
    address text NOT NULL,
    created_at integer NOT NULL,
    seen_at integer NOT NULL
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account_id);

CREATE TABLE tokens (
    id serial,
    account_id integer NOT NULL REFERENCES accounts (id),
    name text NOT NULL,
    token_hash blob NOT NULL UNIQUE,
    hint text NOT NULL,                 -- its last four characters
    scopes text NOT NULL,               -- separated by spaces
    created_at integer NOT NULL,
    expires_at integer,
    used_at integer
) STRICT;
CREATE INDEX tokens_by_account ON tokens (account_id);

CREATE TABLE invitations (
    id serial,
    organization_id integer NOT NULL REFERENCES organizations (id),
    email text NOT NULL,                -- empty: for whoever has the link
    role text NOT NULL,
    token_hash blob NOT NULL UNIQUE,
    invited_by integer NOT NULL REFERENCES accounts (id),
    created_at integer NOT NULL,
    expires_at integer NOT NULL
) STRICT;
CREATE INDEX invitations_by_organization ON invitations (organization_id);

-- Links that set a new password, once.
CREATE TABLE password_links (
    token_hash blob PRIMARY KEY,
    account_id integer NOT NULL REFERENCES accounts (id),
    expires_at integer NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX password_links_by_account ON password_links (account_id);

-- Shared by all instances, and kept over a restart. Keys are keyed hashes, also of addresses that have no account: so
-- that waiting tells nothing about who has one.
CREATE TABLE attempts (
    key blob PRIMARY KEY,
    count integer NOT NULL,
    free_at integer NOT NULL,           -- no attempt before
    forget_at integer NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_forget_at ON attempts (forget_at);
