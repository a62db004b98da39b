"""Did it learn, and how well? A training in a few sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

CLEARLY, BARELY = 0.5, 0.1  # of the way from guessing to perfect
RISEN = 1.2  # times the lowest validation loss


def verdict(history: Mapping[str, Sequence[float]], results: Mapping[str, Any]) -> str:
    """What a training came to, in words.

    Args:
        history: losses and metrics of each epoch by name.
        results: what `results` returned.
    """
    return " ".join([*_skill(results), *_losses(history)])


def _skill(results: Mapping[str, Any]) -> Iterator[str]:
    """How good predictions are, beside those of somebody who does not look at the inputs."""
    scores = dict(results["scores"])
    if results["kind"] == "classes":
        hits, usual = scores["accuracy"], results["usual"]
        yield _learned((hits - usual) / (1 - usual) if usual < 1 else math.nan)
        yield (
            f"Of {results['of']}, {hits:.1%} are classified right; naming the most frequent class "
            f"each time would be right for {usual:.1%}."
        )
    elif results["kind"] == "numbers":
        r2 = scores["r2"]
        yield _learned(r2)
        if math.isfinite(r2):
            off = f"{number(scores['mae'])} off on average"
            yield f"For {results['of']}, predictions of {results['target']} are {off}, and " + (
                f"explain {r2:.1%} of its variance; predicting the mean each time explains none."
                if r2 >= 0
                else "farther from it than its mean would be each time."
            )


def _learned(skill: float) -> str:
    """`skill` is 0 for guessing and 1 for perfect; NaN where there is nothing to tell apart."""
    if skill >= CLEARLY:
        return "It learned."
    if skill >= BARELY:
        return "It learned a little."
    return "It is no better than guessing." if skill < BARELY else ""


def _losses(history: Mapping[str, Sequence[float]]) -> Iterator[str]:
    losses, validation = history.get("loss", ()), history.get("val_loss", ())
    if len(losses) > 1:
        went = "fell" if losses[-1] < losses[0] else "rose"
        first, last = number(losses[0]), number(losses[-1])
        yield f"The training loss {went} from {first} to {last} in {len(losses):,} epochs."
    if len(validation) > 1:
        best = min(range(len(validation)), key=validation.__getitem__)
        if validation[-1] > RISEN * validation[best] > 0:
            yield (
                f"The validation loss was lowest after epoch {best + 1:,}, and "
                f"{validation[-1] / validation[best]:.2g} times that at the end: what was learned "
                "later did not help with new samples."
            )


def number(value: float) -> str:
    """With four digits, those before the point in groups of three."""
    rounded = float(f"{value:.4g}")
    return f"{rounded:,.0f}" if 1e3 <= abs(rounded) < 1e9 else f"{rounded:.4g}"
