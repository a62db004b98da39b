"""Trainings as machine code, against the same trainings as Python."""

import contextlib
import copy
import gc
import math
import os
import pickle
import signal
import threading
import weakref

import pytest

import baregrad as bg
from baregrad.compiler.vector.avx2 import AVX2
from baregrad.engines import selection
from baregrad.engines.array import Resident
from baregrad.engines.selection import ReferenceEngine
from baregrad.errors import NonFiniteError, OutOfRangeError, ShapeError
from baregrad.machine.cpu import processor_features
from baregrad.machine.errors import UnsupportedMachineError
from baregrad.optim.schedules import ReduceOnPlateau, Schedule, cosine, step_decay
from baregrad.training import native_prediction, native_steps
from baregrad.training.run import Callback

native = pytest.mark.skipif(
    not AVX2.features <= processor_features(), reason="this processor runs none of our code"
)
pytestmark = native

SAMPLES = 48  # in six batches of 8


def samples(outputs=1, classes=0):
    generator = bg.Generator(7)
    x = generator.randn(SAMPLES, 4)
    if classes:
        return x, generator.randint(0, classes, (SAMPLES,))
    return x, (x.sum(1, keepdims=True) * bg.ones(1, outputs)).sin().detach()


def network(outputs=1, **options):
    return bg.MLP(4, [8, outputs], seed=0, **options)


def parameters(model):
    return [value for tensor in model.state_dict().values() for value in tensor.flatten().tolist()]


def sgd(model, lr=0.1):
    return bg.SGD(model.parameters(), lr=lr, momentum=0.9)


def trained(compiled, loss="mse", optimizer=sgd, classes=0, model=None, x=None, y=None, **options):
    """A model after three epochs, and its history."""
    bg.manual_seed(3)
    settings = {name: options.pop(name) for name in ("dropout", "norm") if name in options}
    model = model or network(classes or 1, **settings)
    data = samples(classes=classes)
    x, y = data[0] if x is None else x, data[1] if y is None else y
    arguments = {"epochs": 3, "batch_size": 8, "seed": 1} | options
    with contextlib.nullcontext() if compiled else selection.using(ReferenceEngine()):
        history = bg.fit(model, x, y, loss, optimizer(model), compiled=compiled, **arguments)
    return model, history


def assert_alike(rel=1e-4, tolerance=2e-6, **options):
    """Both ways lead to the same weights, losses and metrics."""
    plain, expected = trained(False, **options)
    fast, history = trained(True, **options)
    assert history.compiled, history.fallback
    assert history.fallback is None
    assert not expected.compiled
    assert parameters(fast) == pytest.approx(parameters(plain), rel=rel, abs=tolerance)
    assert list(history.history) == list(expected.history)
    for name, values in expected.history.items():
        assert history[name] == pytest.approx(values, rel=rel, abs=1e-5)
    assert history.steps == expected.steps
    assert not fast.training


@pytest.fixture
def always(monkeypatch):
    """Predictions of any size are worth compiling."""
    monkeypatch.setattr("baregrad.training.evaluation.prediction_pays", lambda *_: True)


# --- the same numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "quantile"])
def test_losses_of_numbers(loss):
    assert_alike(loss=loss)


def test_gradients_that_are_clipped():
    assert_alike(clip_norm=0.05)
    free, _ = trained(True)
    clipped, _ = trained(True, clip_norm=0.05)
    assert parameters(clipped) != pytest.approx(parameters(free), rel=1e-2)


def test_the_cross_entropy_with_accuracy_and_validation():
    assert_alike(loss="cross_entropy", classes=3, metrics=["accuracy"], validation_split=0.3)


