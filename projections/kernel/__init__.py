"""The frame every read model stands in: projection, rows, replay."""
