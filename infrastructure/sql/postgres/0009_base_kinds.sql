-- Which shapes there are among what streams had come to, without a look at each of them.

CREATE INDEX base_states_by_kind ON signalbox.base_states (kind);
