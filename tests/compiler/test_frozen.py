"""Programs of which everything is computed beforehand that depends on tensors alone."""

import pytest
from program_evaluation import operations, run

import baregrad as bg
from baregrad import Tensor
from baregrad.compiler.capture import capture
from baregrad.compiler.frozen import FrozenCode, freeze
from baregrad.compiler.kernels.errors import UnsupportedKernelError
from baregrad.compiler.simplify import simplify
from baregrad.compiler.vector.avx2 import AVX2


def frozen(function, *arguments):
    return freeze(simplify(capture(function, *arguments)))


def test_weights_are_transposed_once():
    layer, x = bg.Linear(3, 2, seed=1), bg.ones(4, 3)
    program = frozen(layer, x)
    assert operations(program) == ["add", "matmul"]
    assert sorted(tensor.shape for tensor in program.reads) == [(2,), (3, 2)]
    assert run(program, x)[0].tolist() == layer(x).tolist()


def test_what_comes_from_a_tensor_and_constants_is_computed_once():
    variance, x = Tensor([4.0, 9.0]), bg.ones(3, 2)
    program = frozen(lambda x: x / (variance + 1e-5).sqrt(), x)
    assert operations(program) == ["divide"]
    assert run(program, x)[0].tolist() == (x / (variance + 1e-5).sqrt()).tolist()


def test_what_would_be_larger_than_what_it_is_made_from_is_left():
    vector, x = Tensor([1.0, 2.0]), bg.ones(3, 2)
    program = frozen(lambda x: x + vector.expand(3, 2) * vector.expand(3, 2), x)
    assert all(tensor.size == 2 for tensor in program.reads)
    assert run(program, x)[0].tolist() == [[2.0, 5.0]] * 3


def test_a_result_may_depend_on_tensors_alone():
    weight = Tensor([[1.0, 2.0], [3.0, 4.0]])
    program = frozen(lambda x: [weight.T, x * 2], bg.ones(2))
    assert [t.tolist() for t in run(program, bg.ones(2))] == [[[1.0, 3.0], [2.0, 4.0]], [2.0, 2.0]]


def test_the_tensors_may_change_afterwards():
    weight, x = Tensor([1.0, 2.0]), bg.ones(2)
    program = frozen(lambda x: x * weight, x)
    weight.assign([5.0, 5.0])
    assert run(program, x)[0].tolist() == [1.0, 2.0]


def test_a_long_chain_of_operations_needs_no_recursion():
    def chain(x):
        for _ in range(3000):
            x = x.sin()
        return x

    assert len(operations(frozen(chain, bg.ones(2)))) == 3000


@pytest.mark.parametrize("change", [lambda x, w: w.assign(x), lambda x, w: bg.rand(2)])
def test_what_is_not_the_same_each_time_is_refused(change):
    weight = Tensor([1.0, 2.0])

    def step(x):
        return x * 1 if change(x, weight) is None else x + bg.rand(2)

    with pytest.raises(UnsupportedKernelError, match="not the same each time"):
        FrozenCode(capture(step, bg.ones(2)), AVX2, is_stream=False)
