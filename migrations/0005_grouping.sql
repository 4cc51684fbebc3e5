-- Grouping: each project's rules and algorithm, how a hash came to its issue, and issues that were merged.

ALTER TABLE projects ADD COLUMN grouping_version integer NOT NULL DEFAULT 1;    -- of the algorithm
ALTER TABLE projects ADD COLUMN linked_version integer;             -- the one before, NULL: none
ALTER TABLE projects ADD COLUMN linked_until integer NOT NULL DEFAULT 0;        -- till then, its hashes lead to issues
ALTER TABLE projects ADD COLUMN grouping_rules text NOT NULL DEFAULT '';        -- those of rules_version, in force now
ALTER TABLE projects ADD COLUMN rules_version integer NOT NULL DEFAULT 0;

-- The rules as they were: one row each time that somebody changed them.
CREATE TABLE grouping_rules (
    project_id integer NOT NULL,
    version integer NOT NULL,
    rules text NOT NULL,
    account_id integer,
    applied_at integer NOT NULL,
    PRIMARY KEY (project_id, version)
) STRICT, WITHOUT ROWID;

ALTER TABLE issue_hashes ADD COLUMN added_at integer NOT NULL DEFAULT 0;
ALTER TABLE issue_hashes ADD COLUMN source text NOT NULL DEFAULT 'algorithm';   -- algorithm, fingerprint, rule
ALTER TABLE issue_hashes ADD COLUMN rule text NOT NULL DEFAULT '';              -- as it was written, for source `rule`
ALTER TABLE issue_hashes ADD COLUMN linked_by text NOT NULL DEFAULT '';         -- version, map; empty: the issue's own

-- A merged issue keeps its events, users, tags and counters: whoever shows its root adds them up.
CREATE INDEX issues_by_root ON issues (merged_into_id) WHERE merged_into_id IS NOT NULL;

-- merged, unmerged: the root that it was merged into or taken out of.
ALTER TABLE transitions ADD COLUMN other_issue_id integer;
CREATE INDEX transitions_by_other ON transitions (other_issue_id, id) WHERE other_issue_id IS NOT NULL;
