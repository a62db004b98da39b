"""Optimizers: how parameters change, given their gradients; learning rates over time; clipping."""
