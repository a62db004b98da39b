"""Mini-batches: which samples go together, in an order that depends on the seed alone."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from baregrad.arguments import checked_count
from baregrad.tensor.random import SHUFFLE, Generator


def epoch_order(count: int, seed: int, epoch: int) -> array[int]:
    """The order of the samples in an epoch: 0 to `count` - 1 shuffled, as `array('q')`.

    It depends on nothing but the arguments, so a training that is taken up again sees the batches
    that it would have seen.

    Raises:
        ArgumentError: a negative epoch or count, or a seed out of range.
    """
    epoch = checked_count(epoch, "the number of the epoch", 0)
    samples = checked_count(count, "the number of samples", 0)
    return Generator(seed, SHUFFLE + epoch).permutation(samples)


def batches(
    count: int,
    batch_size: int,
    seed: int | None = None,
    epoch: int = 0,
    drop_last: bool = False,
) -> Iterator[array[int]]:
    """The sample numbers of one mini-batch after another, each sample once.

    ``for indices in batches(len(x), 32, seed, epoch): x.take(indices)``

    Args:
        count: how many samples there are.
        batch_size: how many go into a batch; the last one has what is left.
        seed: shuffles them; None leaves them in order.
        epoch: which of the seed's orders, see `epoch_order`.
        drop_last: leave out a last batch that is not full.

    Returns:
        An iterator of `array('q')`, for `Tensor.take`.

    Raises:
        ArgumentError: a batch size below 1, a negative count or epoch.
    """
    checked_count(batch_size, "the batch size")
    count = checked_count(count, "the number of samples", 0)
    order = array("q", range(count)) if seed is None else epoch_order(count, seed, epoch)
    stop = count - count % batch_size if drop_last else count
    return (order[start : start + batch_size] for start in range(0, stop, batch_size))
