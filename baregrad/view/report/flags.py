"""What is wrong with values and gradients, in words that say the threshold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from baregrad.tensor.tensor import Tensor

FAR = 1000.0  # times smaller than the largest: vanishing
EXPLODING = 1000.0  # the norm of all gradients together
SATURATED = 0.99  # of tanh's largest value

Flag = tuple[int, str]  # the place of a tensor in the graph, and what is wrong with it


def gradient_norms(order: Sequence[Tensor]) -> dict[int, float]:
    """The Euclidean norm of the gradient of each parameter that has one, by place in a graph."""
    return {
        place: math.hypot(*tensor.grad.array.data)
        for place, tensor in enumerate(order)
        if tensor.op is None and tensor.requires_grad and tensor.grad is not None
    }


def flags(
    order: Sequence[Tensor], outputs: Mapping[int, str], norms: Mapping[int, float]
) -> Iterator[Flag]:
    """All that is wrong in a graph after its backward pass.

    Args:
        order: its tensors.
        outputs: the places of the outputs of layers, and what to call them.
        norms: as `gradient_norms` has them.
    """
    for place, name in outputs.items():
        yield from _units(place, name, order[place])
    yield from _gradients(order, norms)


def _units(place: int, name: str, output: Tensor) -> Iterator[Flag]:
    """Units that give the same for all samples, which then do not learn."""
    if output.ndim != 2 or output.shape[0] < 2:
        return
    samples, width = output.shape
    data = output.array.data
    columns = [data[i::width] for i in range(width)]
    dead = sum(not any(column) for column in columns)
    if dead:
        yield place, f"{dead} of {width} units of {name} are dead: 0 for all {samples} samples"
    if output.op is not None and output.op.name == "tanh":
        stuck = sum(min(map(abs, column)) > SATURATED for column in columns)
        if stuck:
            yield (
                place,
                f"{stuck} of {width} units of {name} are saturated: beyond ±{SATURATED} for all "
                f"{samples} samples",
            )


def _gradients(order: Sequence[Tensor], norms: Mapping[int, float]) -> Iterator[Flag]:
    sizes = {place: norm / math.sqrt(order[place].size) for place, norm in norms.items()}
    largest = max(sizes.values(), default=0.0)
    for place, size in sizes.items():
        name = order[place].name or "a parameter"
        if not math.isfinite(size):
            yield place, f"the gradient of {name} is not finite"
        elif largest and size == 0:
            yield place, f"the gradient of {name} is 0, so it does not learn"
        elif size * FAR < largest < math.inf:
            yield (
                place,
                f"vanishing gradient: that of {name} is {largest / size:,.0f} times smaller than "
                f"the largest of a parameter (root mean square; threshold {FAR:,.0f})",
            )
    total = math.hypot(*norms.values())
    if EXPLODING < total < math.inf:
        worst = max(norms, key=norms.__getitem__)
        yield (
            worst,
            f"exploding gradients: their norm is {total:,.4g}, most of it in "
            f"{order[worst].name or 'a parameter'} (threshold {EXPLODING:,.0f})",
        )
