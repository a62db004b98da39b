"""The vector language."""
