"""Connecting coding clients: what is written into their own settings, taken back, and tried out."""
