"""What `peers.py` measures, a module for each part of the results.

Each has `measure(options)`, which returns JSON, and `render(found)`, which makes Markdown of it.
"""
