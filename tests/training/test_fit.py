"""The training loop: it learns, it is reproducible, and it stops when it should."""

import math
import signal
import threading

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError, DataError, DTypeError, NonFiniteError, ShapeError
from baregrad.nn.losses import mse
from baregrad.optim.lbfgs import LBFGS
from baregrad.optim.schedules import ReduceOnPlateau, Schedule, step_decay
from baregrad.optim.sgd import SGD
from baregrad.training.callbacks import EarlyStopping, LambdaCallback
from baregrad.training.evaluation import evaluate, predict, predicting
from baregrad.training.fit import fit
from baregrad.training.run import Callback

X = [[i / 10] for i in range(-10, 10)]
Y = [[2 * x[0] + 1] for x in X]


def line(seed=0, **kwargs):
    """A model that can be a straight line and no more."""
    return bg.MLP(1, [1], seed=seed, **kwargs)


def test_it_finds_the_line_through_the_points():
    model = line()
    history = fit(model, X, Y, optimizer=SGD(model.parameters(), lr=0.3), epochs=60, seed=0)
    assert model.layers[0].weight.item() == pytest.approx(2, abs=1e-3)
    assert model.layers[0].bias.item() == pytest.approx(1, abs=1e-3)
    assert history["loss"][-1] < 1e-5 < history["loss"][0]


def test_it_does_what_the_textbook_loop_does():
    fitted, by_hand = line(), line()
    fit(fitted, X, Y, optimizer=SGD(fitted.parameters(), lr=0.1), epochs=3, batch_size=20, seed=0)
    x, y = bg.Tensor(X), bg.Tensor(Y)
    for _ in range(3):
        for parameter in by_hand.parameters():
            parameter.grad = None
        ((by_hand(x) - y) ** 2).mean().backward()
        for parameter in by_hand.parameters():
            parameter.assign((parameter - 0.1 * parameter.grad).detach())
    assert fitted.layers[0].weight.item() == pytest.approx(
        by_hand.layers[0].weight.item(), rel=1e-5
    )


