"""The backward pass, one operation at a time, forwards and backwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from baregrad.errors import ArgumentError, OutOfRangeError
from baregrad.tensor.autograd import (
    check_unchanged,
    contributions,
    gradients_below,
    topological_order,
)
from baregrad.tensor.notebook import Bundle, bundle
from baregrad.tensor.tensor import Tensor
from baregrad.view import step_text
from baregrad.view.step import Step, Transfer

SHOWN = 100  # steps before and after the present one that a notebook shows


class Stepper:
    """A walk through the backward pass of a scalar; `stepper` makes one.

    Iterating gives every step, and does not move. The `.grad` of tensors is neither read nor
    changed.

    Attributes:
        number: the present step, from 1.
    """

    def __init__(self, loss: Tensor) -> None:
        self._gradients = gradients_below(loss)
        order = topological_order([loss])
        self._positions = {tensor: i for i, tensor in enumerate(order)}
        self._nodes = [x for x in reversed(order) if x.op is not None and x in self._gradients]
        self._missing = Counter(x.parents[i] for x in self._nodes for i in receivers(x))
        self._sums: dict[Tensor, Tensor] = {}
        self._steps: list[Step] = []
        self.goto(1)

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Step]:
        return map(self._step, range(1, len(self) + 1))

    @property
    def step(self) -> Step:
        """The present step."""
        return self._step(self.number)

    def next(self) -> Step:
        """Goes one step on, towards the leaves; errors as `goto`."""
        return self.goto(self.number + 1)

    def back(self) -> Step:
        """Goes one step back, towards the loss; errors as `goto`."""
        return self.goto(self.number - 1)

    def goto(self, number: int) -> Step:
        """Goes to a step, counted from 1.

        Raises:
            OutOfRangeError: there is no such step.
            GradientError: a leaf was assigned to since the loss was computed.
        """
        if not 1 <= number <= len(self):
            raise OutOfRangeError(
                f"there is no step {number} in this backward pass; its steps are 1 to {len(self)}"
            )
        step = self._step(number)
        self.number = number
        return step

    def gradient(self, tensor: Tensor) -> Tensor | None:
        """What has arrived at a tensor up to and with the present step; None if nothing has."""
        if tensor is self._nodes[0]:
            return self._gradients[tensor]
        found = None
        for step in self._steps[: self.number]:
            for transfer in step.transfers:
                if step.tensor.parents[transfer.place] is tensor:
                    found = transfer.after
        return found

    def _step(self, number: int) -> Step:
        while len(self._steps) < number:
            self._steps.append(self._swept(self._nodes[len(self._steps)]))
        return self._steps[number - 1]

    def _swept(self, node: Tensor) -> Step:
        """The next step, as the sweep in `autograd` takes it."""
        check_unchanged(node)
        gradient = self._gradients[node]
        transfers = []
        for i, (parent, given) in zip(receivers(node), contributions(node, gradient), strict=True):
            before = self._sums.get(parent)
            self._missing[parent] -= 1
            complete = not self._missing[parent]
            after = given if before is None else (before + given).detach()
            # Machine code may have added in another order; the last bits are those of `backward`.
            self._sums[parent] = after = self._gradients[parent] if complete else after
            transfers.append(Transfer(i, given.detach(), before, after, complete))
        return Step(len(self._steps) + 1, len(self), node, gradient, transfers, self._positions)

    def data(self) -> list[dict[str, Any]]:
        """`Step.data` of every step."""
        return [step.data() for step in self]

    def __str__(self) -> str:
        return str(self.step)

    def __repr__(self) -> str:
        return f"Stepper(step {self.number} of {len(self)})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        near = range(max(1, self.number - SHOWN), min(len(self), self.number + SHOWN) + 1)
        steps = [self._step(number).data() for number in near]
        return bundle(str(self), step_text.page(steps, self.number))


def stepper(loss: Tensor) -> Stepper:
    """The backward pass of a scalar, to be walked one operation at a time.

    Each step shows the gradient that arrives at the result of an operation; for each input that
    requires one the rule, as a formula and with the numbers put in; what it contributes; and what
    has accumulated there. The gradients are those that ``loss.backward()`` computes. Within
    `tracing()`, a loss also remembers in which lines it was computed.

    Args:
        loss: a scalar that requires a gradient and is the result of an operation.

    Raises:
        ArgumentError: not a tensor, or a leaf, which has no backward pass.
        GradientError: as `backward`.

    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> print(stepper(x * x))
    """
    if not isinstance(loss, Tensor):
        raise ArgumentError(f"stepper: the loss must be a Tensor, not {loss!r}")
    if loss.op is None:
        raise ArgumentError(
            f"stepper: {loss.label()} is a leaf, so there is nothing to walk through; compute a "
            "loss from it"
        )
    return Stepper(loss)


def receivers(node: Tensor) -> list[int]:
    """Which inputs of an operation it passes a gradient to; those of `contributions`."""
    assert node.op is not None
    rules = zip(node.parents, node.op.vjps, strict=False)
    return [i for i, (parent, vjp) in enumerate(rules) if vjp and parent.requires_grad]
