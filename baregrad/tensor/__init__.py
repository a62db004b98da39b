"""Tensors that remember how they were made, and back-propagation through that memory."""
