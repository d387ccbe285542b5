"""The worker: claims tasks and runs a command for each; no import of the server, so that many start fast."""
