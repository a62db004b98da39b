"""`MLPRegressor` and `MLPClassifier` by themselves, on lists and tensors."""

import copy
import math
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import baregrad as bg
from baregrad import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore:max_iter=.* epochs are done")
POINTS = bg.Generator(0).randn(80, 2, dtype="float64")
X = POINTS.tolist()
Y = [2 * a - b for a, b in X]
SIDES = ["left" if a < b else "right" for a, b in X]
THIRDS = [(a > 0.5) - (a < -0.5) for a, b in X]
QUICK = {
    "hidden_layer_sizes": (6,),
    "learning_rate": "constant",
    "learning_rate_init": 0.05,
    "max_iter": 40,
    "dropout": 0.0,
    "random_state": 0,
}


def weights(model):
    return [parameter.tolist() for parameter in model.model_.parameters()]


# --- regression -----------------------------------------------------------------------------------


def test_a_regressor_learns_and_gives_tensors_to_those_who_give_lists():
    model = MLPRegressor(**QUICK).fit(X, Y)
    assert model.score(X, Y) > 0.98
    prediction = model.predict(X[:3])
    assert isinstance(prediction, bg.Tensor)
    assert (prediction.shape, prediction.dtype, prediction.op) == ((3,), "float64", None)
    assert isinstance(model.coefs_[0], bg.Tensor)
    assert [tuple(w.shape) for w in model.coefs_] == [(2, 6), (6, 1)]


def test_several_outputs_are_predicted_together():
    model = MLPRegressor(**QUICK).fit(POINTS, [[v, -v] for v in Y])
    assert model.predict(POINTS).shape == (80, 2)
    assert model.n_outputs_ == 2
    assert model.score(POINTS, [[v, -v] for v in Y]) > 0.98


def test_r2_is_the_mean_over_outputs_with_weights():
    model = MLPRegressor(**QUICK, dtype="float64").fit(X, [[v, 1.0] for v in Y])
    model.predict = None  # the score does not need it
    target, counts = [[v, 1.0] for v in Y], [i % 3 for i in range(80)]
    prediction = MLPRegressor.predict(model, X).tolist()
    total = sum(counts)
    mean = sum(c * v for c, v in zip(counts, Y, strict=True)) / total
    error = sum(c * (v - p[0]) ** 2 for c, v, p in zip(counts, Y, prediction, strict=True))
    spread = sum(c * (v - mean) ** 2 for c, v in zip(counts, Y, strict=True))
    # the second output does not vary and is not met exactly, which is worth 0
    assert model.score(X, target, counts) == pytest.approx((1 - error / spread) / 2, rel=1e-12)


def test_a_poisson_regressor_predicts_counts():
    counts = [math.exp(a) for a, b in X]
    model = MLPRegressor((), loss="poisson", solver="lbfgs", alpha=0, tol=1e-9, dtype="float64")
    model.fit(X, counts)
    assert model.out_activation_ == "exp"
    assert model.predict([[1.0, 0.0], [0.0, 1.0]]).tolist() == pytest.approx([math.e, 1], rel=1e-3)


@pytest.mark.parametrize(("loss", "best"), [("absolute_error", 1.0), ("mse", 4.0), ("huber", 1.4)])
def test_each_loss_has_its_own_best_constant(loss, best):
    options = QUICK | {"hidden_layer_sizes": (), "max_iter": 600, "tol": 0, "scale_target": False}
    model = MLPRegressor(loss=loss, alpha=0, **options)
    model.fit([[0.0]] * 5, [0.9, 1.0, 1.1, 0.8, 16.2])
    assert model.predict([[0.0]]).item() == pytest.approx(best, abs=0.2)


def test_a_loss_may_be_a_function():
    upper = partial(bg.losses.quantile, quantile=0.9)
    model = MLPRegressor(loss=upper, **QUICK | {"max_iter": 150, "tol": 0}).fit(
        X, [0.0] * 79 + [1.0]
    )
    assert model.loss_ < 0.1
    with pytest.raises(bg.ArgumentError, match="loss function returned"):
        MLPRegressor(loss=lambda p, t: 1.0).fit(X, Y)


FAR = [5e4 * y + 2e6 for y in Y]  # house prices, say


