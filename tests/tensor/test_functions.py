"""The functions are the methods; the methods are tested elsewhere."""

import pytest

import baregrad as bg
from baregrad import Tensor
from baregrad.tensor import functions

DATA = [[0.5, 1.5], [2.0, 0.25]]
ARGUMENTS = {
    "maximum": (1.0,),
    "minimum": (1.0,),
    "where": (2.0, 3.0),
    "clip": (0.4, 1.0),
    "leaky_relu": (0.5,),
    "elu": (2.0,),
    "gelu": ("tanh",),
    "reshape": (4,),
    "unsqueeze": (0,),
    "permute": (1, 0),
    "expand": (3, 2, 2),
    "take": ([1, 0], 1),
    "sum": (0, True),
}
SEVERAL = {"matmul", "concat", "stack", "one_hot", "grad"}
NAMES = sorted(
    name
    for name, value in vars(functions).items()
    if callable(value)
    and getattr(value, "__module__", "") == functions.__name__
    and not name.startswith("_")
    and name not in SEVERAL
)


def test_the_functions_are_all_there():
    assert len(NAMES) > 40
    assert all(getattr(bg, name) is getattr(functions, name) for name in [*NAMES, *SEVERAL])


@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_the_method_and_takes_lists_too(name):
    arguments = ARGUMENTS.get(name, ())
    function = getattr(bg, name)
    expected = getattr(Tensor(DATA), name)(*arguments)
    for x in (Tensor(DATA), DATA):
        result = function(x, *arguments)
        assert (result.dtype, result.tolist()) == (expected.dtype, expected.tolist())
    assert function.__name__ == name
    assert function.__doc__ == getattr(Tensor, name).__doc__


def test_functions_of_several_tensors_take_lists_too():
    assert bg.matmul(DATA, [1.0, 2.0]).tolist() == (Tensor(DATA) @ Tensor([1.0, 2.0])).tolist()
    assert bg.concat([[1.0], Tensor([2.0])]).tolist() == [1.0, 2.0]
    assert bg.stack([[1.0], [2.0]], axis=1).tolist() == [[1.0, 2.0]]
    assert bg.one_hot([1, 0], 2).tolist() == [[0.0, 1.0], [1.0, 0.0]]
