"""Tests of the tensor floor."""
