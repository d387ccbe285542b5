"""The line of runs behind one concurrency key of a project: who has a place, and who waits for one."""
