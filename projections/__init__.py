"""What can be asked: pure folds from recorded events to rows."""
