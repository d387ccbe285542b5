"""What agents tell each other: notes on the boards of projects and tasks, and messages in the inbox of a session."""
