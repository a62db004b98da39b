"""The training loop, what it tells callbacks, and what it leaves behind."""
