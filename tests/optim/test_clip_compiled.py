"""Clipping of gradients in a compiled step, against the same step as Python."""

import math

import pytest

import baregrad as bg
from baregrad.compiler.step import CompiledStep
from baregrad.compiler.vector.compile import TARGETS
from baregrad.machine.cpu import is_x86_64, processor_features

FEATURES = processor_features() if is_x86_64() else frozenset()
runs_on_every_target = pytest.mark.parametrize(
    "target", [target for target in TARGETS if target.features <= FEATURES], ids=lambda t: t.name
)


def training(clip):
    model = bg.MLP(3, [5, 2], seed=1)
    sgd = bg.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        sgd.zero_grad()
        bg.losses.mse(model(x), y).backward()
        found = clip(model.parameters())
        sgd.step()
        return found

    return model, step


def clipped_alike(clip, target, scale):
    """Both ways to run the step give these norms, and the same parameters."""
    generator = bg.Generator(1)
    x, y = (generator.randn(7, 3) * scale).detach(), generator.randn(7, 2)
    plain, step = training(clip)
    fast, captured = training(clip)
    compiled = CompiledStep(captured, target)
    norms = [(compiled(x, y), step(x, y)) for _ in range(3)]
    assert compiled.fallback is None
    for found, expected in zip(fast.parameters(), plain.parameters(), strict=True):
        numbers = found.flatten().tolist(), expected.flatten().tolist()
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-4, abs=1e-6)
    return norms


@runs_on_every_target
@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.5, math.inf])
@pytest.mark.parametrize("max_norm", [0.01, 1e6])
def test_the_norm_is_clipped_as_in_python(target, norm_type, max_norm):
    norms = clipped_alike(lambda p: bg.clip_grad_norm(p, max_norm, norm_type), target, 1.0)
    for found, expected in norms:
        assert found.item() == pytest.approx(expected.item(), rel=1e-5)


@runs_on_every_target
def test_squares_beyond_float32_do_not_overflow(target):
    x = bg.Tensor([1e30, -2e30], requires_grad=True)

    def step(factor):
        x.grad = None
        (x * factor).sum().backward()
        return bg.clip_grad_norm(x, 1.0), x.grad

    norm, gradient = CompiledStep(step, target)(bg.Tensor([3e25, 4e25]))
    assert norm.item() == pytest.approx(5e25, rel=1e-5)
    assert gradient.tolist() == pytest.approx([0.6, 0.8], rel=1e-5)


@runs_on_every_target
def test_every_element_is_clipped_as_in_python(target):
    def clip(parameters):
        bg.clip_grad_value(parameters, 0.05)

    clipped_alike(clip, target, 10.0)
