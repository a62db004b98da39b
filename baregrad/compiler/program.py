"""A captured step: values, which real tensors they read, and which they write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.value import Value
from baregrad.record import Record
from baregrad.tensor.tensor import Tensor


class Program(Record):
    """What a step computes, without the numbers.

    Attributes:
        arguments: the inputs that are given anew at each call: the arguments of the captured
            function, in order, then scalars such as the learning rate.
        reads: the inputs that are tensors of the world around: parameters, optimizer state, data.
        writes: for tensors that were assigned to, what they are to hold after the step. A tensor
            may be in `reads` as well: then it is updated in place.
        results: what the function returned.
        draws: what gives the scalars, which are the last of the arguments, in order. Each is to be
            called once before each run, with the number of its steps: it gives the number for each
            of them, and moves on what it counts; with less than 0 it moves back. Where something
            else changed that is built into the program, it raises CaptureError.
        checks: of which numbers what must hold before each run, such as that class numbers are
            numbers of classes: the place of an argument, or a tensor, and a function that raises
            if its elements are not so.
        is_checked: whether with these checks all indices are in range.
    """

    arguments: list[Value]
    reads: dict[Tensor, Value]
    writes: dict[Tensor, Value]
    results: list[Value]
    draws: Sequence[Callable[[int], Sequence[float]]] = ()
    checks: Sequence[tuple[int | Tensor, Callable[[Any], None]]] = ()
    is_checked: bool = True

    def require_checks(self) -> None:
        """Refuses what might read beyond a table, or silently another row of it.

        Raises:
            UnsupportedKernelError: the program computes an index itself.
        """
        if not self.is_checked:
            raise UnsupportedKernelError(
                "the step computes indices or class numbers, which cannot be checked before it "
                "runs; pass them as an argument, or bring them into range with clip()"
            )

    def outputs(self) -> list[Value]:
        """Every value that must be computed."""
        return [*self.writes.values(), *self.results]
