"""The agent hook: one program that every event of a coding client is handed to, on the standard library alone.

It runs before each edit, so what it loads is what an agent waits for: no dataclasses, no typing, no pathlib.
"""
