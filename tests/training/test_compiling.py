"""What is built into compiled code: if it is changed, there is other code."""

import gc
from weakref import ref

import pytest

import baregrad as bg
from baregrad.machine.cpu import is_x86_64
from baregrad.training import evaluation
from baregrad.training.compiling import setting_of, settings_of

x = bg.Generator(0).randn(64, 3)


class Scaled(bg.Module):
    """A layer, and something done with its output."""

    def __init__(self, then):
        self.linear = bg.Linear(3, 2, seed=0)
        self.then = then

    def forward(self, x):
        return self.then(self.linear(x))


class Factor:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return x * self.factor


class Doubling(bg.Module):
    def forward(self, x):
        return x * 2


class Halving(bg.Module):
    def forward(self, x):
        return x / 2


FACTOR = 1.0


def times_global(x):
    return x * FACTOR


@pytest.fixture(autouse=True)
def always_compiled(monkeypatch):
    monkeypatch.setattr(evaluation, "prediction_pays", lambda *_: True)


def assert_predicts(model):
    expected = model(x).flatten().tolist()
    assert bg.predict(model, x).flatten().tolist() == pytest.approx(expected, rel=1e-5)


def test_a_function_at_the_address_of_an_earlier_one_is_another():
    model = Scaled(None)
    for _ in range(3):
        model.then = lambda x: x * 2
        assert_predicts(model)
        model.then = None  # the next one takes its place
        model.then = lambda x: x.relu()
        assert_predicts(model)
        model.then = None


def test_modules_that_take_each_other_s_place_are_others():
    model = Scaled(None)
    for _ in range(3):
        for kind in (Doubling, Halving):
            model.then = None
            model.then = kind()
            assert_predicts(model)


def test_numbers_of_helper_objects_may_change():
    model = Scaled(Factor(2.0))
    assert_predicts(model)
    model.then.factor = 3.0
    assert_predicts(model)


def test_numbers_outside_of_a_function_may_change(monkeypatch):
    def scaled(x):
        return x * factor

    factor = 2.0
    for model in (Scaled(scaled), Scaled(times_global)):
        assert_predicts(model)
        factor = 5.0
        monkeypatch.setitem(globals(), "FACTOR", 3.0)
        assert_predicts(model)


def test_a_loss_may_read_a_number_that_a_callback_changes():
    def trained(compiled):
        def loss(prediction, target):
            return ((prediction - target) ** 2).mean() * strength

        def weaker(run):
            nonlocal strength
            strength /= 2

        strength = 1.0
        model = bg.MLP(3, [2], seed=1)
        callback = bg.LambdaCallback(on_epoch_end=weaker)
        optimizer = bg.SGD(model.parameters(), lr=0.1)
        bg.fit(
            *(model, x, x[:, :2], loss, optimizer, 4, 16),
            callbacks=[callback],
            compiled=compiled,
            seed=0,
        )
        return model(x).flatten().tolist()

    assert trained(True) == pytest.approx(trained(False), rel=1e-4, abs=1e-6)


def test_settings_are_the_same_as_long_as_nothing_changes():
    def unready(x):
        return x * later  # nothing is in it yet

    values = [None, 1, "a", [1, (2.0,)], {"a": 1}, unready, bg.Generator(0), Factor(1), object()]
    for value in [*values, bg.ones(2), Scaled(times_global)]:
        assert setting_of(value) == setting_of(value)
    assert setting_of(Factor(1)) != setting_of(Factor(1))
    model = bg.MLP(3, [4, 2], dropout=0.5, norm="batch", seed=0)
    before = settings_of(model)
    model(x)  # draws, and moves running statistics
    assert settings_of(model) == before
    model.layers[0].weight.requires_grad = False
    assert settings_of(model) != before
    later = 1


def test_settings_keep_nothing_alive():
    model = Scaled(Factor(2.0))
    settings = setting_of(model)
    assert setting_of(model) == settings
    alive = ref(model)
    del model
    gc.collect()
    assert alive() is None


@pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")
def test_a_parameter_that_is_frozen_between_steps_stays_as_it_is():
    model = bg.MLP(3, [4, 2], seed=0)
    optimizer = bg.SGD(model.parameters(), lr=0.1)

    @bg.compile
    def step(x):
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    step(x)
    frozen, free = model.parameters()[:2]
    for is_free in (False, True):
        frozen.requires_grad = is_free
        before = frozen.tolist(), free.tolist()
        step(x)
        assert (frozen.tolist() != before[0]) is is_free
        assert free.tolist() != before[1]
    assert step.fallback is None
