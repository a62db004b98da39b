"""What the benchmarks against other libraries share: tasks, processes, figures, the report."""
