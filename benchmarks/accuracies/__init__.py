"""Test errors: of estimators on tables, and of networks on handwritten digits."""
