"""Decisions over several streams: plans, claims, reports, and what ends an attempt."""
