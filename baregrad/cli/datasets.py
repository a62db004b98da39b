"""``baregrad datasets``: the made-up data sets, a line for each."""

from __future__ import annotations

from argparse import Namespace

from baregrad.data.synthetic import DATASETS


def run(arguments: Namespace) -> int:
    """Prints name, task and description."""
    width = max(map(len, DATASETS))
    for name, recipe in DATASETS.items():
        print(f"{name:<{width}}  {recipe.task:<14}  {recipe.description}")
    return 0
