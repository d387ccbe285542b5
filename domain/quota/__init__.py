"""Credential pools: whether the quota that sessions share is used up, and when it is tried again."""