def test_two_classes_with_weights_of_samples():
    x, y = samples()
    labels = (y > 0).astype("float32").detach()
    weights = [1.0 + i % 3 for i in range(SAMPLES)]
    assert_alike(loss="binary_cross_entropy", x=x, y=labels, sample_weight=weights)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda model: bg.Adam(model.parameters(), lr=0.01),
        lambda model: bg.AdamW(model.parameters(), lr=0.01),
        lambda model: bg.RMSprop(model.parameters()),
        lambda model: bg.Adagrad(model.parameters()),
        lambda model: bg.SGD(
            [
                {"parameters": model.layers[0].parameters(), "lr": 0.01},
                {"parameters": model.layers[1].parameters()},
            ],
            lr=0.1,
        ),
    ],
    ids=["adam", "adamw", "rmsprop", "adagrad", "groups"],
)
def test_optimizers(optimizer):
    assert_alike(optimizer=optimizer, schedule=cosine(steps=18, warmup=4))


def test_a_schedule_goes_on_within_a_call_and_metrics_see_every_sample():
    assert_alike(schedule=step_decay(2, 0.7), metrics=["mae", "r2"], validation_split=0.2)


def test_reduce_on_plateau():
    def halved(model):
        return bg.SGD(model.parameters(), lr=1e-9)

    model = network()
    optimizer = halved(model)
    schedule = ReduceOnPlateau(optimizer, factor=0.5, patience=0)
    history = bg.fit(model, *samples(), "mse", optimizer, 4, 8, schedule=schedule, compiled=True)
    assert history.compiled
    assert history["lr"][-1] < 1e-9


def test_dropout_drops_the_same():
    assert_alike(dropout=0.4)


def test_batch_norm_keeps_the_same_averages():
    assert_alike(norm="batch", tolerance=1e-5)


def test_the_last_batch_may_be_smaller():
    assert_alike(batch_size=10, metrics=["mae"])


def test_one_batch_that_is_all_samples():
    assert_alike(batch_size=SAMPLES)


def test_training_goes_on_where_it_stopped():
    results = []
    for compiled in (False, True):
        bg.manual_seed(3)
        model = network()
        optimizer = bg.Adam(model.parameters(), lr=0.01)
        for seed in (1, 2):
            bg.fit(model, *samples(), "mse", optimizer, 2, 8, seed=seed, compiled=compiled)
        assert optimizer.state[model.parameters()[0]]["step"] == 24
        results.append(parameters(model))
    assert results[1] == pytest.approx(results[0], rel=1e-4, abs=1e-6)


def test_two_models_may_share_a_layer():
    results = []
    for compiled in (False, True):
        one, two = network(), network()
        two.layers[0] = one.layers[0]
        for model, seed in ((one, 1), (two, 2), (one, 3)):
            bg.fit(model, *samples(), "mse", sgd(model), 2, 8, seed=seed, compiled=compiled)
        assert one.layers[0].weight.tolist() == two.layers[0].weight.tolist()
        results.append(parameters(one) + parameters(two))
    assert results[1] == pytest.approx(results[0], rel=1e-4, abs=1e-6)


# --- what is decided ------------------------------------------------------------------------------


def test_small_trainings_run_as_python_and_large_ones_as_machine_code():
    _, small = trained(None)
    _, large = trained(None, epochs=90)
    assert (small.compiled, small.fallback) == (False, None)
    assert large.compiled


def looks(prediction, target):
    value = bg.losses.mse(prediction, target)
    return value if value.item() > 0 else -value


def test_a_loss_that_looks_at_numbers_runs_as_python_and_the_history_says_why():
    plain, _ = trained(False, loss=looks)
    same, history = trained(True, loss=looks)
    assert parameters(same) == pytest.approx(parameters(plain), rel=1e-4, abs=1e-6)
    assert not history.compiled
    assert "looks at the numbers" in history.fallback


def short_lbfgs(model):
    return bg.LBFGS(model.parameters(), max_iter=1)


def test_lbfgs_and_float64_run_as_python():
    _, history = trained(True, optimizer=short_lbfgs, epochs=1)
    assert "LBFGS looks at losses" in history.fallback
    x, y = samples()
    _, history = trained(
        True, model=network(dtype="float64"), x=x.astype("float64"), y=y.astype("float64"), epochs=1
    )
    assert "float64" in history.fallback


