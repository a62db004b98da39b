"""What is said of losses that rise and of numbers that are not finite."""

import pytest

import baregrad as bg
from baregrad.compiler.vector.avx2 import AVX2
from baregrad.errors import NonFiniteError
from baregrad.machine.cpu import processor_features

native = pytest.param(
    True,
    marks=pytest.mark.skipif(
        not AVX2.features <= processor_features(), reason="this processor runs none of our code"
    ),
)
both = pytest.mark.parametrize("compiled", [False, native])

X = bg.Generator(1).randn(40, 3)
Y = X.sum(1, keepdims=True).detach()


def trained(compiled, lr, epochs=8, activation="relu", **options):
    model = bg.MLP(3, [6, 1], activation=activation, seed=0)
    optimizer = bg.SGD(model.parameters(), lr=lr)
    return bg.fit(model, X, Y, "mse", optimizer, epochs, 8, seed=0, compiled=compiled, **options)


@both
def test_a_loss_that_rises_without_end_is_put_down_to_the_learning_rate(compiled):
    with pytest.raises(NonFiniteError) as raised:
        trained(compiled, 1.0)
    said = str(raised.value)
    assert "the loss is inf at step " in said
    assert "the first value that is not finite is " in said
    assert "The loss has risen from " in said
    assert "so the learning rate, 1 now, is too high: try a tenth of it" in said


@both
def test_the_layer_the_operation_and_the_step_are_named(compiled):
    with pytest.raises(NonFiniteError, match=r"the loss is (nan|inf) at step \d+ \(epoch 1\)") as e:
        trained(compiled, 30.0, activation=bg.exp)
    assert "op=exp" in str(e.value) or "exp" in str(e.value)
    assert "layers.0" in str(e.value)


@both
def test_a_loss_that_has_risen_but_is_finite_is_said_too(compiled):
    history = trained(compiled, 0.5, epochs=1, schedule=lambda step, rate: rate * (step < 3))
    assert history.advice.startswith("the loss has risen from ")
    assert history.advice in repr(history)


@both
def test_of_a_loss_that_falls_nothing_is_said(compiled):
    history = trained(compiled, 0.01)
    assert history.advice is None
    assert history["loss"][-1] < history["loss"][0]


def test_a_training_that_had_ended_says_it_again(tmp_path):
    options = {"epochs": 1, "schedule": lambda step, rate: rate * (step < 3)}
    advice = [trained(False, 0.5, checkpoint=tmp_path, **options).advice for _ in range(2)]
    assert "has risen" in advice[0]
    assert advice[1] == advice[0]
