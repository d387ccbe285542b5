"""What is shown: one module for each thing."""