def test_data_of_float64_trains_a_model_of_float32_as_machine_code(always):
    x, y = (data.astype("float64").detach() for data in samples())
    assert_alike(x=x, y=y, metrics=["r2"], validation_split=0.25)
    model = network()
    assert bg.predict(model, x).tolist() == bg.predict(model, x.astype("float32")).tolist()
    assert model in native_prediction._compiled


def test_a_schedule_with_a_step_of_its_own_runs_as_python():
    class Own(Schedule):
        def step(self, metric=None):
            super().step()

    model = network()
    optimizer = sgd(model)
    history = bg.fit(
        *(model, *samples(), "mse", optimizer, 1, 8),
        schedule=Own(optimizer, step_decay(2)),
        compiled=True,
    )
    assert "Own has a step() of its own" in history.fallback


def test_where_no_machine_code_runs_python_does(monkeypatch):
    def refuse():
        raise UnsupportedMachineError("not this processor")

    plain, _ = trained(False, validation_split=0.2)
    monkeypatch.setattr("baregrad.compiler.step.chosen_target", refuse)
    same, history = trained(True, validation_split=0.2)
    assert parameters(same) == pytest.approx(parameters(plain), rel=1e-4, abs=1e-6)
    assert "not this processor" in history.fallback


def test_mistakes_are_named_as_ever():
    x, y = samples()
    with pytest.raises(ShapeError, match=r"prediction has shape \(8, 1\)"):
        trained(True, x=x, y=y.reshape(SAMPLES).detach())
    labels = bg.Tensor([0, 1, 7] * 16)
    with pytest.raises(OutOfRangeError, match="a target class must be from 0 to 2"):
        trained(True, loss="cross_entropy", classes=3, x=x, y=labels)


# --- callbacks ------------------------------------------------------------------------------------


class Watcher(Callback):
    """Watches every fourth step; notes what it sees, and the losses of all."""

    def __init__(self):
        self.seen = []
        self.losses = []
        self.calls = 0

    def watches(self, run, step):
        return step % 4 == 2

    def on_loss(self, run):
        self.seen.append(run.step)
        assert run.loss.op is not None

    def on_batch_end(self, run):
        assert all(p.grad is not None for p in run.model.parameters())

    def on_steps(self, run):
        self.losses += run.losses
        self.calls += 1
        assert run.step == len(self.losses)
        assert run.loss.item() == run.losses[-1]


def test_watched_steps_run_as_python_and_the_others_between_them_do_not(monkeypatch):
    expected, watcher = Watcher(), Watcher()
    plain, _ = trained(False, callbacks=[expected])
    fast, history = trained(True, callbacks=[watcher])
    assert history.compiled
    assert watcher.seen == [2, 6, 10, 14]
    assert expected.seen == list(range(18))
    assert expected.calls == 18
    assert watcher.losses == pytest.approx(expected.losses, rel=1e-4)
    assert parameters(fast) == pytest.approx(parameters(plain), rel=1e-4, abs=1e-6)


def test_a_callback_that_says_nothing_watches_every_step_it_has_a_hook_for():
    class Simple(Callback):
        def on_batch_end(self, run):
            run.seen = getattr(run, "seen", 0) + 1

        def on_train_end(self, run):
            assert run.seen == 18

    _, history = trained(True, callbacks=[Simple()])
    assert not history.compiled
    assert history.fallback is None


def test_graph_frames_watch_only_what_they_draw(tmp_path):
    frames = bg.GraphFrames(tmp_path, every=7)
    _, history = trained(True, callbacks=[frames])
    assert history.compiled
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["step-000007", "step-000014"]


def test_callbacks_see_the_weights_of_the_moment():
    class Weights(Callback):
        def __init__(self):
            self.values = []

        def on_epoch_end(self, run):
            self.values.append(parameters(run.model))

    expected, found = Weights(), Weights()
    trained(False, callbacks=[expected])
    trained(True, callbacks=[found])
    for one, other in zip(found.values, expected.values, strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-6)


