"""The queue of locks: one row per request that waits."""
