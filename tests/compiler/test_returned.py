"""The forms in which steps return tensors."""

from collections import OrderedDict, namedtuple

import pytest
from test_native import TARGETS

import baregrad as bg
from baregrad.compiler.kernels import plans
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.step import CompiledStep
from baregrad.errors import CaptureError

Pair = namedtuple("Pair", ["first", "second"])
FORMS = [
    lambda x: x * 2,
    lambda x: [x * 2, x + 1],
    lambda x: (x * 2,),
    lambda x: (),
    lambda x: None,
    lambda x: Pair(x * 2, x + 1),
    lambda x: {"twice": x * 2, "next": x + 1},
    lambda x: OrderedDict(b=x * 2, a=x + 1),
    lambda x: {},
]


def numbers(returned):
    """With lists in place of tensors."""
    if isinstance(returned, bg.Tensor):
        return returned.tolist()
    if isinstance(returned, dict):
        return type(returned)((name, x.tolist()) for name, x in returned.items())
    return returned and [x.tolist() for x in returned]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("step", FORMS)
def test_a_compiled_step_returns_what_the_python_step_returns(step, target):
    compiled, x = CompiledStep(step, target), bg.Tensor([1.0, 2.0])
    for _ in range(2):
        found, expected = compiled(x), step(x)
        assert type(found) is type(expected)
        assert numbers(found) == numbers(expected)
    assert compiled.fallback is None


@pytest.mark.parametrize("step", FORMS)
@pytest.mark.parametrize("is_refused", [False, True])
def test_many_steps_return_the_same_form_compiled_or_not(step, is_refused, monkeypatch):
    def refused(kernel, target):
        raise UnsupportedKernelError("there is no vector code")

    if is_refused:
        monkeypatch.setattr(plans, "plan_map", refused)
    streams = bg.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    found = CompiledStep(step).many(3, streams)
    assert type(found) is type(step(streams))
    assert numbers(found) == numbers(step(streams))


@pytest.mark.parametrize("step", [lambda x: 3, lambda x: [x, 3], lambda x: {"x": 3}])
def test_what_is_no_tensor_is_refused(step):
    with pytest.raises(CaptureError, match=r"the step returned 3; .* list, tuple or dict"):
        bg.compile(step)(bg.ones(2))
