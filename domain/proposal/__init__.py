"""Questions with options that people and agents vote on, outside of any run."""
