"""Real faults against real processes and stores, and the checker that reads what they left in the log."""
