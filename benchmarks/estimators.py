"""`MLPRegressor` and scikit-learn's, with the same parameters on a table of house prices.

Run in an environment with scikit-learn and pandas: ``python benchmarks/estimators.py CSV``, where
CSV is the California housing table, with the columns ``median_house_value`` and
``ocean_proximity``. Both train in turn, in one process; medians and minima of the rounds are shown.
"""

from __future__ import annotations

import sys
import warnings
from statistics import median
from time import perf_counter

import pandas as pd
from sklearn import neural_network
from sklearn.preprocessing import StandardScaler

import baregrad as bg

ROUNDS, EPOCHS = 5, 40
KINDS = {"baregrad": bg.MLPRegressor, "scikit-learn": neural_network.MLPRegressor}
THEIR_DEFAULTS = {"hidden_layer_sizes": (100,), "learning_rate": "constant", "alpha": 1e-4}
OURS_ALONE = {"dropout": 0.0}
SETTINGS = {
    "their defaults": {},
    "early stopping": {"early_stopping": True},
    "100, 100": {"hidden_layer_sizes": (100, 100)},
}


def main() -> None:
    warnings.simplefilter("ignore")
    table = pd.get_dummies(pd.read_csv(sys.argv[1]).dropna(), columns=["ocean_proximity"])
    y = table.pop("median_house_value").to_numpy() / 1e5
    x = StandardScaler().fit_transform(table)
    for name, settings in SETTINGS.items():
        seconds = {kind: [] for kind in KINDS}
        scores = {}
        for seed in range(ROUNDS):
            for kind, make in KINDS.items():
                options = THEIR_DEFAULTS | {"learning_rate_init": 1e-3, "max_iter": EPOCHS}
                options |= {"tol": 0, "n_iter_no_change": EPOCHS, **settings}
                options |= OURS_ALONE if kind == "baregrad" else {}
                model = make(**options, random_state=seed)
                start = perf_counter()
                model.fit(x, y)
                seconds[kind].append(perf_counter() - start)
                scores.setdefault(kind, []).append(model.score(x, y))
        for kind, times in seconds.items():
            print(
                f"{name:14} {kind:12} {median(times):6.2f} s (least {min(times):.2f}), "
                f"r2 {median(scores[kind]):.3f}"
            )


if __name__ == "__main__":
    main()
