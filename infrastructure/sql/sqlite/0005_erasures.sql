-- Who erased what is found again, however long the log is; of all other events the index knows nothing.

CREATE INDEX events_that_erased ON events (position) WHERE type = 'subject.erased.v1';
