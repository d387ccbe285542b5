"""What can be asked: pure folds from events to rows."""