def test_targets_in_any_unit_are_learned_alike():
    near, far = MLPRegressor(**QUICK).fit(X, Y), MLPRegressor(**QUICK).fit(X, FAR)
    assert far.score(X, FAR) > 0.98
    assert far.score(X, FAR) == pytest.approx(near.score(X, Y), abs=1e-4)
    assert far.loss_curve_ == pytest.approx(near.loss_curve_, rel=1e-3)  # of standardised targets
    assert MLPRegressor(**QUICK, scale_target=False).fit(X, FAR).score(X, FAR) < 0.1


def test_the_network_gives_predictions_in_the_unit_of_the_targets():
    model = MLPRegressor(**QUICK).fit(X, [[v, w] for v, w in zip(Y, FAR, strict=True)])
    outputs = bg.predict(model.model_, X)
    assert outputs.astype("float64").tolist() == model.predict(X).tolist()
    linear = MLPRegressor((), solver="lbfgs", alpha=0, tol=1e-12, dtype="float64").fit(X, FAR)
    assert linear.coefs_[0].flatten().tolist() == pytest.approx([1e5, -5e4], rel=1e-4)
    assert linear.intercepts_[0].item() == pytest.approx(2e6, rel=1e-6)


def test_a_target_that_is_always_the_same_is_learned():
    model = MLPRegressor(**QUICK).fit(X, [[v, 7000.0] for v in Y])
    assert model.predict(X)[:, 1].tolist() == pytest.approx([7000.0] * 80, abs=1)


def test_weighted_targets_are_scaled_as_repeated_ones():
    options = QUICK | {"max_iter": 3, "batch_size": 500, "shuffle": False, "dtype": "float64"}
    counts = [i % 3 for i in range(80)]
    rows = [i for i, count in enumerate(counts) for _ in range(count)]
    weighted = MLPRegressor(**options).fit(X, FAR, counts)
    repeated = MLPRegressor(**options).fit([X[i] for i in rows], [FAR[i] for i in rows])
    assert weighted.predict(X).tolist() == pytest.approx(repeated.predict(X).tolist(), rel=1e-10)


@pytest.mark.parametrize("loss", ["poisson", bg.losses.mae])
def test_losses_that_depend_on_the_unit_have_targets_as_they_are(loss):
    counts = [math.exp(a) for a, b in X]
    model = MLPRegressor(loss=loss, **QUICK | {"max_iter": 2}).fit(X, counts)
    plain = MLPRegressor(loss=loss, scale_target=False, **QUICK | {"max_iter": 2}).fit(X, counts)
    assert weights(model) == weights(plain)


def test_training_that_fails_leaves_the_network_in_the_unit_of_the_targets():
    def fail(run):
        raise RuntimeError("enough")

    model = MLPRegressor(**QUICK, warm_start=True).fit(X, FAR)
    before = model.predict(X).tolist()
    model.set_params(callbacks=[bg.LambdaCallback(fail)], learning_rate_init=1e-9)
    with pytest.raises(RuntimeError, match="enough"):
        model.fit(X, FAR)
    assert model.predict(X).tolist() == pytest.approx(before, rel=1e-5)


# --- classification -------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [SIDES, THIRDS, [s == "left" for s in SIDES]])
def test_labels_of_any_kind_are_learned(labels):
    model = MLPClassifier(**QUICK).fit(X, labels)
    assert model.classes_ == sorted(set(labels))
    predicted = model.predict(X)
    assert set(map(type, predicted)) == {type(labels[0])}
    right = sum(p == t for p, t in zip(predicted, labels, strict=True)) / 80
    assert model.score(X, labels) == right > 0.9


@pytest.mark.parametrize("labels", [SIDES, THIRDS])
def test_probabilities_are_those_of_the_logits(labels):
    model = MLPClassifier(**QUICK).fit(X, labels)
    rows = model.predict_proba(X).tolist()
    assert all(sum(row) == pytest.approx(1, abs=1e-14) for row in rows)
    assert [model.classes_[row.index(max(row))] for row in rows] == model.predict(X)
    logits = bg.predict(model.model_, X).tolist()
    logarithms = model.predict_log_proba(X).tolist()
    for logit, row, logs in zip(logits, rows, logarithms, strict=True):
        scores = logit if len(logit) > 1 else [0.0, *logit]
        expected = [math.exp(s) / sum(map(math.exp, scores)) for s in scores]
        assert row == pytest.approx(expected, rel=1e-12)
        assert logs == pytest.approx(list(map(math.log, expected)), rel=1e-9, abs=1e-14)


