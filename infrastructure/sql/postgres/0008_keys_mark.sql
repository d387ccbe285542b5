-- Under whose keys the words of subjects are, so that other keys are known for what they are without a look at the events.

CREATE TABLE signalbox.keys_mark (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    mark text NOT NULL
);
