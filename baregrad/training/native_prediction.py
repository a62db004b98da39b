"""Predictions by machine code, which is kept with the model."""

from __future__ import annotations

from math import prod
from typing import Final
from weakref import WeakKeyDictionary, ref

from baregrad.compiler.step import CompiledStep
from baregrad.engines.array import Array
from baregrad.nn.module import Module
from baregrad.tensor.borrowed import consecutive
from baregrad.tensor.tensor import Tensor
from baregrad.training.compiling import narrowed, settings_of

CALL: Final = 2e9  # products of weights and inputs in one native call: some 30 ms

# What was compiled, and for which settings of the model.
_compiled: WeakKeyDictionary[Module, tuple[object, CompiledStep]] = WeakKeyDictionary()


def native_outputs(model: Module, inputs: Tensor, size: int) -> Tensor | None:
    """The output for every sample, in batches of one size.

    The last batch begins so early that it is full: some samples are predicted twice, rather than a
    smaller batch compiled as well.

    Args:
        model: in prediction mode.
        inputs: (samples, ...), at least `size` samples.
        size: how many samples at a time.

    Returns:
        (samples, ...); None if the model cannot be compiled.
    """
    inputs = narrowed(inputs, model)
    features = inputs.shape[1:]
    samples = inputs.shape[0]
    compiled = _compiled_prediction(model)
    weights = sum(parameter.size for parameter in model.parameters())
    full, most = samples // size, max(1, int(CALL / (1 + size * weights)))
    spans = [(first * size, min(first + most, full) * size) for first in range(0, full, most)]
    if samples % size:
        spans.append((samples - size, samples))
    parts: list[Tensor] = []
    for first, last in spans:
        steps = (last - first) // size
        rows: Tensor = consecutive(inputs, first, last, (steps, size, *features))
        if not parts and not _is_possible(compiled, rows):
            return None
        parts.append(compiled.many(steps, rows))
    return _joined(parts, samples)


def _compiled_prediction(model: Module) -> CompiledStep:
    """The model's compiled prediction, with the settings that the model has."""
    settings = settings_of(model)
    kept = _compiled.get(model)
    if kept is None or kept[0] != settings:
        here = ref(model)  # the model is not kept alive by what is kept with it
        kept = _compiled[model] = settings, CompiledStep(lambda x: _alive(here)(x))
    return kept[1]


def _alive(model: ref[Module]) -> Module:
    found = model()
    assert found is not None
    return found


def _is_possible(compiled: CompiledStep, rows: Tensor) -> bool:
    """Whether the model can be compiled for batches like these."""
    try:
        return compiled.prepare(consecutive(rows, 0, 1, rows.shape[1:])) is None
    except Exception:  # Python says it if it is wrong with numbers, too
        return False


def _joined(parts: list[Tensor], samples: int) -> Tensor:
    """The samples of all parts in order; the last part may begin within the one before."""
    shape = (samples, *parts[0].shape[2:])
    data, size = parts[0].array.data[:], prod(shape)
    for part in parts[1:]:
        more = part.array.data
        data.extend(more[max(len(data) + len(more) - size, 0) :])
    return Tensor.leaf(Array(data, shape, parts[0].dtype))