def test_clipped_gradients_make_steps_no_longer_than_the_norm():
    class Lengths(Callback):
        def on_train_begin(self, run):
            self.before, self.found = self.weights(run), []

        def on_batch_end(self, run):
            after = self.weights(run)
            self.found.append(math.dist(after, self.before))
            self.before = after

        def weights(self, run):
            return [value for p in run.model.parameters() for value in p.flatten().tolist()]

    model, lengths = line(), Lengths()
    sgd = SGD(model.parameters(), lr=0.5)
    fit(model, X, Y, optimizer=sgd, epochs=2, callbacks=[lengths], clip_norm=0.01, seed=0)
    assert lengths.found == pytest.approx([0.005, 0.005], rel=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adagrad", "adam", "adamw", "lbfgs"])
def test_every_optimizer_works_by_name(optimizer):
    history = fit(line(), X, Y, optimizer=optimizer, epochs=5, seed=0)
    assert history["loss"][-1] < max(history["loss"][0], 1e-9)


def test_an_optimizer_class_is_used_with_its_defaults():
    histories = [fit(line(), X, Y, optimizer=o, epochs=2, seed=0) for o in ("adam", bg.Adam)]
    assert histories[0]["loss"] == histories[1]["loss"]


def test_a_line_search_that_tries_what_is_not_finite_turns_back():
    class Count(Callback):
        def on_loss(self, run):
            seen.append(run.loss.item())

    seen, model = [], line()
    optimizer = LBFGS(model.parameters(), lr=1e30, line_search_fn="strong_wolfe")
    history = fit(model, X, Y, "mse", optimizer, epochs=3, batch_size=20, callbacks=[Count()])
    assert len(seen) == 3  # what was tried on the way is not a loss of the training
    assert all(map(math.isfinite, history["loss"]))


def test_lbfgs_takes_several_evaluations_for_a_step():
    model = line()
    optimizer = LBFGS(model.parameters(), line_search_fn="strong_wolfe")
    history = fit(model, X, Y, optimizer=optimizer, epochs=5, batch_size=20, seed=0)
    assert history["loss"][-1] < 1e-8
    assert history.steps == 5


# --- the history --------------------------------------------------------------------------------


def test_the_history_has_loss_metrics_and_learning_rate_for_every_epoch():
    history = fit(
        line(), X, Y, epochs=4, validation_data=(X, Y), metrics=["mae", math_error], seed=0
    )
    assert history.epoch == [0, 1, 2, 3]
    assert list(history.history) == [
        *("loss", "mae", "math_error", "lr"),
        *("val_loss", "val_mae", "val_math_error"),
    ]
    assert all(len(values) == 4 for values in history.history.values())
    assert history["math_error"] == [3.0] * 4
    assert history.steps == 4
    assert history.stopped is None
    assert "4 epochs: loss=" in repr(history)


def math_error(prediction, target):
    return 3.0


def test_the_loss_of_an_epoch_counts_every_sample_the_same():
    # with nothing to learn and batches of 3 and 1, the epoch's loss is the mean of four squares
    model = line()
    for parameter in model.parameters():
        parameter.assign(parameter * 0)
    optimizer = SGD(model.parameters(), lr=0.0)
    history = fit(
        model, [[0.0]] * 4, [[1.0], [2.0], [3.0], [4.0]], "mse", optimizer, 1, batch_size=3
    )
    assert history["loss"] == [pytest.approx((1 + 4 + 9 + 16) / 4)]


def test_validation_split_takes_the_last_samples():
    seen = []

    def spy(prediction, target):
        seen.append(target.tolist())
        return 0.0

    fit(line(), X, Y, epochs=1, validation_split=0.25, metrics=[spy], seed=0)
    assert seen[-1] == [pytest.approx(y) for y in Y[15:]]
    assert len(seen[0]) == 15


def test_validation_does_not_train():
    far = ([[100.0]] * 5, [[-100.0]] * 5)
    one, two = line(dropout=0.0), line(dropout=0.0)
    fit(one, X, Y, epochs=3, validation_data=far, seed=1)
    fit(two, X, Y, epochs=3, seed=1)
    assert one.layers[0].weight.item() == two.layers[0].weight.item()


def test_the_model_is_left_ready_to_predict():
    model = bg.MLP(1, [4, 1], dropout=0.5, seed=0)
    fit(model, X, Y, epochs=1, seed=0)
    assert not model.training


# --- reproducible -------------------------------------------------------------------------------


def test_a_seed_gives_the_same_weights():
    ends = []
    for seed in (1, 1, 2):
        model = bg.MLP(1, [4, 1], dropout=0.2, seed=0)
        fit(model, X, Y, epochs=3, batch_size=4, seed=seed)
        ends.append(model.layers[0].weight.tolist())
    assert ends[0] == ends[1] != ends[2]


def test_manual_seed_decides_where_no_seed_is_given():
    ends = []
    for _ in range(2):
        bg.manual_seed(5)
        model = bg.MLP(1, [4, 1])
        fit(model, X, Y, epochs=2, batch_size=4)
        ends.append(model.layers[0].weight.tolist())
    assert ends[0] == ends[1]


# --- weights of samples -------------------------------------------------------------------------


def test_weights_count_across_batches():
    # the best constant for targets 0 and 1 with weights 1 and 9 is 0.9, in batches of one as well
    model = line()
    optimizer = SGD(model.parameters(), lr=0.01)
    x, y, weight = [[0.0], [0.0]], [[0.0], [1.0]], [1.0, 9.0]
    history = fit(model, x, y, "mse", optimizer, 600, batch_size=1, sample_weight=weight, seed=0)
    assert model.layers[0].bias.item() == pytest.approx(0.9, abs=0.01)
    assert history["loss"][-1] == pytest.approx(0.1 * 0.9**2 + 0.9 * 0.1**2, abs=0.01)


def test_the_loss_of_an_epoch_is_weighted_as_evaluate_weights_it():
    model = line()
    weight = [float(i) for i in range(20)]
    optimizer = SGD(model.parameters(), lr=0.0)
    history = fit(model, X, Y, "mse", optimizer, 1, 3, sample_weight=weight, seed=0)
    found = evaluate(model, X, Y, "mse", sample_weight=weight)
    assert history["loss"][0] == pytest.approx(found["loss"], rel=1e-5)


def test_a_sample_of_weight_zero_teaches_nothing():
    x, y = [*X, [0.5]], [*Y, [1000.0]]
    model = line()
    optimizer = SGD(model.parameters(), lr=0.3)
    fit(model, x, y, "mse", optimizer, 80, 21, sample_weight=[1.0] * 20 + [0.0], seed=0)
    assert model.layers[0].weight.item() == pytest.approx(2, abs=1e-2)


# --- stopping -----------------------------------------------------------------------------------


def test_a_callback_can_end_training_after_the_batch():
    class Stop(Callback):
        def on_batch_end(self, run):
            if run.step == 3:
                run.stop("enough")

    history = fit(line(), X, Y, epochs=10, batch_size=5, callbacks=[Stop()], seed=0)
    assert history.steps == 3
    assert history.stopped == "enough"
    assert len(history["loss"]) == 1


def test_ctrl_c_ends_training_at_the_next_batch_with_the_weights_kept():
    class PressCtrlC(Callback):
        def on_loss(self, run):
            if run.step == 2:
                signal.raise_signal(signal.SIGINT)

    model = line()
    history = fit(model, X, Y, epochs=10, batch_size=5, callbacks=[PressCtrlC()], seed=0)
    assert history.interrupted
    assert history.stopped == "interrupted by Ctrl-C"
    assert history.steps == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_during_the_last_validation_is_not_forgotten():
    press = LambdaCallback(lambda run: signal.raise_signal(signal.SIGINT))
    history = fit(line(), X, Y, epochs=1, validation_data=(X, Y), callbacks=[press])
    assert history.interrupted


def test_a_second_ctrl_c_leaves_at_once():
    class Impatient(Callback):
        def on_loss(self, run):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(line(), X, Y, epochs=10, callbacks=[Impatient()])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_program_is_left_alone(monkeypatch):
    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    try:
        signal_once = LambdaCallback(lambda run: signal.raise_signal(signal.SIGINT))
        history = fit(line(), X, Y, epochs=2, callbacks=[signal_once])
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(pressed) == 2
    assert not history.interrupted


def test_it_works_in_a_thread():
    histories = []
    thread = threading.Thread(target=lambda: histories.append(fit(line(), X, Y, epochs=2)))
    thread.start()
    thread.join()
    assert histories[0].epoch == [0, 1]


# --- predictions --------------------------------------------------------------------------------


def test_predict_covers_every_sample_without_dropout_or_graph():
    model = bg.MLP(1, [4, 1], dropout=0.5, seed=0)
    output = predict(model, X, batch_size=3)
    assert model.training
    assert output.op is None
    model.eval()
    assert output.tolist() == model(X).tolist()


def test_predict_leaves_every_part_in_its_mode():
    model = bg.Sequential(bg.Linear(1, 2), bg.BatchNorm1d(2), bg.Dropout(0.5))
    model[1].eval()
    predict(model, X)
    assert [module.training for _, module in model.named_modules()] == [True, True, False, True]


def test_a_thread_that_has_predicted_leaves_the_mode_to_those_that_still_do():
    def predict_first():
        with predicting(model):
            entered.set()
            leave.wait(timeout=60)

    model, entered, leave = line(), threading.Event(), threading.Event()
    other = threading.Thread(target=predict_first)
    other.start()
    assert entered.wait(timeout=60)
    with predicting(model):
        leave.set()
        other.join()
        assert not model.training
    assert model.training


def test_predict_of_no_samples_has_no_rows():
    assert predict(line(), bg.zeros(0, 1)).shape == (0, 1)


def test_evaluate_returns_loss_and_metrics():
    found = evaluate(line(), X, Y, metrics=("mse", "r2"))
    assert found["loss"] == pytest.approx(found["mse"], rel=1e-6)
    assert found["r2"] < 1


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epochs": -1}, ArgumentError, "epochs must be an integer of at least 0, not -1"),
        ({"epochs": 1.5}, ArgumentError, "epochs must be an integer"),
        ({"batch_size": 0}, ArgumentError, "batch_size must be an integer of at least 1, not 0"),
        ({"loss": "mes"}, ArgumentError, "unknown loss 'mes'; did you mean 'mse'"),
        ({"optimizer": "adma"}, ArgumentError, "unknown optimizer 'adma'; did you mean 'adam'"),
        ({"metrics": ["acuracy"]}, ArgumentError, "unknown metric 'acuracy'"),
        ({"epochs": True}, ArgumentError, "epochs must be an integer of at least 0, not True"),
        ({"model": print}, ArgumentError, "the model must be a Module, such as an MLP, not <built"),
        ({"loss": []}, ArgumentError, r"unknown loss \[\]"),
        ({"optimizer": []}, ArgumentError, r"unknown optimizer \[\]"),
        ({"optimizer": dict}, ArgumentError, "dict is no class of optimizers, such as Adam"),
        ({"metrics": None}, ArgumentError, "metrics must be a list, such as .*, not None"),
        ({"validation_data": 5}, ArgumentError, r"must be \(x, y\) or"),
        ({"validation_split": 1.0}, ArgumentError, "split must be a number above 0 and below 1"),
        ({"validation_split": math.nan}, ArgumentError, "split must be a number .* not nan"),
        ({"validation_split": "0.2"}, ArgumentError, "split must be a number .* not '0.2'"),
        ({"checkpoint": 5}, ArgumentError, "5 cannot be the path of a file"),
        ({"validation_split": 0.001}, ArgumentError, "leave samples on both sides"),
        (
            {"validation_split": 0.5, "validation_data": (X, Y)},
            ArgumentError,
            "either validation_data or validation_split",
        ),
        ({"validation_data": (X,)}, ArgumentError, r"must be \(x, y\)"),
        ({"validation_data": (X, Y[:3])}, DataError, "validation data: x has 20 .* y has 3"),
        ({"x": []}, DataError, "training data: there are no samples"),
        ({"x": 1.0}, DataError, "there are no samples"),
        ({"y": ["a"] * 20}, DTypeError, r"training data: y: data\[0\] is 'a', not a number"),
        ({"x": [[1], [1, 2]]}, ShapeError, "training data: x: ragged list"),
        ({"x": X[:5]}, DataError, "x has 5 samples and y has 20"),
        ({"x": [[math.nan], *X[1:]]}, DataError, "x has the value nan in sample 0, feature 0"),
        ({"y": [*Y[:-1], [math.inf]]}, DataError, "y has the value inf in sample 19"),
        ({"y": [y[0] for y in Y]}, ShapeError, r"\(20, 1\).*\(20,\)|use target.reshape"),
        ({"sample_weight": [1.0]}, ShapeError, r"sample_weight has shape \(1,\)"),
        ({"sample_weight": [math.nan] * 20}, DataError, "sample_weight has the value nan"),
        ({"sample_weight": [-1.0] * 20}, ArgumentError, "sample weights must be 0 or more"),
        ({"sample_weight": [0] * 20}, ArgumentError, "sample weights must be 0 or more, and some"),
        ({"metrics": "mae"}, ArgumentError, r"metrics must be a list, such as \['mae'\]"),
        ({"metrics": ["mae", "mae"]}, ArgumentError, "two quantities would be called 'mae'"),
        ({"metrics": [lambda p, t: 0, lambda p, t: 1]}, ArgumentError, "called '<lambda>'"),
        ({"callbacks": EarlyStopping()}, ArgumentError, "callbacks must be a list of Callback"),
        ({"callbacks": [print]}, ArgumentError, "there is LambdaCallback"),
        ({"loss": lambda p, t: 1.0}, ArgumentError, "the loss function returned 1.0; it must"),
        ({"loss": lambda p, t: p - t}, ArgumentError, "must return a tensor with one element"),
        ({"optimizer": SGD(line().parameters())}, ArgumentError, "none of the model's parameters"),
        ({"optimizer": 3}, ArgumentError, "unknown optimizer 3"),
        ({"schedule": "cosine"}, ArgumentError, "cosine"),
        ({"clip_norm": 0}, ArgumentError, "clip_norm must be a number above 0, not 0"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        fit(**({"model": line(), "x": X, "y": Y, "epochs": 1} | arguments))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_loss_of_ones_own_that_would_broadcast_is_warned_of(compiled):
    def naive(prediction, target):
        return ((prediction - target) ** 2).mean()

    row = [y[0] for y in Y]
    message = r"shape \(20, 1\) and targets \(20,\): .* use y\.reshape\(\(-1, 1\)\)"
    with pytest.warns(UserWarning, match=message):
        fit(line(), X, row, naive, epochs=1, batch_size=20, compiled=compiled)
    fit(line(), X, Y, naive, epochs=1, batch_size=20, compiled=compiled)  # no warning


def test_a_model_that_returns_no_tensor_is_named():
    class Listed(bg.Linear):
        def forward(self, x):
            return super().forward(x).tolist()

    with pytest.raises(ArgumentError, match=r"the model returned \[\[.*must return a tensor"):
        fit(Listed(1, 1), X, Y, epochs=1)


def test_a_loss_that_is_not_finite_names_the_layer_the_operation_and_the_step():
    model = bg.MLP(1, [3, 1], activation=bg.exp, seed=0)
    optimizer = SGD(model.parameters(), lr=1e6)
    with pytest.raises(NonFiniteError, match=r"at step \d+ .*MLP\.layers\.\d.*learning rate"):
        fit(model, X, Y, optimizer=optimizer, epochs=20, seed=0)


def test_a_loss_of_ones_own_that_is_not_finite_is_found_too():
    def strange(prediction, target):
        return mse(prediction, target) * math.inf

    model = line()
    before = model.layers[0].weight.item()
    with pytest.raises(NonFiniteError, match=r"the loss is inf at step 0"):
        fit(model, X, Y, loss=strange)
    assert model.layers[0].weight.item() == before


# --- learning-rate schedules --------------------------------------------------------------------


def test_a_rule_counts_batches():
    optimizer_rates = []

    class Rates(Callback):
        def on_loss(self, run):
            optimizer_rates.append(run.optimizer.lr)

    model = line()
    optimizer = SGD(model.parameters(), lr=1.0)
    halve = step_decay(every=2, factor=0.5)
    history = fit(model, X, Y, "mse", optimizer, 2, 5, callbacks=[Rates()], schedule=halve, seed=0)
    assert optimizer_rates == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    assert history["lr"] == [0.5, 0.125]


def test_reduce_on_plateau_looks_at_the_loss_of_each_epoch():
    model = line()
    optimizer = SGD(model.parameters(), lr=1e-9)
    schedule = ReduceOnPlateau(optimizer, factor=0.1, patience=0)
    far = ([[0.0]], [[1e6]])
    history = fit(model, X, Y, "mse", optimizer, 3, validation_data=far, schedule=schedule, seed=0)
    assert history["lr"] == pytest.approx([1e-9, 1e-9, 1e-10])


def test_a_schedule_for_another_optimizer_is_refused():
    model = line()
    schedule = Schedule(SGD(model.parameters()), step_decay(1))
    with pytest.raises(ArgumentError, match="made for another optimizer"):
        fit(model, X, Y, optimizer="sgd", epochs=1, schedule=schedule)


# --- weights that are not finite ----------------------------------------------------------------


def test_weights_that_the_last_step_spoiled_are_noticed():
    model = line()
    optimizer = SGD(model.parameters(), lr=1e25)
    with pytest.raises(
        NonFiniteError, match=r"'layers.0.weight' is not finite at step 1 \(epoch 1"
    ):
        fit(model, [[1e20], [2.0]], [[1.0], [2.0]], "mae", optimizer, epochs=1, batch_size=2)


def test_a_validation_loss_that_is_not_finite_is_noticed():
    far = ([[1e30]], [[1.0]])
    with pytest.raises(NonFiniteError, match="the validation loss is inf at step 1"):
        fit(line(), X, Y, epochs=1, validation_data=far)


def test_an_overflow_in_the_loss_names_the_layer_it_came_from():
    with pytest.raises(NonFiniteError, match=r"multiply result .*, computed after MLP.layers.0"):
        fit(line(), [[1e30]], [[0.0]], "mse", "sgd", epochs=1)


@pytest.mark.parametrize("size", [0, -1])
def test_predicting_needs_batches_of_at_least_one(size):
    with pytest.raises(ArgumentError, match="batch_size must be an integer of at least 1"):
        predict(line(), X, batch_size=size)


def test_samples_that_are_not_shuffled_keep_their_order():
    seen = []

    class Spy(Callback):
        def on_batch_end(self, run):
            seen.extend(run.prediction.flatten().tolist())

    numbers = [[float(i)] for i in range(5)]
    model = line()
    optimizer = SGD(model.parameters(), lr=0.0)
    options = {"optimizer": optimizer, "epochs": 2, "batch_size": 2, "callbacks": [Spy()]}
    fit(model, numbers, numbers, **options, shuffle=False)
    assert seen == model(numbers).flatten().tolist() * 2
