"""What a person has to look at, over tasks, locks, pools, sessions, quotas and projects."""
