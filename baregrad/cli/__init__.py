"""The command line: train, predict, graph, datasets."""
