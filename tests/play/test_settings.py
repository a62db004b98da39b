"""What can be set in the playground, and what is refused."""

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError
from baregrad.optim.named import OPTIMIZERS
from baregrad.play.settings import CHOICES, Settings


def test_settings_as_json_has_them_take_the_place_of_others():
    changed = Settings().changed({"hidden": [3], "activations": ["relu"], "lr": 1, "noise": None})
    assert changed == Settings(hidden=(3,), activations=("relu",), lr=1.0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"colour": 1}, "setting"),
        ({"data": "mnist"}, "data"),
        ({"samples": 9}, "samples must be a whole number from 10 to 5000"),
        ({"samples": True}, "samples"),
        ({"samples": 20.5}, "samples"),
        ({"noise": -1}, "noise must be a number from 0 to 10"),
        ({"noise": float("nan")}, "noise"),
        ({"points": [[0, 1]]}, "points, number 1, must be"),
        ({"points": [[0, 1, 9]]}, "whole number from 0 to 5"),
        ({"points": [[0, 0, 0]] * 1001}, "points must be a list of 0 to 1000"),
        ({"target": 3}, "target must be a text"),
        ({"axes": [0]}, "axes must be a list of 2 to 2"),
        ({"hidden": [17], "activations": ["tanh"]}, "hidden, number 1, must be"),
        ({"hidden": [4] * 7}, "hidden must be a list"),
        ({"hidden": "44"}, "hidden must be a list"),
        ({"hidden": [4]}, "2 for 1 hidden layer;"),
        ({"activations": ["tanh", "softmax"]}, "activations, number 2"),
        ({"optimizer": "nadam"}, "optimizer"),
        ({"optimizer": ["adam"]}, "optimizer"),
        ({"lr": 0}, "lr must be a number above 0"),
        ({"batch": 0}, "batch"),
        ({"dropout": 1}, "dropout"),
        ({"momentum": 1}, "momentum must be a number from 0 to 0.999"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_out_of_range_are_refused(given, words):
    with pytest.raises(ArgumentError) as caught:
        Settings().changed(given)
    assert words in str(caught.value)


def test_the_page_offers_each_set_with_its_own_noise():
    noises = {name: noise for name, _, noise in CHOICES["data"]}
    assert (noises["spirals"], noises["friedman"]) == (0.02, 1.0)


def test_the_page_knows_which_settings_have_a_meaning_for_which_optimizer():
    taken = {name: set(settings) for name, settings in CHOICES["optimizers"]}
    assert taken["sgd"] == taken["rmsprop"] == {"batch", "decay", "momentum"}
    assert taken["adam"] == {"batch", "decay"}
    assert taken["lbfgs"] == set()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_of_the_library_can_be_chosen_with_its_options(optimizer):
    settings = Settings(decay=0.1, momentum=0.9).changed({"optimizer": optimizer})
    weight = bg.ones(1, requires_grad=True)
    group = OPTIMIZERS[optimizer]([weight], lr=1.0, **settings.options).groups[0]
    assert group.get("momentum", 0.9) == 0.9
    assert group.get("weight_decay", 0.1) == 0.1
