"""Pictures: the computational graph as a Graphviz drawing, once or all through training."""
