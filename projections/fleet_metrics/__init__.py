"""The measures that a fleet is judged by: sums per project and hour."""
