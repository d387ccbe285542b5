"""The proof: decisions, projections, properties, contracts, flows, faults, the house, benchmarks."""
