"""Data: made-up sets, tables from files, and the way from a table to tensors."""
