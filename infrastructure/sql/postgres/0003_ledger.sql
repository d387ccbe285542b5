-- The audit ledger: how much of the log is in it, the tiles of its tree, signed checkpoints and public keys.

CREATE TABLE signalbox.ledger (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    origin text NOT NULL,
    size bigint NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE signalbox.ledger_tiles (
    level integer NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, number)
);
-- Hashes do not become smaller, and a tile that grows is written often.
ALTER TABLE signalbox.ledger_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE signalbox.ledger_checkpoints (
    size bigint NOT NULL,
    at bigint NOT NULL,
    note text NOT NULL,
    PRIMARY KEY (size, at)
);

CREATE TABLE signalbox.ledger_keys (
    key text COLLATE "C" PRIMARY KEY,
    since bigint NOT NULL,
    until bigint
);
