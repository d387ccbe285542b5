-- Under whose keys the words of subjects are, so that other keys are known for what they are without a look at the events.

CREATE TABLE keys_mark (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    mark TEXT NOT NULL
) STRICT;
