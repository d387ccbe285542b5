"""What makes the log checkable: leaves, an RFC 6962 tree in tiles, proofs, signed checkpoints, verdicts; all pure."""
