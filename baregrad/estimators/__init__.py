"""Estimators: networks with the conventions of scikit-learn, which need not be installed."""
