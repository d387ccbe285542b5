"""The phases of runs, each as it stands in its current generation."""
