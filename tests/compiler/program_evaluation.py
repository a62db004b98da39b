"""A tiny evaluator: runs a captured program by the reference rules, one value after another."""

from baregrad import Tensor
from baregrad.compiler.value import CONSTANT, in_order
from baregrad.engines import array as arrays
from baregrad.tensor.primitives import PRIMITIVES


def run(program, *arguments):
    """Runs it once, writes what it writes, and returns the results as tensors."""
    drawn = [draw(1)[0] for draw in program.draws]
    scalars = program.arguments[len(program.arguments) - len(drawn) :]
    found = {
        value: arrays.new([number], (), value.dtype)
        for value, number in zip(scalars, drawn, strict=True)
    }
    given = program.arguments[: len(program.arguments) - len(drawn)]
    found |= {value: tensor.array for value, tensor in zip(given, arguments, strict=True)}
    found |= {value: tensor.array for tensor, value in program.reads.items()}
    for value in in_order(program.outputs()):
        if value not in found:
            found[value] = evaluated(value, [found[x] for x in value.inputs])
            assert (found[value].shape, found[value].dtype) == (value.shape, value.dtype)
    for tensor, value in program.writes.items():
        tensor.replace(found[value])
    return [Tensor.leaf(found[value]) for value in program.results]


def evaluated(value, inputs):
    if value.op == CONSTANT:
        return arrays.filled(value.attributes["value"], value.shape, value.dtype)
    return PRIMITIVES[value.op].forward(*inputs, **value.attributes)


def operations(program):
    """The names of the operations that a program needs, sorted."""
    return sorted(v.op for v in in_order(program.outputs()) if v.inputs)
