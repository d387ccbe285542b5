"""What follows from what: events in, commands out."""
