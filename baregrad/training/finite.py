"""Numbers that are not finite, and losses that rise: where it began, and what to do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from baregrad.errors import NonFiniteError
from baregrad.tensor.autograd import topological_order
from baregrad.tensor.tensor import Tensor
from baregrad.training.run import Callback, Run

RISEN = 3  # times the first loss: no longer by chance


class StopOnNonFinite(Callback):
    """Raises when the loss, the validation loss or a weight is infinite or NaN. Always on.

    The loss is looked at before each step, so that no step is made from a loss that is not finite.
    The message names the first tensor in its computation that is not: its operation, the layer,
    the step, and what usually helps. Losses that have risen are traced to the learning rate; if
    they stay finite, the history's `advice` says it.
    """

    def watches(self, run: Run, step: int) -> bool:
        """No step: those that run as machine code look at their losses themselves."""
        return False

    def on_train_begin(self, run: Run) -> None:
        """Forgets an earlier training."""
        self.first: float | None = None
        self.last, self.lr = 0.0, run.optimizer.lr

    def state_dict(self) -> dict[str, Any]:
        """The first loss, the last, and the learning rate."""
        return vars(self)

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes over what `state_dict` returned."""
        vars(self).update(saved)

    def on_loss(self, run: Run) -> None:
        """Looks at the loss, and on trouble for its origin."""
        if not math.isfinite(run.loss.item()):
            origin = non_finite_origin(run.loss)
            raise self._non_finite(run, f"the loss is {run.loss.item()}", origin)

    def on_steps(self, run: Run) -> None:
        """Keeps the first loss, and the last."""
        if self.first is None:
            self.first = run.losses[0]
        self.last, self.lr = run.losses[-1], run.optimizer.lr

    def on_epoch_end(self, run: Run) -> None:
        """Looks at the weights that the last step left, and at the validation loss."""
        for name, parameter in run.model.named_parameters():
            if not is_finite(parameter):
                what = f"the parameter {name!r} is not finite"
                raise self._non_finite(run, what, "a step was too far")
        if not math.isfinite(run.values.get("val_loss", 0.0)):
            reason = "the model's outputs or the targets are too large"
            raise self._non_finite(run, f"the validation loss is {run.values['val_loss']}", reason)
        self.last = run.values["loss"]

    def on_train_end(self, run: Run) -> None:
        """Says it if training has made the loss worse."""
        run.history.advice = self._risen()

    def _risen(self) -> str | None:
        """Words on a loss that has risen; None if it has not."""
        first = self.first
        if first is None or not 0 < RISEN * first < self.last:
            return None
        return (
            f"the loss has risen from {first:.3g} in the beginning to {self.last:.3g}, so the "
            f"learning rate, {self.lr:.3g} now, is too high: try a tenth of it, or ask "
            "find_learning_rate for one"
        )

    def _non_finite(self, run: Run, what: str, why: str) -> NonFiniteError:
        remedy = self._risen() or "Try a lower learning rate, gradient clipping, or scaled inputs"
        where = f"at step {run.step} (epoch {run.epoch + 1})"
        return NonFiniteError(f"{what} {where}: {why}. {remedy[0].upper()}{remedy[1:]}")


def may_watch(callback: Callback) -> bool:
    """Whether a callback may want to see a step; native steps look at their losses themselves."""
    kind = type(callback)
    hooks = ("on_loss", "on_batch_end", "watches")
    overridden = any(getattr(kind, hook) is not getattr(Callback, hook) for hook in hooks)
    return overridden and kind is not StopOnNonFinite


def is_finite(tensor: Tensor) -> bool:
    """Whether every element is a number: not NaN, not infinite."""
    values = tensor.array.data
    return math.isfinite(sum(values)) or all(map(math.isfinite, values))  # a sum may overflow


def non_finite_origin(loss: Tensor) -> str:
    """The first tensor in the computation of `loss` that is not finite, in words."""
    layer = ""
    for tensor in topological_order([loss]):
        layer = ".".join(tensor.scope) or layer
        if not is_finite(tensor):
            after = "" if tensor.scope or not layer else f", computed after {layer}"
            return f"the first value that is not finite is {tensor.label()}{after}"
    return "every value in its graph is finite"
