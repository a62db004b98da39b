"""Recording leaves the training as it is, and keeps what the graph had."""

import math

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError
from baregrad.view.report import recorder as recording
from baregrad.view.report.recorder import Recorder, undisturbed

from .conftest import trained


class Clock:
    """Time that stands still but where a test moves it."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


def weights(model):
    return [parameter.tolist() for parameter in model.parameters()]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_recorder_changes_no_weight_in_its_last_bit(compiled):
    options = {"compiled": compiled, "epochs": 3}
    (_, with_one), (_, without) = trained(**options), trained(recorder=None, **options)
    assert weights(with_one) == weights(without)


def test_records_are_spread_over_the_training_and_have_its_ends():
    recorder = Recorder(records=4)
    trained(recorder, epochs=8)  # of three steps each
    assert [record["step"] for record in recorder.records] == [0, 1, 7, 13, 19, 24]


def test_a_record_has_the_gradients_of_the_loss_of_the_watched_samples():
    recorder = Recorder(records=1, samples=18)
    history, model = trained(recorder)
    run = history.trained
    with undisturbed(model):
        loss = bg.losses.mse(model(run.samples.x), run.samples.y)
        loss.backward()
        expected = [p.grad for p in model.parameters()]
    last = recorder.records[-1]
    assert last["loss"] == loss.item()
    norms = [math.hypot(*g.array.data) for g in expected]
    assert last["norm"] == pytest.approx(math.hypot(*norms), rel=1e-12)
    layer = recorder.structure.layers[0]
    value, gradient = last["numbers"][layer.weight]
    assert value == model.layers[0].weight.tolist()
    assert gradient == expected[0].tolist()
    assert last["tensors"][layer.weight][1][4] == pytest.approx(norms[0], rel=1e-12)


def test_gradients_and_mode_are_put_back():
    model = bg.MLP(2, [1], seed=0)
    bg.losses.mse(model([[1.0, 2.0]]), [[1.0]]).backward()
    before = [p.grad for p in model.parameters()]
    with undisturbed(model):
        assert not model.training
        assert all(p.grad is None for p in model.parameters())
    assert model.training
    assert all(a is b.grad for a, b in zip(before, model.parameters(), strict=True))


def test_steps_that_would_cost_too_much_are_left_out(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(recording, "time", clock)

    class Slow(Recorder):
        def record(self, *arguments):
            super().record(*arguments)
            clock.now += 1.0

        def on_steps(self, run):
            clock.now += 0.5  # a step of the training
            super().on_steps(run)

    slow = Slow()
    trained(slow, epochs=10)  # 30 steps, 15 s
    assert [record["step"] for record in slow.records] == [0, 1, 30]
    assert "left out" in slow.note
    longer = Slow()
    trained(longer, epochs=60)  # 90 s
    assert 0.05 < longer.spent / (longer.seconds - longer.spent) <= 0.1


def test_a_model_whose_graph_changes_is_recorded_while_it_is_as_first():
    class Growing(bg.Module):
        def __init__(self):
            self.w, self.calls = bg.ones(1, 1, requires_grad=True), 0

        def forward(self, x):
            self.calls += 1
            y = bg.as_tensor(x) @ self.w
            return y + 1.0 if self.calls > 3 else y

    recorder = Recorder()
    bg.fit(Growing(), [[1.0], [2.0]], [[1.0], [2.0]], epochs=4, callbacks=[recorder])
    assert len(recorder.records) == 2
    assert "another form" in recorder.note


def test_layers_are_found_with_what_they_read_and_make():
    recorder = Recorder()
    trained(recorder)
    first, second = recorder.structure.layers
    order = recorder.structure.trace.order
    assert (first.inputs, first.outputs, first.name) == (2, 3, "layers.0")
    assert order[first.x].name == "x"
    assert order[first.z].op.name == "add"
    assert order[first.a].op.name == "tanh"
    assert second.x == first.a
    assert second.z == second.a


def test_a_layer_without_a_bias_is_found_and_one_that_is_not_used_is_not():
    class Bare(bg.Module):
        def __init__(self):
            self.used, self.idle = bg.Linear(2, 3, bias=False, seed=0), bg.Linear(2, 2, seed=0)

        def forward(self, x):
            return self.used(x)

    recorder = Recorder()
    bg.fit(Bare(), [[1.0, 2.0]], [[1.0] * 3], epochs=1, callbacks=[recorder])
    (layer,) = recorder.structure.layers
    assert (layer.name, layer.bias, layer.z) == ("used", None, layer.a)


def test_a_wide_network_keeps_fewer_numbers_of_each_weight():
    recorder = Recorder()
    model = bg.MLP(2, [20] * 9, seed=0)
    bg.fit(model, [[1.0, 2.0]], [[0.0] * 20], epochs=1, callbacks=[recorder])
    kept = recorder.records[0]["numbers"]
    assert recorder.structure.side < 16
    assert sum(len(row) for v, _ in kept.values() for row in v if isinstance(row, list)) <= 2000


def test_a_graph_of_many_tensors_is_folded():
    class Long(bg.Module):
        def __init__(self):
            self.w = bg.ones(1, requires_grad=True)

        def forward(self, x):
            y = bg.as_tensor(x)
            for _ in range(1000):
                y = y * self.w
            return y

    recorder = Recorder(records=1)
    bg.fit(Long(), [[1.0]], [[1.0]], epochs=1, callbacks=[recorder], compiled=False)
    data = recorder.structure.data()
    assert max(len(nodes) for nodes in data["views"].values()) <= 120
    assert "tensors are drawn by module" in recorder.structure.notes["tensors"][0]


@pytest.mark.parametrize("options", [{"records": 0}, {"samples": 0}])
def test_a_recorder_of_nothing_is_refused(options):
    with pytest.raises(ArgumentError, match="one record and one sample at least"):
        Recorder(**options)
