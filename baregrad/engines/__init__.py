"""How a graph gets its numbers: an engine turns arrays and an operation into an array."""
