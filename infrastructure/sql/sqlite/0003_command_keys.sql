-- A command id belongs to whoever chose it: another principal, or another project, may use the same.
-- The key still starts with the id: its index grows at one end, because ids rise with time.

CREATE TABLE commands_by_owner (
    command_id TEXT NOT NULL,
    project TEXT NOT NULL,
    principal TEXT NOT NULL,
    digest BLOB NOT NULL,
    body BLOB NOT NULL,
    versions_read TEXT NOT NULL,
    outcome BLOB NOT NULL,
    time INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (command_id, project, principal)
) STRICT;

INSERT INTO commands_by_owner (command_id, project, principal, digest, body, versions_read, outcome, time, position)
SELECT command_id, project, principal, digest, body, versions_read, outcome, time, position FROM commands;

DROP TABLE commands;

ALTER TABLE commands_by_owner RENAME TO commands;