def test_weights_that_a_callback_changes_are_trained_on():
    class Reset(Callback):
        def on_steps(self, run):
            if run.step == 6:
                run.model.layers[0].weight.assign(run.model.layers[0].weight * 0.5)

    plain, _ = trained(False, callbacks=[Reset()])
    fast, history = trained(True, callbacks=[Reset()])
    assert history.compiled
    assert parameters(fast) == pytest.approx(parameters(plain), rel=1e-4, abs=1e-6)


def test_settings_that_a_callback_changes_between_epochs_are_noticed():
    class Change(Callback):
        def on_epoch_begin(self, run):
            run.optimizer.groups[0]["momentum"] = 0.9 / (1 + run.epoch)
            run.model.layers[0].bias.requires_grad = run.epoch == 0
            run.model.factor = 1.0 + run.epoch

    class Scaled(bg.MLP):
        factor = 1.0

        def forward(self, x):
            return super().forward(x) * self.factor

    plain, _ = trained(False, model=Scaled(4, [8, 1], seed=0), callbacks=[Change()])
    fast, history = trained(True, model=Scaled(4, [8, 1], seed=0), callbacks=[Change()])
    assert history.compiled
    assert parameters(fast) == pytest.approx(parameters(plain), rel=1e-4, abs=1e-6)


def test_an_option_changed_within_an_epoch_leaves_the_rest_to_python(monkeypatch):
    class Change(Callback):
        def on_steps(self, run):
            if run.step == 3:
                run.optimizer.groups[0]["momentum"] = 0.5

    monkeypatch.setattr(native_steps, "CALL", 0.0)  # one step in a call
    plain, _ = trained(False, dropout=0.3, callbacks=[Change()])
    fast, history = trained(True, dropout=0.3, callbacks=[Change()])
    assert history.compiled
    assert "momentum was changed" in history.fallback
    assert parameters(fast) == pytest.approx(parameters(plain), rel=1e-4, abs=1e-6)


def test_an_exception_in_a_callback_leaves_tensors_right():
    class Fail(Callback):
        def on_steps(self, run):
            if run.step >= 6:
                raise ValueError("enough")

    model = network()
    with pytest.raises(ValueError, match="enough"):
        trained(True, model=model, callbacks=[Fail()])
    plain = network()
    with pytest.raises(ValueError, match="enough"):
        trained(False, model=plain, callbacks=[Fail()])
    assert parameters(model) == pytest.approx(parameters(plain), rel=1e-4, abs=1e-6)
    trained(True, model=model)


def test_early_stopping_puts_back_the_best_weights():
    x, y = samples()
    options = {"epochs": 12, "validation_split": 0.3, "x": x, "y": y}
    stoppers = [bg.EarlyStopping(patience=1) for _ in range(2)]
    assert_alike(callbacks=[stoppers[0]], optimizer=lambda m: sgd(m, lr=0.4), rel=1e-3, **options)
    assert stoppers[0].best_epoch is not None


# --- not finite -----------------------------------------------------------------------------------


class Steps(Callback):
    """Notes how many there were."""

    def on_steps(self, run):
        self.steps = run.step


@pytest.mark.parametrize("compiled", [False, True])
def test_weights_are_those_before_the_step_whose_loss_was_not_finite(compiled, monkeypatch):
    monkeypatch.setattr(native_steps, "CALL", 10.0)  # calls of many steps, as on a fast machine

    def rising(step, rate):
        return 0.01 if step < 10 else 1e30

    bg.manual_seed(3)
    model = network(dropout=0.2)
    optimizer = bg.Adam(model.parameters(), lr=1.0)
    steps = Steps()
    with pytest.raises(NonFiniteError, match=r"the loss is (inf|nan) at step 1[12] .*epoch 2"):
        bg.fit(
            *(model, *samples(), "mse", optimizer, 5, 8),
            schedule=rising, callbacks=[steps], seed=1, compiled=compiled,
        )  # fmt: skip
    assert optimizer.state[model.parameters()[0]]["step"] == steps.steps

    class Stop(Callback):
        def watches(self, run, step):
            return True

        def on_batch_end(self, run):
            if run.step == steps.steps:
                run.stop("here")

    bg.manual_seed(3)
    again = network(dropout=0.2)
    other = bg.Adam(again.parameters(), lr=1.0)
    bg.fit(
        *(again, *samples(), "mse", other, 5, 8),
        schedule=rising, callbacks=[Stop()], seed=1, compiled=False,
    )  # fmt: skip
    assert parameters(model) == pytest.approx(parameters(again), rel=1e-3, abs=1e-5)


