"""The questions that runs put to people and agents: what stands, who may answer, how they voted."""
