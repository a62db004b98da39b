"""What was in the graph is computed from kept weights, and the model gets its own back."""

import math

import pytest

import baregrad as bg
from baregrad.view.report.probe import undisturbed
from baregrad.view.report.recorder import Moment, Recorder
from baregrad.view.report.records import records_of

from .conftest import trained


def of_end(model, x, y, loss="mse"):
    """The graph of a model after an epoch of training."""
    history = bg.fit(model, x, y, loss, epochs=1, compiled=False)
    return records_of(history.trained, [Moment(1, 0, model.state_dict())], 32)


def test_a_record_has_the_gradients_of_the_loss_of_the_watched_samples():
    recorder = Recorder(records=1, samples=18)
    history, model = trained(recorder)
    run = history.trained
    with undisturbed(model):
        loss = bg.losses.mse(model(run.samples.x), run.samples.y)
        loss.backward()
        expected = [p.grad for p in model.parameters()]
    records = records_of(run, recorder.moments, recorder.samples)
    last = records.each[-1]
    assert last["loss"] == loss.item()
    norms = [math.hypot(*g.array.data) for g in expected]
    assert last["norm"] == pytest.approx(math.hypot(*norms), rel=1e-12)
    layer = records.structure.layers[0]
    value, gradient = last["numbers"][layer.weight]
    assert value == model.layers[0].weight.tolist()
    assert gradient == expected[0].tolist()
    assert last["tensors"][layer.weight][1][4] == pytest.approx(norms[0], rel=1e-12)


def test_each_record_is_of_the_weights_of_its_moment():
    recorder = Recorder()
    history, model = trained(recorder)
    before = [p.tolist() for p in model.parameters()]
    records = records_of(history.trained, recorder.moments, recorder.samples)
    place = records.structure.layers[0].weight
    assert [r["step"] for r in records.each] == [m.step for m in recorder.moments]
    for record, moment in zip(records.each, recorder.moments, strict=True):
        assert record["numbers"][place][0] == moment.tensors["layers.0.weight"].tolist()
    assert [p.tolist() for p in model.parameters()] == before


def test_weights_are_put_back_when_the_loss_raises():
    history, model = trained()
    before = [p.tolist() for p in model.parameters()]

    def fails(prediction, target):
        raise ZeroDivisionError

    moment = history.recorder.moments[0]
    with pytest.raises(ZeroDivisionError):
        records_of(history.trained._replace(loss=fails), [moment], 4)
    assert [p.tolist() for p in model.parameters()] == before


def test_gradients_and_mode_are_put_back():
    model = bg.MLP(2, [1], seed=0)
    bg.losses.mse(model([[1.0, 2.0]]), [[1.0]]).backward()
    before = [p.grad for p in model.parameters()]
    with undisturbed(model):
        assert not model.training
        assert all(p.grad is None for p in model.parameters())
    assert model.training
    assert all(a is b.grad for a, b in zip(before, model.parameters(), strict=True))


def test_moments_at_which_the_graph_is_another_are_left_out():
    class Growing(bg.Module):
        def __init__(self):
            self.w = bg.ones(1, 1, requires_grad=True)

        def forward(self, x):
            y = bg.as_tensor(x) @ self.w
            return y + 1.0 if self.w.item() > 1 else y

    recorder, model = Recorder(), Growing()
    history = bg.fit(model, [[1.0], [2.0]], [[2.0], [4.0]], epochs=4, callbacks=[recorder])
    records = records_of(history.trained, recorder.moments, 2)
    assert [record["step"] for record in records.each] == [0]
    assert "another form" in records.note


def test_layers_are_found_with_what_they_read_and_make():
    structure = of_end(
        bg.MLP(2, [3, 1], seed=0, activation="tanh"), [[1.0, 2.0]], [[1.0]]
    ).structure
    first, second = structure.layers
    order = structure.trace.order
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

    (layer,) = of_end(Bare(), [[1.0, 2.0]], [[1.0] * 3]).structure.layers
    assert (layer.name, layer.bias, layer.z) == ("used", None, layer.a)


def test_a_wide_network_keeps_fewer_numbers_of_each_weight():
    records = of_end(bg.MLP(2, [20] * 9, seed=0), [[1.0, 2.0]], [[0.0] * 20])
    kept = records.each[0]["numbers"]
    assert records.structure.side < 16
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

    structure = of_end(Long(), [[1.0]], [[1.0]]).structure
    assert max(len(nodes) for nodes in structure.data()["views"].values()) <= 120
    assert "tensors are drawn by module" in structure.notes["tensors"][0]
