"""Projects: the tenancy root of tasks, locks and sessions."""
