"""Models that end in probabilities are refused where logits are wanted."""

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError
from baregrad.nn.layers import Linear, Sequential
from baregrad.nn.losses import cross_entropy
from baregrad.nn.mlp import Layer

X, CLASSES = [[0.0], [1.0], [2.0]], [0, 1, 1]


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (bg.MLP(1, [2], output_activation="softmax"), "cross_entropy"),
        (bg.MLP(1, [2], output_activation="sigmoid"), cross_entropy),
        (Sequential(Linear(1, 3), Layer(3, 2, "softmax")), "cross_entropy"),
        (Sequential(Linear(1, 2), bg.softmax), "cross_entropy"),
        (Sequential(Sequential(bg.MLP(1, [2, 2], "relu", "sigmoid"))), "binary_cross_entropy"),
    ],
)
@pytest.mark.parametrize("use", [bg.fit, bg.evaluate])
def test_probabilities_are_not_taken_for_logits(use, model, loss):
    before = model.state_dict()
    with pytest.raises(ArgumentError, match=r"ends in a s\w+, .* last activation 'identity'"):
        use(model, X, CLASSES, loss=loss)
    after = model.state_dict()
    assert {n: t.tolist() for n, t in after.items()} == {n: t.tolist() for n, t in before.items()}


@pytest.mark.parametrize(
    ("model", "loss", "targets"),
    [
        (bg.MLP(1, [2], output_activation="log_softmax", seed=0), "cross_entropy", CLASSES),
        (bg.MLP(1, [3, 2], "sigmoid", seed=0), "cross_entropy", CLASSES),
        (bg.MLP(1, [1], output_activation="sigmoid", seed=0), "mse", X),
    ],
)
def test_other_endings_and_losses_are_as_they_were(model, loss, targets):
    assert bg.evaluate(model, X, targets, loss)["loss"] > 0


class Own(bg.Module):
    """Something of one's own, whose attribute `layers` may mean anything."""

    def __init__(self, layers):
        self.layers = layers
        self.first = Linear(1, 2)

    def forward(self, x):
        return self.first(x).log_softmax()


@pytest.mark.parametrize("layers", [3, [Linear(1, 2), bg.Activation("softmax")]])
def test_what_a_module_of_one_s_own_applies_is_not_guessed(layers):
    assert bg.evaluate(Own(layers), X, CLASSES, "cross_entropy")["loss"] > 0


@pytest.mark.parametrize("use", [bg.fit, bg.evaluate])
@pytest.mark.parametrize(
    "model",
    [bg.MLP(1, [2, 1], output_activation="sigmoid"), Sequential(Linear(1, 1), "sigmoid")],
)
@pytest.mark.parametrize("metric", ["accuracy", "f1_macro"])
def test_a_single_probability_is_not_compared_with_the_threshold_of_a_logit(use, model, metric):
    with pytest.raises(ArgumentError, match=f"ends in a sigmoid, and {metric} takes .* above 0"):
        use(model, X, [[0.0], [1.0], [1.0]], loss="mse", metrics=[metric])


def test_sigmoids_may_be_compared_with_each_other():
    model = bg.MLP(1, [2], output_activation="sigmoid", seed=0)
    values = bg.evaluate(model, X, [[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]], metrics=["accuracy"])
    assert 0 <= values["accuracy"] <= 1