def test_a_sample_may_have_several_labels():
    rows = [[int(a > 0), int(b > 0), int(a > b)] for a, b in X]
    model = MLPClassifier(**QUICK | {"max_iter": 100}).fit(X, rows)
    assert model.classes_ == [0, 1, 2]
    assert model.out_activation_ == "logistic"
    predicted = model.predict(X)
    assert model.score(X, rows) == sum(p == r for p, r in zip(predicted, rows, strict=True)) / 80
    chances = model.predict_proba(X).tolist()
    assert [[int(p > 0.5) for p in row] for row in chances] == predicted
    assert model.score(X, rows) > 0.8


def test_weights_of_classes_and_of_samples_are_the_same_thing():
    by_class = MLPClassifier(**QUICK, class_weight={"left": 3.0}).fit(X, SIDES)
    by_sample = MLPClassifier(**QUICK).fit(X, SIDES, [3.0 if s == "left" else 1.0 for s in SIDES])
    assert weights(by_class) == weights(by_sample)
    both = MLPClassifier(**QUICK, class_weight={"left": 1.5})
    both.fit(X, SIDES, [2.0 if s == "left" else 1.0 for s in SIDES])
    assert weights(both) == weights(by_sample)


def test_balanced_classes_count_the_same():
    share = {label: 80 / (3 * THIRDS.count(label)) for label in set(THIRDS)}
    balanced = MLPClassifier(**QUICK, class_weight="balanced").fit(X, THIRDS)
    assert weights(balanced) == weights(MLPClassifier(**QUICK, class_weight=share).fit(X, THIRDS))


def test_smoothed_labels_make_for_modest_probabilities():
    def sureness(**options):
        chances = MLPClassifier(**QUICK, **options).fit(X, SIDES).predict_proba(X)
        return chances.max(1).mean().item()

    assert sureness(label_smoothing=0.3) < sureness() - 0.05


# --- training -------------------------------------------------------------------------------------


def test_early_stopping_keeps_the_best_weights_and_the_scores():
    model = MLPClassifier(**QUICK | {"max_iter": 300}, early_stopping=True, n_iter_no_change=4)
    model.fit(X, SIDES)
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_ < 300
    assert model.best_validation_score_ == max(scores)
    assert model.best_loss_ is None
    assert model.history_.keys() == {"loss", "accuracy", "val_loss", "val_accuracy", "lr"}
    # the score falls short of the best before by less than tol in the last five epochs
    assert max(scores[-5:]) < max(scores[:-5]) + model.tol


def test_regression_stops_early_by_r2():
    model = MLPRegressor(**QUICK | {"max_iter": 8}, early_stopping=True, validation_fraction=0.25)
    model.fit(X, Y, [1.0] * 80)
    assert model.t_ == 8 * 60
    assert model.validation_scores_ == model.history_["val_r2"]


def test_validation_data_are_watched_and_not_trained_on():
    options = QUICK | {"max_iter": 30}
    model = MLPRegressor(**options).fit(X[:60], Y[:60], validation_data=(X[60:], Y[60:]))
    assert weights(model) == weights(MLPRegressor(**options).fit(X[:60], Y[:60]))
    assert model.validation_scores_ == model.history_["val_r2"]
    assert model.validation_scores_[-1] == pytest.approx(model.score(X[60:], Y[60:]), abs=1e-5)
    assert model.best_loss_ == min(model.loss_curve_)
    none = MLPRegressor(**options).fit(X[:60], Y[:60])
    assert none.validation_scores_ is None


def test_the_validation_loss_is_that_of_predictions_alone():
    model = MLPRegressor(**QUICK | {"max_iter": 3}, alpha=100.0, scale_target=False)
    model.fit(X[:60], Y[:60], validation_data=(X[60:], Y[60:]))
    errors = [p - t for p, t in zip(model.predict(X[60:]).tolist(), Y[60:], strict=True)]
    expected = sum(e * e for e in errors) / 40  # half of the mean of 20
    assert model.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-5)
    assert model.loss_ > 2 * expected  # with the penalty


def test_early_stopping_watches_the_validation_data():
    options = QUICK | {"max_iter": 300, "early_stopping": True, "n_iter_no_change": 4}
    model = MLPClassifier(**options, class_weight="balanced")
    held_out = (X[60:], SIDES[60:], [1.0] * 19 + [0.0])  # the last does not count
    model.fit(X[:60], SIDES[:60], validation_data=held_out)
    assert model.t_ == 60 * model.n_iter_ < 60 * 300
    # the best weights are put back
    assert model.score(X[60:79], SIDES[60:79]) == pytest.approx(model.best_validation_score_)


