"""One matrix product, by several libraries."""