def test_the_first_step_may_be_the_one():
    def strange(prediction, target):
        return bg.losses.mse(prediction, target) * math.inf

    model = network()
    before = parameters(model)
    optimizer = bg.Adam(model.parameters())
    with pytest.raises(NonFiniteError, match="the loss is inf at step 0"):
        trained(True, model=model, loss=strange, optimizer=lambda _: optimizer)
    assert parameters(model) == before
    assert optimizer.state == {}


def test_weights_that_are_not_finite_after_an_epoch_are_named():
    x, y = samples()
    with pytest.raises(NonFiniteError, match=r"is not finite at step 6 \(epoch 1"):
        trained(
            True, model=bg.MLP(4, [1], seed=0), x=x, y=(y * 1e3).detach(),
            schedule=lambda step, rate: 1e-3 if step < 5 else 1e38,
        )  # fmt: skip


# --- control --------------------------------------------------------------------------------------


def test_ctrl_c_in_a_native_call_is_answered_when_it_ends(monkeypatch):
    class Press(Callback):
        def on_steps(self, run):
            if run.step > 20:
                signal.raise_signal(signal.SIGINT)

    model, history = trained(True, epochs=1000, callbacks=[Press()])
    assert history.compiled
    assert history.interrupted
    assert history.steps < 6000
    assert all(map(math.isfinite, parameters(model)))


def test_a_callback_ends_training_after_a_call():
    class Stop(Callback):
        def on_steps(self, run):
            run.stop("enough")

    _, history = trained(True, callbacks=[Stop()])
    assert history.stopped == "enough"
    assert history.steps < 6


def test_calls_are_short(monkeypatch):
    class Count(Callback):
        def __init__(self):
            self.most = 0

        def on_steps(self, run):
            self.most = max(self.most, len(run.losses))

    monkeypatch.setattr(native_steps, "CALL", 0.0)
    count = Count()
    _, history = trained(True, callbacks=[count])
    assert history.compiled
    assert count.most == 1


def test_two_threads_may_train_two_models():
    results = {}

    def work(seed):
        model = network()
        bg.fit(model, *samples(), "mse", sgd(model), 20, 8, seed=seed, compiled=True)
        results[seed] = parameters(model)

    expected = {}
    for seed in (1, 2):
        model = network()
        bg.fit(model, *samples(), "mse", sgd(model), 20, 8, seed=seed, compiled=True)
        expected[seed] = parameters(model)
    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == expected


def test_another_thread_may_look_at_the_weights_meanwhile():
    model = network().train()
    done = threading.Event()
    seen = []

    def look():
        while not (seen and done.is_set()):
            seen.append(parameters(model))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        bg.fit(model, *samples(), "mse", sgd(model), 40, 8, seed=1, compiled=True)
    finally:
        done.set()
        thread.join()
    plain = network()
    bg.fit(plain, *samples(), "mse", sgd(plain), 40, 8, seed=1, compiled=True)
    assert parameters(model) == parameters(plain)
    assert seen


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_process_trains_on_by_itself():
    model, _ = trained(True)
    before = parameters(model)
    child = os.fork()
    if not child:
        status = 1
        try:
            _, history = trained(True, model=model)
            status = 0 if history.compiled and parameters(model) != before else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert parameters(model) == before


# --- predictions ----------------------------------------------------------------------------------


