"""Callbacks: what they are told, and what they do."""

import csv
import io
import math

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError, FileWriteError
from baregrad.optim.sgd import SGD
from baregrad.training.callbacks import (
    CSVLog,
    EarlyStopping,
    LambdaCallback,
    Progress,
)
from baregrad.training.finite import non_finite_origin
from baregrad.training.fit import fit
from baregrad.training.history import History
from baregrad.training.learning_rate import find_learning_rate
from baregrad.training.run import Callback

X = [[0.0], [1.0]]
Y = [[0.0], [1.0]]


class Recorder(Callback):
    """Notes the order of events."""

    def __init__(self):
        self.events = []

    def on_train_begin(self, run):
        self.events.append("train begin")

    def on_epoch_begin(self, run):
        self.events.append(f"epoch {run.epoch}")

    def on_loss(self, run):
        assert run.model.parameters()[0].grad is None or run.step
        self.events.append(f"loss {run.step}")

    def on_batch_end(self, run):
        assert run.model.parameters()[0].grad is not None
        self.events.append(f"batch {run.step}")

    def on_epoch_end(self, run):
        assert run.history.epoch[-1] == run.epoch
        self.events.append("epoch end")

    def on_train_end(self, run):
        self.events.append("train end")


def test_events_come_in_order():
    recorder = Recorder()
    fit(bg.MLP(1, [1]), X, Y, epochs=2, batch_size=1, callbacks=[recorder])
    assert recorder.events == [
        *("train begin",),
        *("epoch 0", "loss 0", "batch 1", "loss 1", "batch 2", "epoch end"),
        *("epoch 1", "loss 2", "batch 3", "loss 3", "batch 4", "epoch end"),
        *("train end",),
    ]


def scripted(values):
    """A metric that returns one value after another, and so a loss curve that is known."""
    rest = iter(values)

    def scripted_metric(prediction, target):
        return next(rest)

    return scripted_metric


def test_early_stopping_waits_for_its_patience_and_restores_the_best_weights():
    weights = []
    model = bg.MLP(1, [1], seed=0)
    stop = EarlyStopping("scripted_metric", patience=2)
    record = LambdaCallback(lambda run: weights.append(model.layers[0].weight.item()))
    curve = [3.0, 2.0, 1.0, 1.5, 1.0, 0.0]
    history = fit(
        model, X, Y, epochs=6, metrics=[scripted(curve)], callbacks=[record, stop], seed=0
    )
    assert history.epoch[-1] == 4
    assert history.stopped == "scripted_metric has not improved for 2 epochs"
    assert stop.best_epoch == 2
    assert model.layers[0].weight.item() == weights[2] != weights[-1]


def test_early_stopping_can_look_for_more_and_leave_the_weights():
    weights = []
    model = bg.MLP(1, [1], seed=0)
    stop = EarlyStopping("scripted_metric", patience=0, mode="max", restore_best=False)
    record = LambdaCallback(lambda run: weights.append(model.layers[0].weight.item()))
    fit(model, X, Y, epochs=5, metrics=[scripted([1.0, 2.0, 2.0])], callbacks=[record, stop])
    assert len(weights) == 3
    assert model.layers[0].weight.item() == weights[-1]


@pytest.mark.parametrize(("name", "best"), [("accuracy", 1), ("r2", 1), ("mae", 0)])
def test_early_stopping_knows_which_metrics_are_better_larger(name, best):
    metric = scripted([0.5, 0.7, 0.6])
    metric.__name__ = name
    stop = EarlyStopping(name, patience=3)
    fit(bg.MLP(1, [1]), X, Y, epochs=3, metrics=[metric], callbacks=[stop])
    assert stop.best_epoch == best


def test_early_stopping_needs_a_change_of_min_delta():
    stop = EarlyStopping("scripted_metric", patience=0, min_delta=0.5)
    history = fit(bg.MLP(1, [1]), X, Y, epochs=5, metrics=[scripted([2.0, 1.6])], callbacks=[stop])
    assert len(history.epoch) == 2


