-- Who sees a project, and where its source code can be read.

-- 1: of the members, only those in project_members see it; so it stays closed when the last of them leaves.
ALTER TABLE projects ADD COLUMN is_restricted integer NOT NULL DEFAULT 0;
UPDATE projects SET is_restricted = 1 WHERE id IN (SELECT project_id FROM project_members);

-- domain/source_link.py says what they mean.
CREATE TABLE source_links (
    project_id integer PRIMARY KEY,
    host text NOT NULL,                 -- github, gitlab, gitea, bitbucket, template
    repository text NOT NULL,           -- owner/name or https address; a template for `template`
    branch text NOT NULL,
    strip text NOT NULL,
    prefix text NOT NULL
) STRICT;
