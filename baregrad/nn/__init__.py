"""Neural networks: modules, layers, the multi-layer perceptron, initial weights and losses."""
