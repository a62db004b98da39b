"""Predictions with the least possible delay: a row of numbers in, a row of numbers out."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from math import prod
from typing import Any, Final

from baregrad.arguments import checked_count
from baregrad.compiler.capture import capture
from baregrad.compiler.collector import collection_paused
from baregrad.compiler.frozen import Desk, FrozenCode
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.program import Program
from baregrad.compiler.vector.compile import chosen_target
from baregrad.compiler.vector.target import Target
from baregrad.engines.array import Array, Shape
from baregrad.engines.selection import warn_of_refusal
from baregrad.errors import ArgumentError, CaptureError, ShapeError
from baregrad.machine.errors import MachineError
from baregrad.machine.memory import AlignedBuffer
from baregrad.nn.mlp import MLP
from baregrad.nn.module import Module
from baregrad.tensor.factories import zeros
from baregrad.tensor.graph import no_grad
from baregrad.tensor.tensor import Tensor, as_tensor
from baregrad.training.compiling import narrowed
from baregrad.training.evaluation import predicting
from baregrad.training.native_prediction import CALL

BLOCK: Final = 128  # rows that are computed together
_FLOAT: Final = 4  # bytes

# what a row that is no row of numbers makes `struct` raise
_UNUSUAL: Final = (struct.error, OverflowError, TypeError)

# what a caller needs to predict a row: to place it, to run the code, to read the result; and what
# must be there as long as that
Seat = tuple[Callable[..., None], Callable[[], None], Callable[[], Any], Desk]


class Predictor:
    """A model's predictions as machine code that is ready to run.

        predict = bg.Predictor(model)
        predict([0.1, -1.2])            # the same as model([0.1, -1.2]).tolist(), in a microsecond
        predict(x)                      # a Tensor for a Tensor, or for any buffer

    The model predicts as it is now, in evaluation mode: its weights are built in. After more
    training, make another predictor. Threads may share one, and none waits for another.

    A list or tuple of numbers is a row, one of lists is several; the answer is a list of the same
    kind. For anything else, such as a tensor or a NumPy array, it is a Tensor. Numbers are taken as
    float32, and those that are not finite go through the model like any others.

    Args:
        model: from (samples, features) to (samples, ...).
        features: how many numbers there are in a row; not needed for an `MLP`.

    Attributes:
        features: see above.
        fallback: why there is no machine code, so that the model, a copy of it, computes as ever;
            None if there is.

    Raises:
        ArgumentError: the number of features must be given, or is below 1.
        ShapeError: the model takes no such rows, or does not return one tensor with an element for
            each of them.
    """

    def __init__(self, model: Module, features: int | None = None) -> None:
        if features is None:
            if not isinstance(model, MLP):
                raise ArgumentError(
                    f"Predictor: say how many features a row has: Predictor({type(model).__name__}"
                    "(...), features=...)"
                )
            features = model.layers[0].inputs
        self.features = checked_count(features, "features")
        # Each caller takes what it needs and puts it back. Lists do this in one go.
        self._seats: list[Seat] = []
        self._desks: list[Desk] = []
        self.fallback = self._compiled(model)
        if self.fallback is not None:
            self._model = deepcopy(model).eval()

    def __reduce__(self) -> Any:
        raise ArgumentError(
            "a Predictor's machine code cannot be copied or pickled; copy or pickle the model, and "
            "make a Predictor of that"
        )

    def _compiled(self, model: Module) -> str | None:
        """Compiles it, or says why it cannot be."""
        try:
            target = chosen_target()
        except MachineError as error:  # as was wished, or there has been a warning
            return str(error)
        try:
            with collection_paused():
                self._compile(model, target)
        except (UnsupportedKernelError, CaptureError) as error:
            return str(error)
        except MachineError as error:
            warn_of_refusal(error)
            return str(error)
        return None

    def _compile(self, model: Module, target: Target) -> None:
        with predicting(model):
            one = capture(model, zeros(1, self.features))
            many = capture(model, zeros(BLOCK, self.features))
        self._checks = [check for place, check in one.checks if isinstance(place, int)]
        for tensor, check in one.checks:
            if isinstance(tensor, Tensor):
                check(tensor.array.data)
        self._one = FrozenCode(one, target, is_stream=False)
        self._many = FrozenCode(many, target, is_stream=True)
        self._outputs = _outputs(many)
        self._width = prod(self._outputs)
        weights = sum(tensor.size for tensor in self._many.program.reads)
        self._most = max(1, int(CALL / (1 + BLOCK * weights)))  # blocks in one call
        self._seats.append(self._new_seat())

    def __call__(self, x: Any) -> Any:
        """The predictions for a row, or for several.

        Args:
            x: (features,) or (samples, features).

        Returns:
            What the model gives for it: (...) or (samples, ...).

        Raises:
            ShapeError: another shape.
            DTypeError: something that is no number.
        """
        if x.__class__ is not list and x.__class__ is not tuple:
            return self._of_tensor(as_tensor(x))
        try:
            seat = self._seats.pop()
        except IndexError:
            if self.fallback is not None:
                return self._of_tensor(as_tensor(x)).tolist()
            seat = self._new_seat()
        place, run, found, _ = seat
        try:
            place(*x)
            run()
            return found()
        except _UNUSUAL:  # several rows, or something that is wrong
            pass
        finally:
            self._seats.append(seat)
        return self._of_tensor(as_tensor(x)).tolist()

    def _new_seat(self) -> Seat:
        """Memory for one more caller."""
        inputs, outputs = AlignedBuffer(self.features), AlignedBuffer(self._width)
        pack = partial(struct.Struct(f"{self.features}f").pack_into, inputs.view.cast("B"), 0)
        desk = self._one.desk()
        run = desk.bound(inputs.address, outputs.address)
        found = outputs.view.tolist if len(self._outputs) == 1 else partial(self._shaped, outputs)
        return self._checked(pack, inputs.view), run, found, desk

    def _shaped(self, outputs: AlignedBuffer) -> Any:
        """Outputs that are no plain list: a number, or lists of lists."""
        return Tensor.leaf(Array(array("f", outputs.view), self._outputs, "float32")).tolist()

    def _checked(self, pack: Callable[..., None], view: memoryview[float]) -> Callable[..., None]:
        """`pack`, and then what the model checks."""
        if not self._checks:
            return pack

        def place(*row: float) -> None:
            pack(*row)
            for check in self._checks:
                check(view)

        return place

    # --- several rows -------------------------------------------------------------------------

    def _of_tensor(self, x: Tensor) -> Tensor:
        if x.shape[-1:] != (self.features,) or x.ndim > 2:
            raise ShapeError(
                f"Predictor: this has shape {x.shape}; it must be a row of {self.features} "
                f"numbers, or rows: ({self.features},) or (samples, {self.features})"
            )
        if self.fallback is not None:
            rows = narrowed(x, self._model).reshape(-1, self.features)
            with no_grad():
                outputs = self._model(rows).detach()
            return outputs.reshape(*x.shape[:-1], *outputs.shape[1:])
        data = x.astype("float32").array.data
        for check in self._checks:
            check(data)
        samples = prod(x.shape[:-1])
        found = self._rows(data, samples)
        return Tensor.leaf(Array(found, (*x.shape[:-1], *self._outputs), "float32"))

    def _rows(self, data: array[float], samples: int) -> array[float]:
        """The predictions for so many rows.

        They are made in blocks. The last block begins so early that it is full, and what it has in
        common with the one before comes out the same.
        """
        rows = max(samples, BLOCK)
        if rows > samples:
            data = data + array("f", [0.0]) * ((rows - samples) * self.features)
        found = array("f", [0.0]) * (rows * self._width)
        try:
            desk = self._desks.pop()
        except IndexError:
            desk = self._many.desk()
        try:
            with memoryview(data):  # so that nobody can resize, and so move, them
                argument, result = data.buffer_info()[0], found.buffer_info()[0]
                for start, blocks in self._calls(rows):
                    at = _FLOAT * start
                    desk.run(argument + at * self.features, result + at * self._width, blocks)
        finally:
            self._desks.append(desk)
        del found[samples * self._width :]
        return found

    def _calls(self, rows: int) -> Iterator[tuple[int, int]]:
        """Native calls that are not too long: for each the first row, and how many blocks."""
        blocks = rows // BLOCK
        for first in range(0, blocks, self._most):
            yield first * BLOCK, min(self._most, blocks - first)
        if rows % BLOCK:
            yield rows - BLOCK, 1


def _outputs(program: Program) -> Shape:
    """The shape of a row's outputs.

    Raises:
        ShapeError: the model does not give one tensor, with something for each row.
        UnsupportedKernelError: it does, but no float32.
    """
    if [result.shape[:1] for result in program.results] != [(BLOCK,)]:
        shapes = [result.shape for result in program.results]
        raise ShapeError(
            f"Predictor: for {BLOCK} rows the model's outputs have the shapes {shapes}; it must "
            f"return one tensor of shape ({BLOCK}, ...)"
        )
    (result,) = program.results
    if result.dtype != "float32":
        raise UnsupportedKernelError(f"the model's output is {result.dtype}, not float32")
    return result.shape[1:]
