"""From a captured training step to fused kernels of machine code."""