def test_early_stopping_prefers_the_validation_loss():
    stop = EarlyStopping(patience=0)
    far = ([[0.0]], [[1e3]])
    history = fit(
        bg.MLP(1, [1], seed=0), X, Y, epochs=30, validation_data=far, callbacks=[stop], seed=0
    )
    assert history.stopped is None or "val_loss" in history.stopped
    history = fit(bg.MLP(1, [1], seed=0), X, Y, "mse", "sgd", 2, callbacks=[EarlyStopping()])
    assert history.stopped is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "less"}, "unknown mode 'less'"),
        ({"patience": -1}, "patience must be an integer of at least 0, not -1"),
        ({"patience": "5"}, "patience must be an integer of at least 0, not '5'"),
        ({"min_delta": -1.0}, "min_delta must be a number of at least 0 and finite, not -1.0"),
        ({"min_delta": float("nan")}, "min_delta must be a number of at least 0"),
    ],
)
def test_early_stopping_checks_its_arguments(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        EarlyStopping(**arguments)


def test_early_stopping_names_a_quantity_that_is_not_there():
    with pytest.raises(ArgumentError, match="unknown quantity to monitor 'val_los'"):
        fit(
            bg.MLP(1, [1]), X, Y, epochs=1, validation_data=(X, Y),
            callbacks=[EarlyStopping("val_los")],
        )  # fmt: skip


def read_table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_the_csv_log_has_a_row_for_each_epoch(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("from an earlier run\n")
    history = fit(bg.MLP(1, [1]), X, Y, epochs=3, callbacks=[CSVLog(path)])
    rows = read_table(path)
    assert [float(row["loss"]) for row in rows] == history["loss"]
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]


def test_a_metric_that_is_nan_is_an_empty_cell(tmp_path):
    log = CSVLog(tmp_path / "log.csv")
    equal = [[1.0]] * len(X)
    history = fit(bg.MLP(1, [1]), X, equal, epochs=1, metrics=["r2"], callbacks=[log])
    history.to_csv(tmp_path / "history.csv")
    assert math.isnan(history["r2"][0])
    for name in ("log.csv", "history.csv"):
        assert [row["r2"] for row in read_table(tmp_path / name)] == [""]


def test_a_csv_log_quotes_the_names_that_need_it(tmp_path):
    def one(prediction, target):
        return 1.0

    one.__name__ = 'a,\n"b'
    path = tmp_path / "log.csv"
    fit(bg.MLP(1, [1]), X, Y, epochs=2, metrics=[one], callbacks=[CSVLog(path)])
    assert [row[one.__name__] for row in read_table(path)] == ["1.0", "1.0"]


def test_a_disk_that_is_full_while_a_log_is_written_is_said(tmp_path):
    class Fill(Callback):
        def on_epoch_begin(self, run):
            log.path = str(tmp_path)  # which cannot be written to either

    log = CSVLog(tmp_path / "log.csv")
    with pytest.raises(FileWriteError, match="cannot be written: Is a directory"):
        fit(bg.MLP(1, [1]), X, Y, epochs=2, callbacks=[Fill(), log])


def test_the_history_can_be_written_as_a_table(tmp_path):
    history = fit(bg.MLP(1, [1]), X, Y, epochs=2)
    history.to_csv(tmp_path / "history.csv")
    rows = read_table(tmp_path / "history.csv")
    assert [float(row["loss"]) for row in rows] == history["loss"]


def test_the_history_names_what_it_has():
    history = History()
    history.add(0, {"loss": 1.0})
    assert "loss" in history
    with pytest.raises(ArgumentError, match="unknown quantity 'los'; did you mean 'loss'"):
        history["los"]
    assert repr(History()) == "History(0 epochs)"
    assert repr(history) == "History(1 epoch: loss=1)"


def test_progress_prints_some_twenty_lines():
    out = io.StringIO()
    fit(bg.MLP(1, [1]), X, Y, epochs=100, callbacks=[Progress(file=out)], seed=0)
    lines = out.getvalue().splitlines()
    assert len(lines) == 21
    assert lines[0].startswith("epoch   1/100  loss ")
    assert lines[-1].startswith("epoch 100/100  loss ")


def test_progress_needs_a_line():
    with pytest.raises(ArgumentError, match="the number of lines must be an integer"):
        Progress(lines=0)


def test_a_log_that_cannot_be_written_is_refused_before_training(tmp_path):
    with pytest.raises(FileWriteError, match=r"log.csv cannot be written: No such file"):
        fit(bg.MLP(1, [1]), X, Y, epochs=1, callbacks=[CSVLog(tmp_path / "none" / "log.csv")])


def test_verbose_prints_to_standard_output(capsys):
    fit(bg.MLP(1, [1]), X, Y, epochs=1, verbose=True)
    assert capsys.readouterr().out.startswith("epoch 1/1  loss ")


# --- finding trouble, and learning rates --------------------------------------------------------


def test_the_origin_of_a_value_that_is_not_finite_is_named():
    x = bg.Tensor([1.0, 0.0], name="share")
    y = x.log().exp().sum() * math.inf
    assert "log result of shape (2,)" in non_finite_origin(y)
    assert non_finite_origin(bg.Tensor([math.nan], name="w").sum()).endswith("is 'w'")
    assert non_finite_origin(x.sum()) == "every value in its graph is finite"


def test_the_learning_rate_finder_suggests_a_rate_that_trains():
    model = bg.MLP(1, [8, 1], seed=0)
    x = [[i / 10] for i in range(-10, 10)]
    y = [[math.sin(3 * v[0])] for v in x]
    before = model.layers[0].weight.tolist()
    found = find_learning_rate(model, x, y, optimizer="sgd", batch_size=20, seed=0)
    assert repr(found) == (
        f"LearningRates(suggestion={found.suggestion:.4g}, {len(found.rates)} rates tried)"
    )
    assert model.layers[0].weight.tolist() == before
    assert model.training
    assert len(found.rates) == len(found.losses)
    assert found.rates == sorted(found.rates)
    assert 1e-3 < found.suggestion < 5
    optimizer = SGD(model.parameters(), lr=found.suggestion)
    history = fit(model, x, y, "mse", optimizer, epochs=100, batch_size=20, seed=0)
    assert history["loss"][-1] < 0.5 * history["loss"][0]


def test_the_learning_rate_finder_survives_a_loss_that_is_not_finite():
    model = bg.MLP(1, [3, 1], activation=bg.exp, seed=0)
    found = find_learning_rate(model, X, Y, optimizer="sgd", high=1e30, steps=4, seed=0)
    assert len(found.rates) < 4
    assert found.suggestion in found.rates


def test_the_learning_rate_finder_ends_when_the_loss_grows():
    found = find_learning_rate(bg.MLP(1, [1], seed=0), X, Y, optimizer="sgd", seed=0, high=1e3)
    assert len(found.rates) < 100
    assert found.losses[-1] > 4 * min(found.losses)


def test_the_learning_rate_finder_leaves_every_part_in_its_mode():
    model = bg.Sequential(bg.Linear(1, 2), bg.BatchNorm1d(2), bg.Linear(2, 1))
    model[1].eval()
    find_learning_rate(model, X, Y, steps=2)
    assert [part.training for _, part in model.named_modules()] == [True, True, False, True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 0.0}, "low must be a number above 0, not 0.0"),
        ({"low": 2.0, "high": 1.0}, "high must be a number above 2 and finite, not 1.0"),
        ({"steps": 1}, "steps must be an integer of at least 2, not 1"),
    ],
)
def test_the_learning_rate_finder_checks_its_range(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        find_learning_rate(bg.MLP(1, [1]), X, Y, **arguments)


def test_the_learning_rate_finder_ends_when_all_rates_have_been_tried():
    found = find_learning_rate(bg.MLP(1, [1], seed=0), X, Y, high=1e-3, steps=5, seed=0)
    assert found.rates == pytest.approx([1e-6 * 1000 ** (i / 4) for i in range(5)])
