"""Tests of the engines floor."""
