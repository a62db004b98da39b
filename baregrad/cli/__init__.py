"""The command line: train, predict, graph, datasets."""

INTERRUPTED = 130  # the exit code after Ctrl-C, as shells have it
