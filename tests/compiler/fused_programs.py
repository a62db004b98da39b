"""Programs to fuse: training steps, and random expressions; and the check that they stay exact."""

from collections import Counter
from contextlib import suppress

from hypothesis import strategies as st
from program_evaluation import run

import baregrad as bg
from baregrad import Tensor, losses
from baregrad.compiler.capture import capture
from baregrad.compiler.execute import Execution
from baregrad.compiler.fusion import fuse
from baregrad.compiler.memory import plan_memory
from baregrad.compiler.simplify import simplify
from baregrad.engines import array as arrays
from baregrad.errors import BaregradError


def training_step(model, optimizer, loss=losses.mse, clip=None):
    def step(x, y):
        value = loss(model(x), y)
        optimizer.zero_grad()
        value.backward()
        if clip is not None:
            clip(model.parameters())
        optimizer.step()
        return value

    return step


def mlp_program(sizes=(8, 64, 64, 1), batch=64, activation="relu", optimizer=bg.Adam):
    """The training step of a regression, and its model."""
    model = bg.MLP(sizes[0], list(sizes[1:]), activation=activation, seed=1)
    step = training_step(model, optimizer(model.parameters()))
    x, y = bg.zeros(batch, sizes[0]), bg.zeros(batch, sizes[-1])
    return simplify(capture(step, x, y)), model


def fused_step(step, *arguments):
    return fuse(simplify(capture(step, *arguments)))


def kinds(fused):
    """How many kernels there are of each kind."""
    return dict(Counter(type(kernel).__name__ for kernel in fused.kernels))


def assert_exact(program, *arguments, steps=2):
    """The fused program gives what the values give one by one, and leaves the same in tensors."""
    fused = fuse(program)
    execution = Execution(program, fused, plan_memory(fused))
    for _ in range(steps):
        drawn = [draw(1)[0] for draw in program.draws]
        scalars = program.arguments[len(arguments) :]
        numbers = [
            arrays.new([x], (), value.dtype) for x, value in zip(drawn, scalars, strict=True)
        ]
        fixed = program._replace(draws=[lambda steps, x=x: [x] for x in drawn])
        found = execution.run(*(x.array for x in arguments), *numbers)
        expected = run(fixed, *arguments)
        for array, tensor in zip(found, expected, strict=True):
            assert_same(array, tensor.array)
        for tensor in program.writes:
            assert_same(execution.value(tensor), tensor.array)
    return fused


def assert_same(found, expected):
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    pairs = zip(found.data, expected.data, strict=True)
    assert [(x, y) for x, y in pairs if x != y and not (x != x and y != y)] == []


# --- random expressions -----------------------------------------------------------------------

# Each makes a tensor from two others and a small number; what does not fit is left out.
OPERATIONS = (
    lambda x, y, k: x + y,
    lambda x, y, k: x * y,
    lambda x, y, k: x - y * 0.5,
    lambda x, y, k: x / (y.abs() + 1),
    lambda x, y, k: x.relu(),
    lambda x, y, k: x.tanh(),
    lambda x, y, k: (x == y).where(x, y),
    lambda x, y, k: (x > y).astype("float32") + x,
    lambda x, y, k: x.sum(k % x.ndim, keepdims=k > 5),
    lambda x, y, k: x.max(k % x.ndim, keepdims=k > 5),
    lambda x, y, k: x.sum(),
    lambda x, y, k: x - x.mean(k % x.ndim, keepdims=True),
    lambda x, y, k: x.softmax(k % x.ndim),
    lambda x, y, k: x @ y,
    lambda x, y, k: x @ x.mT,
    lambda x, y, k: x.mT,
    lambda x, y, k: x.permute([(axis + k) % x.ndim for axis in range(x.ndim)]),
    lambda x, y, k: x.flatten(),
    lambda x, y, k: x.unsqueeze(k % (x.ndim + 1)),
    lambda x, y, k: x.reshape(-1, x.shape[-1]),
    lambda x, y, k: x.expand(2, *x.shape),
    lambda x, y, k: x[k % 2 :: 1 + k % 3],
    lambda x, y, k: Tensor.concat([x, x], k % x.ndim),
    lambda x, y, k: x.argmax(-1).astype("float32"),
    lambda x, y, k: x * 0 + 3.0,
    lambda x, y, k: x.take(Tensor([0, 1, 0])),
)

SIZES = st.sampled_from([0, 1, 1, 2, 3, 5])
NUMBERS = st.integers(0, 11)
STEPS = st.tuples(st.integers(0, len(OPERATIONS) - 1), NUMBERS, NUMBERS, NUMBERS)


@st.composite
def expressions(draw):
    """A step of random operations, which assigns to some of its tensors, and its arguments."""
    sizes = st.sampled_from([1, *draw(st.lists(SIZES, min_size=2, max_size=2))])
    shapes = draw(st.lists(st.lists(sizes, max_size=3), min_size=2, max_size=4))
    generator = bg.Generator(draw(st.integers(0, 99)))
    # halves, so that some are equal and some are 0
    leaves = [(generator.randint(-3, 4, tuple(s)) / 2).detach() for s in shapes]
    recipe = draw(st.lists(STEPS, min_size=1, max_size=20))
    chosen = draw(st.lists(NUMBERS, min_size=1, max_size=3))
    given = draw(st.integers(0, len(leaves)))
    assigned = draw(st.lists(NUMBERS, max_size=3))

    def step(*arguments):
        pool = [*arguments, *leaves[given:]]
        for operation, i, j, k in recipe:
            x, y = pool[-1 - i % len(pool)], pool[-1 - j % len(pool)]
            with suppress(
                BaregradError, ZeroDivisionError, IndexError
            ):  # they may not fit together
                pool.append(OPERATIONS[operation](x, y, k))
        for number, tensor in zip(assigned, leaves[given:], strict=False):
            alike = [x for x in pool if x.shape == tensor.shape]
            tensor.assign(alike[-1 - number % len(alike)])
        return [pool[-1 - number % len(pool)] for number in chosen]

    return step, leaves[:given]
