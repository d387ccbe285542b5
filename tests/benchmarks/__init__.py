"""What is measured: each bench_*.py prints one table and can write it as JSON."""
