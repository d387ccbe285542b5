"""Ids by how they end: one row per task, run and session, so that a person may say the last characters."""