def test_predictions_by_machine_code_are_those_of_python(monkeypatch):
    model = network(2, dropout=0.5)
    x, _ = samples()
    expected = bg.predict(model, x, batch_size=10).tolist()
    monkeypatch.setattr("baregrad.training.evaluation.prediction_pays", lambda *_: True)
    for size in (1, 10, 48, 256):
        found = bg.predict(model, x, batch_size=size).tolist()
        for row, one in zip(found, expected, strict=True):
            assert row == pytest.approx(one, rel=1e-5, abs=1e-6)
    assert model.training
    monkeypatch.setattr(native_prediction, "CALL", 1)
    assert bg.predict(model, x, batch_size=10).shape == (48, 2)


def test_changed_weights_modes_and_settings_are_noticed(always):
    class Scaled(bg.MLP):
        factor = 1.0

        def forward(self, x):
            return super().forward(x) * self.factor

    model = Scaled(4, [1], seed=0)
    x = bg.ones(5, 4)
    first = bg.predict(model, x)
    model.layers[0].bias.assign([1.0])
    assert bg.predict(model, x).tolist()[0][0] == pytest.approx(first.tolist()[0][0] + 1)
    model.factor = 2.0
    assert bg.predict(model, x).tolist()[0][0] == pytest.approx(2 * first.tolist()[0][0] + 2)
    model.train()
    bg.predict(model, x)
    assert model.training


def test_what_is_compiled_is_kept_with_the_model_and_goes_with_it(always):
    model = network()
    bg.predict(model, samples()[0])
    kept = native_prediction._compiled[model][1]
    bg.predict(model, samples()[0])
    assert native_prediction._compiled[model][1] is kept
    gone = weakref.ref(model)
    del model, kept
    gc.collect()
    assert gone() is None


def test_one_version_predicts_any_number_of_samples(always):
    model = network()
    x, _ = samples()
    for count in (20, 31, 48):
        part = x[:count]
        found = bg.predict(model, part, batch_size=20)
        assert found.flatten().tolist() == pytest.approx(
            model.eval()(part).flatten().tolist(), rel=1e-5, abs=1e-6
        )
    assert len(native_prediction._compiled[model][1]._versions) == 1


def test_a_model_that_cannot_be_compiled_predicts_as_python(always):
    class Looks(bg.MLP):
        def forward(self, x):
            y = super().forward(x)
            return y if y.sum().item() < math.inf else -y

    model = Looks(4, [1], seed=0)
    assert bg.predict(model, bg.ones(3, 4)).shape == (3, 1)
    assert bg.predict(network(dtype="float64"), bg.ones(3, 4, dtype="float64")).dtype == "float64"


def test_evaluate_predicts_by_machine_code(always):
    model = network()
    x, y = samples()
    found = bg.evaluate(model, x, y, metrics=["mae"])
    assert found["loss"] == pytest.approx(bg.losses.mse(model(x), y).item(), rel=1e-5)


# --- tensors in native memory ---------------------------------------------------------------------


def test_values_stay_in_native_memory_until_somebody_looks():
    model, _ = trained(True)
    weight = model.layers[0].weight
    optimizer = bg.SGD(model.parameters(), lr=0.1)

    @bg.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = bg.losses.mse(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    x, y = samples()
    step(x, y)
    assert isinstance(weight.held, Resident)
    assert (weight.shape, weight.dtype, weight.ndim, weight.size) == ((8, 4), "float32", 2, 32)
    twin, pickled = copy.deepcopy(model), pickle.loads(pickle.dumps(weight))
    before = weight.tolist()
    assert not isinstance(weight.held, Resident)
    step(x, y)
    assert weight.tolist() != before
    assert twin.layers[0].weight.tolist() == pickled.tolist() == before


def test_many_steps_of_a_compiled_function():
    @bg.compile
    def double(x):
        return x * 2, x.sum()

    found, sums = double.many(3, bg.arange(6.0).reshape(3, 2))
    assert found.tolist() == [[0.0, 2.0], [4.0, 6.0], [8.0, 10.0]]
    assert sums.tolist() == [1.0, 5.0, 9.0]
    with pytest.raises(ShapeError, match="its first axis must have the size 2"):
        double.many(2, bg.ones(3, 2))
    with pytest.raises(bg.ArgumentError, match="integer of at least 1, not 0"):
        double.many(0, bg.ones(0, 2))