def test_training_ends_when_the_loss_no_longer_improves():
    model = MLPRegressor(**QUICK | {"max_iter": 500}, tol=1e-3, n_iter_no_change=5).fit(X, Y)
    assert model.n_iter_ < 500
    losses = model.loss_curve_
    assert min(losses[-6:]) > min(losses[:-6]) - 1e-3
    assert (model.best_loss_, model.loss_) == (min(losses), losses[-1])


def test_an_adaptive_learning_rate_is_divided_before_training_ends():
    options = QUICK | {"learning_rate": "adaptive", "n_iter_no_change": 2, "tol": 1e-2}
    model = MLPRegressor(**options | {"max_iter": 500}, solver="sgd").fit(X, Y)
    rates = sorted(set(model.history_["lr"]), reverse=True)
    assert rates == pytest.approx([0.05 / 5**i for i in range(len(rates))])
    assert rates[-1] <= 1e-6


def test_inverse_scaling_goes_by_the_samples_seen():
    model = MLPRegressor(**QUICK | {"max_iter": 3, "learning_rate": "invscaling"}, power_t=0.3)
    model.fit(X, Y)
    expected = [0.05 / (80 * epoch + 1) ** 0.3 for epoch in range(3)]
    assert model.history_["lr"] == pytest.approx(expected)
    assert model.partial_fit(X, Y).history_["lr"][3] == pytest.approx(0.05 / 241**0.3)


def test_a_schedule_counts_steps():
    rule = bg.schedules.step_decay(2, 0.5)
    model = MLPRegressor(**QUICK | {"max_iter": 3, "learning_rate": rule}, batch_size=40).fit(X, Y)
    assert model.history_["lr"] == pytest.approx([0.05, 0.025, 0.0125])


def test_partial_fit_in_one_order_is_what_fit_does():
    options = QUICK | {"max_iter": 5, "shuffle": False, "batch_size": 30, "scale_target": False}
    whole = MLPRegressor(**options).fit(X, Y)
    model = MLPRegressor(**options)
    for _ in range(5):
        model.partial_fit(X, Y)
    assert weights(model) == weights(whole)
    assert (model.n_iter_, model.t_) == (5, 400)
    assert model.loss_curve_ == whole.loss_curve_


def test_partial_fit_learns_classes_that_come_later():
    model = MLPClassifier(**QUICK)
    model.partial_fit(X[:2], ["left", "right"], classes=["left", "right", "up"])
    model.partial_fit(X[:1], ["up"])
    assert model.predict_proba(X[:1]).shape == (1, 3)
    with pytest.raises(bg.ArgumentError, match="and were"):
        model.partial_fit(X[:1], ["up"], classes=["left", "up"])
    with pytest.raises(bg.DataError, match="not among the classes: down"):
        model.partial_fit(X[:1], ["down"])


def test_a_warm_start_goes_on_from_the_weights():
    model = MLPRegressor(**QUICK | {"max_iter": 10}, warm_start=True).fit(X, Y)
    first = model.loss_
    model.fit(X, Y)
    assert model.loss_ < first
    assert (model.n_iter_, len(model.loss_curve_)) == (10, 20)
    cold = MLPRegressor(**QUICK | {"max_iter": 10}).fit(X, Y)
    assert len(cold.fit(X, Y).loss_curve_) == 10


def test_the_same_seed_gives_the_same_weights():
    assert weights(MLPRegressor(**QUICK).fit(X, Y)) == weights(MLPRegressor(**QUICK).fit(X, Y))
    other = QUICK | {"random_state": 1}
    assert weights(MLPRegressor(**other).fit(X, Y)) != weights(MLPRegressor(**QUICK).fit(X, Y))
    free = QUICK | {"random_state": None}
    bg.manual_seed(5)
    first = weights(MLPRegressor(**free).fit(X, Y))
    bg.manual_seed(5)
    assert weights(MLPRegressor(**free).fit(X, Y)) == first


def test_callbacks_norms_dropout_and_other_optimizers_take_part():
    told = []
    options = QUICK | {"hidden_layer_sizes": [6, 5], "max_iter": 3, "dropout": 0.1}
    model = MLPRegressor(
        **options,
        activation=("gelu", "logistic"),
        norm="batch",
        initializer=None,
        solver=partial(bg.AdamW, weight_decay=0.1),
        callbacks=[bg.LambdaCallback(lambda run: told.append((run.epoch, run.optimizer)))],
    ).fit(X, Y)
    assert [epoch for epoch, _ in told] == [0, 1, 2]
    assert isinstance(told[0][1], bg.AdamW)
    assert [layer.activation for layer in model.model_.layers[:2]] == [
        bg.Tensor.gelu,
        bg.Tensor.sigmoid,
    ]
    assert MLPRegressor(**options, solver="rmsprop").fit(X, Y).n_iter_ == 3


