"""A training that can go to any of its steps, back and forth.

Snapshots are kept at regular steps. A step between two of them is reached by making the steps from
the one before again: they give the same numbers, as order and random numbers depend on seeds alone.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Final, NamedTuple

from baregrad.compiler.step import CompiledStep
from baregrad.data.batches import epoch_order
from baregrad.engines.array import Array
from baregrad.errors import NonFiniteError
from baregrad.nn.losses import loss_named
from baregrad.nn.mlp import MLP
from baregrad.optim.named import optimizer_named
from baregrad.optim.optimizer import State
from baregrad.play.problem import Problem
from baregrad.play.settings import LBFGS, Settings
from baregrad.tensor.graph import recording
from baregrad.tensor.random import Generator
from baregrad.tensor.tensor import Tensor
from baregrad.training.evaluation import predicting
from baregrad.training.finite import non_finite_origin

MOST_SNAPSHOTS: Final = 200
EVERY: Final = 64  # steps between snapshots at first; doubled when there are too many


class _Snapshot(NamedTuple):
    """A moment of a training.

    Attributes:
        tensors: the values of those that steps change in place.
        states: what the optimizer remembers of each parameter.
        draws: how many random numbers each dropout has drawn.
    """

    tensors: dict[Tensor, Array]
    states: dict[Tensor, State]
    draws: list[int]


class Trainer:
    """A network in training.

    Args:
        problem: what it learns.
        settings: how.

    Attributes:
        loss: the name of the loss.
        training: the samples to learn from.
        test: those to test with.
        batch: how many samples to a step.
        step: how many steps the network has made.
        furthest: how many it had made when it was furthest.
        rates: (step, learning rate): the rate from that step on.
    """

    model: MLP

    def __init__(self, problem: Problem, settings: Settings) -> None:
        self.loss = problem.loss(settings.loss)
        self.training, self.test = problem.for_loss(self.loss)
        self.furthest = 0
        self.rates = [(0, settings.lr)]
        self._settings = settings
        self._is_lbfgs = settings.optimizer == LBFGS
        self.batch = len(self.training)
        if not self._is_lbfgs:
            self.batch = min(settings.batch, self.batch)
        self._outputs = problem.outputs(self.loss)
        self._snapshots: dict[int, _Snapshot] = {}
        self._every = EVERY
        self._order: tuple[int, array[int]] = (-1, array("q"))
        self._build()

    def _build(self) -> None:
        """The network and all that trains it, before the first step."""
        chosen = self._settings
        self.step = 0
        self.model = MLP(
            self.training.x.shape[1],
            [*chosen.hidden, self._outputs],
            list(chosen.activations),
            dropout=chosen.dropout,
            seed=chosen.seed,
        )
        self._optimizer = optimizer_named(chosen.optimizer)(
            self.model.parameters(), lr=chosen.lr, **chosen.options
        )
        self._compiled = CompiledStep(self._gradients if self._is_lbfgs else self._train)

    def _gradients(self, rows: Tensor) -> list[Tensor]:
        """The loss, and the gradient of each parameter."""
        loss = self._loss(rows)
        self._optimizer.zero_grad()
        loss.backward()
        return [loss, *(p.grad for p in self.model.parameters() if p.grad is not None)]

    def _train(self, rows: Tensor) -> Tensor:
        loss = self._loss(rows)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        return loss

    def _loss(self, rows: Tensor) -> Tensor:
        batch = self.training.rows(rows)
        return loss_named(self.loss)(self.model(batch.x), batch.y)

    @property
    def steps_per_epoch(self) -> int:
        """How many steps go once through the training rows."""
        return -(-len(self.training) // self.batch)

    @property
    def epoch(self) -> int:
        """How many times it has gone through them."""
        return self.step // self.steps_per_epoch

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return [rate for step, rate in self.rates if step <= self.step][-1]

    def change_rate(self, rate: float) -> None:
        """Sets the learning rate from here on; what had come after this step is forgotten."""
        if rate == self.rate:
            return
        self.rates = [(s, r) for s, r in self.rates if s < self.step] + [(self.step, rate)]
        self._snapshots = {s: x for s, x in self._snapshots.items() if s <= self.step}
        self.furthest = self.step

    # --- forwards -----------------------------------------------------------------------------

    def advance(self, steps: int) -> None:
        """Makes some steps.

        Raises:
            NonFiniteError: a loss is not finite; the network is as it was before that step.
        """
        end = self.step + steps
        while self.step < end:
            if self.step % self._every == 0 and self.step not in self._snapshots:
                self._keep()
            self._run(min(end, self.step - self.step % self._every + self._every))
        self.furthest = max(self.furthest, self.step)

    def _run(self, stop: int) -> None:
        """One native call: steps of one epoch, batch size and rate, up to `stop` at most."""
        rows = self._rows(min([stop, *(s for s, _ in self.rates if s > self.step)]) - self.step)
        self._optimizer.lr = self.rate
        self.model.train()
        losses = self._losses(rows)
        first = self.step
        self.step += len(losses)
        if not math.isfinite(sum(losses)):
            bad = next(i for i, loss in enumerate(losses) if not math.isfinite(loss))
            self.go_to(first + bad)
            raise self._trouble(rows[bad])

    def _losses(self, rows: Tensor) -> Sequence[float]:
        """Makes steps; their losses, of L-BFGS up to the first that is not finite."""
        if not self._is_lbfgs:
            losses: Sequence[float] = self._compiled.many(rows.shape[0], rows).array.data
            return losses
        found: list[float] = []
        for batch in rows:
            found.append(self._search(batch))
            if not math.isfinite(found[-1]):
                break
        return found

    def _search(self, rows: Tensor) -> float:
        """A step of L-BFGS, which computes the loss several times; the first, or NaN."""

        def closure() -> Tensor:
            found: list[Tensor] = self._compiled(rows)
            loss, *gradients = found
            for parameter, gradient in zip(self.model.parameters(), gradients, strict=True):
                parameter.grad = gradient
            return loss

        try:
            loss = self._optimizer.step(closure)
        except NonFiniteError:
            return math.nan
        assert loss is not None
        return float(loss.item())

    def _rows(self, most: int) -> Tensor:
        """(steps, batch), the numbers of the samples of the next steps, at most so many."""
        count, size = len(self.training), self.batch
        place = self.step % self.steps_per_epoch
        if self._order[0] != self.epoch:
            self._order = self.epoch, epoch_order(count, self._settings.seed, self.epoch)
        steps = min(most, count // size - place)
        if steps < 1:  # the last batch, which is smaller
            steps, size = 1, count % size
        start = place * self.batch
        rows = self._order[1][start : start + steps * size]
        return Tensor.leaf(Array(rows, (steps, size), "int64"))

    def _trouble(self, rows: Tensor) -> NonFiniteError:
        with predicting(self.model), recording(True):
            loss = self._loss(rows)
        return NonFiniteError(
            f"The loss is no longer finite at step {self.step} (epoch {self.epoch + 1}): "
            f"{non_finite_origin(loss)}. Training has stopped before that step. Try a lower "
            "learning rate, or go back."
        )

    # --- back ---------------------------------------------------------------------------------

    def go_to(self, step: int) -> None:
        """Makes the network as it was after so many steps."""
        before = [s for s in self._snapshots if s <= step]
        if step < self.step or (before and max(before) > self.step):
            self._restore(max(before, default=0))
        self.advance(step - self.step)

    def _generators(self) -> list[Generator]:
        return [layer.dropout.generator for layer in self.model.layers if layer.dropout]

    def _keep(self) -> None:
        """Keeps a snapshot; every other one is dropped when there are too many."""
        if self.step:
            tensors = [*self.model.parameters(), *self._buffers()]
            states = {p: dict(state) for p, state in self._optimizer.state.items()}
            draws = [generator.index for generator in self._generators()]
            self._snapshots[self.step] = _Snapshot({t: t.array for t in tensors}, states, draws)
        if len(self._snapshots) > MOST_SNAPSHOTS:
            self._every *= 2
            kept = {s: x for s, x in self._snapshots.items() if s % self._every == 0}
            self._snapshots = kept

    def _buffers(self) -> list[Tensor]:
        states = self._optimizer.state.values()
        return [x for state in states for x in state.values() if isinstance(x, Tensor)]

    def _restore(self, step: int) -> None:
        if step not in self._snapshots:  # the beginning, which depends on the seed alone
            self._snapshots.clear()  # they hold the tensors of the network that was
            self._build()
            return
        snapshot = self._snapshots[step]
        for tensor, value in snapshot.tensors.items():
            tensor.replace(value)
        for parameter, saved in snapshot.states.items():
            state = self._optimizer.state[parameter]  # the same dict, which compiled steps know
            state.clear()
            state.update(saved)
        for generator, index in zip(self._generators(), snapshot.draws, strict=True):
            generator.index = index
        self.step = step
