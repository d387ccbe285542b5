"""The audit ledger: tiles and checkpoints beside the log, the keys that sign them, the follower that makes them."""
