"""Reading the past of a log that may be another process's: sources, and what is asked of them. Nothing writes one."""
