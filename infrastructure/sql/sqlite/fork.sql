-- What only a scratch copy of a log is written with.

-- name: keep_receipt
-- A receipt as it was copied; of what the decision read the copy knows nothing, and of its digest neither.
INSERT OR IGNORE INTO commands (command_id, project, principal, digest, body, versions_read, outcome, time, position)
VALUES (?1, ?2, ?3, x'', ?4, '[]', ?5, ?6, ?7);

-- name: set_era
-- Tokens of the copy are never those of the real log.
UPDATE marks SET era = ?;
