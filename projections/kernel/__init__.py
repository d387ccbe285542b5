"""The frame every read model stands in: rows, projections, requests for pages, replay in memory."""
