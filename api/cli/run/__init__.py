"""`signalbox run`: runs of pipelines, how they stand, and what may be asked of them."""
