"""The report of a run: one page that shows how a network learned, and its graph through time."""
