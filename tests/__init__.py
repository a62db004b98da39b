"""Tests of baregrad; the folders mirror the package."""
