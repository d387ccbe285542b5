"""Ids by how they end: one row per task and session, so that a person may say the last characters."""
