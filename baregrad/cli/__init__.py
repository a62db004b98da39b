"""The command line: train, predict, graph, explain, datasets."""

INTERRUPTED = 130  # the exit code after Ctrl-C, as shells have it
