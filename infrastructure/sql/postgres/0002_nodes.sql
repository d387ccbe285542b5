-- What each server said of itself last; its lease row tells whether it is heard, its stream what became of it.

CREATE TABLE signalbox.node_reports (
    node text COLLATE "C" PRIMARY KEY,
    at bigint NOT NULL,
    report bytea NOT NULL
) WITH (fillfactor = 50);