def test_a_single_number_is_one_hidden_layer_and_verbose_prints(capsys):
    model = MLPRegressor(4, max_iter=2, verbose=True).fit(X, Y)
    assert model.n_layers_ == 3
    assert "epoch 2/2" in capsys.readouterr().out


@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
def test_by_default_the_learning_rate_rises_and_falls_once_and_no_loss_ends_that(kind, recwarn):
    options = QUICK | {"learning_rate": "one_cycle", "max_iter": 10, "batch_size": 40}
    assert kind().learning_rate == "one_cycle"
    model = kind(**options, tol=100.0, n_iter_no_change=1).fit(
        X, SIDES if kind is MLPClassifier else Y
    )
    rule = bg.schedules.one_cycle(steps=20)
    rates = [rule(step, 0.05) for step in range(20)]
    assert model.n_iter_ == 10
    assert model.history_["lr"] == pytest.approx(rates[1::2])
    assert not recwarn


def test_a_cycle_begins_anew_with_each_fit_and_partial_fit_has_none():
    options = QUICK | {"learning_rate": "one_cycle", "max_iter": 4}
    model = MLPRegressor(**options, warm_start=True).fit(X, Y).fit(X, Y)
    assert model.history_["lr"][:4] == model.history_["lr"][4:]
    model = MLPRegressor(**options).partial_fit(X, Y).partial_fit(X, Y)
    assert model.history_["lr"] == [0.05, 0.05]


def test_lbfgs_has_neither_a_cycle_nor_dropout():
    model = MLPRegressor((), solver="lbfgs", tol=1e-3, dropout=0.5).fit(X, Y)
    assert model.n_iter_ < 50  # it ends when the loss no longer improves
    assert model.loss_ < 1e-3


def test_one_is_told_that_the_epochs_were_too_few():
    with pytest.warns(UserWarning, match="max_iter=2: all epochs are done"):
        MLPRegressor(**QUICK | {"max_iter": 2}).fit(X, Y)


@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_a_copy_predicts_and_learns_on_as_the_original(kind, copied):
    y = Y if kind is MLPRegressor else SIDES
    model = kind(**QUICK | {"max_iter": 3}).fit(X, y)
    other = copied(model)
    assert list(other.predict(X)) == list(model.predict(X)) or (
        other.predict(X).tolist() == model.predict(X).tolist()
    )
    assert weights(other.partial_fit(X, y)) == weights(model.partial_fit(X, y))


# --- parameters -----------------------------------------------------------------------------------


def test_parameters_are_read_and_set_by_name():
    model = MLPClassifier((3,), tol=0.1)
    assert model.get_params()["hidden_layer_sizes"] == (3,)
    assert model.set_params(tol=0.2, solver="sgd") is model
    assert repr(model) == "MLPClassifier(hidden_layer_sizes=(3,), solver='sgd', tol=0.2)"
    with pytest.raises(bg.ArgumentError, match="did you mean 'alpha'"):
        model.set_params(alhpa=1)


SCRIPT = """
import sys
sys.path.insert(0, {root!r})
import baregrad as bg
x = [[float(i), i % 3 - 1.0] for i in range(12)]
options = {{"max_iter": 3, "learning_rate": bg.schedules.exponential(0.9)}}
bg.MLPRegressor((3,), **options).fit(x, range(12)).predict(x)
model = bg.MLPClassifier((3,), **options)
model.fit(x, "ab" * 6).score(x, list("ab" * 6))
print({{"numpy", "sklearn", "pandas"}} & set(sys.modules))
if {numpy}:
    import numpy as np
    assert type(model.predict(np.array(x))) is np.ndarray
    print({{"sklearn", "pandas", "scipy"}} & set(sys.modules))
"""


@pytest.mark.parametrize("numpy", [False, True])
def test_neither_numpy_nor_scikit_learn_is_imported(numpy):
    if numpy:
        pytest.importorskip("numpy")
    script = SCRIPT.format(root=str(Path(bg.__file__).parents[1]), numpy=numpy)
    command = [sys.executable, "-W", "ignore", "-c", script]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert set(run.stdout.split("\n")) == {"set()", ""}
