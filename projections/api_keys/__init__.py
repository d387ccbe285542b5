"""The list of API keys: one row per key, as it stands."""
