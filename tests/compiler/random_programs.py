"""Random programs of tensors, which every engine must run alike.

A program is a function of a seed: what it does next depends on shapes and data types alone, never
on numbers, so that it is the same on every engine. When values are looked at, and what is kept of
them, is drawn from another seed, as that must not matter.

Numbers are small integers as long as possible: then sums and products are exact, and comparisons
come out alike on all engines. What is not exact is marked, and never compared nor cut off.
"""

import gc
import random

from random_statements import STATEMENTS, leaf

import baregrad as bg
from baregrad.engines import selection
from baregrad.tensor.borrowed import Borrowed
from baregrad.tensor.graph import recording


class Made:
    """A tensor of a program.

    Attributes:
        number: that of the statement that made it.
        tensor: itself.
        bound: of the absolute values, as long as they are exact; else None.
    """

    def __init__(self, number, tensor, bound):
        self.number = number
        self.tensor = tensor
        self.bound = bound

    def __str__(self):
        return f"t{self.number}"


class Run:
    """A program, run once.

    Args:
        seed: which program.
        looks: the seed of what must not matter.
        others: engines that may run single statements.

    Attributes:
        made: the tensors that the program has.
        borrowed: buffers that it shares with tensors.
        trace: the statements, to be read.
        errors: what was raised, and what it said.
        is_recorded: whether a graph is recorded now.
    """

    def __init__(self, seed, looks=None, others=()):
        self.draw = random.Random(seed)
        self.looks = None if looks is None else random.Random(looks)
        self.others = others
        self.made = []
        self.borrowed = []
        self.trace = []
        self.errors = []
        self.is_recorded = True
        self._seen = []  # views of numbers, and what they were

    # --- what statements use --------------------------------------------------------------------

    def pick(self, wanted=lambda m: True):
        """One of the tensors, more often a late one; None if there is none."""
        fits = [m for m in self.made if wanted(m)]
        if not fits:
            return None
        return fits[-1 - min(int(self.draw.expovariate(0.35)), len(fits) - 1)]

    def floats(self):
        return self.pick(lambda m: m.tensor.dtype in ("float32", "float64"))

    def add(self, text, tensor, bound):
        made = Made(len(self.trace), tensor, bound)
        self.made.append(made)
        self.note(f"{made} = {text}  # {tensor.shape} {tensor.dtype}, at most {bound}")
        return made

    def note(self, text):
        self.trace.append(text)

    def squashed(self, m):
        """The same with numbers that are not large."""
        if m.bound is None:
            return self.add(f"{m}.tanh()", m.tensor.tanh(), None)
        return self.add(f"{m}.clip(-3, 3)", m.tensor.clip(-3, 3), 3)

    def small(self, m, most=6):
        return m if m.bound is not None and m.bound <= most else self.squashed(m)

    def assigned(self, tensor, bound):
        """Notes the bound of a tensor's new value; the tensor may be there more than once."""
        for m in self.made:
            if m.tensor is tensor:
                m.bound = bound

    # --- all of it ------------------------------------------------------------------------------

    def run(self, statements):
        """What can be known of all tensors after so many statements."""
        leaf(self)
        leaf(self)
        functions, weights = zip(*STATEMENTS.items(), strict=True)
        for _ in range(statements):
            (statement,) = self.draw.choices(functions, weights)
            engine = selection.current()
            if self.looks and self.others and self.looks.random() < 0.08:
                engine = self.looks.choice(self.others)
            try:
                with recording(self.is_recorded), selection.using(engine):
                    statement(self)
            except bg.BaregradError as error:
                self.note(f"{statement.__name__}: {type(error).__name__}: {error}")
                self.errors.append((type(error).__name__, str(error)))
            if self.looks:
                self._look()
        found = [_state(m) for m in self.made]
        for view in self._seen:
            _check(*view)
        assert repr(found) == repr([_state(m) for m in self.made])
        return found

    def _look(self):
        """Looks at some values, or keeps them, which must not matter."""
        draw = self.looks
        for m in self.made:
            chance = draw.random()
            if isinstance(m.tensor.held, Borrowed):  # a look makes a copy, and so does matter
                continue
            if chance < 0.04:
                m.tensor.tolist()
            elif chance < 0.07:
                self._keep(m.tensor.buffer())
            elif chance < 0.08 and m.tensor.grad is not None:
                self._keep(m.tensor.grad.buffer())
            elif chance < 0.085:
                self._keep(m.tensor.array.data)
        if draw.random() < 0.02:
            gc.collect()
        if self._seen and draw.random() < 0.1:
            _check(*self._seen.pop(draw.randrange(len(self._seen))))

    def _keep(self, view):
        self._seen.append((view, view.tobytes()))


def _check(view, before):
    assert view.tobytes() == before, "numbers that somebody had are others now"


def _state(m):
    """All that can be known of a tensor."""
    x, g = m.tensor, m.tensor.grad
    op = None if x.op is None else x.op.name
    like = None if g is None else (g.shape, g.dtype)
    graph = op, len(x.parents), x.requires_grad, x.shape, x.dtype, like
    gradient = None if g is None else [*g.array.data]
    return str(m), m.bound is not None, graph, [*x.array.data], gradient


def differences(found, expected):
    """Where two outcomes are different, in words."""
    for mine, other in zip(found, expected, strict=True):
        name, is_exact, graph, values, gradient = mine
        if mine[:3] != other[:3]:
            yield f"{name}: {graph}, not {other[2]}"
        elif not _is_close(values, other[3], is_exact):
            yield f"{name}: {values[:4]}, not {other[3][:4]}"
        elif gradient is not None and not _is_close(gradient, other[4], is_exact=False):
            yield f"{name}.grad: {gradient[:4]}, not {other[4][:4]}"


def _is_close(found, expected, is_exact):
    if is_exact:
        return found == expected
    largest = max([1.0, *(abs(x) for x in expected if x - x == 0)])
    return all(
        a == b or (a != a and b != b) or abs(a - b) <= 2e-3 * largest
        for a, b in zip(found, expected, strict=True)
    )
