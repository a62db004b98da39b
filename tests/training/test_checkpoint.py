"""Checkpoints: what was stopped goes on as if it had not been."""

import math
import os
import signal
import sys
from functools import cache
from random import Random

import pytest

import baregrad as bg
from baregrad.compiler.vector.avx2 import AVX2
from baregrad.errors import ArgumentError, FileWriteError, ModelFileError, NonFiniteError
from baregrad.files.state import load_state, save_state
from baregrad.machine.cpu import processor_features
from baregrad.optim.schedules import step_decay
from baregrad.tensor import random
from baregrad.training import native_steps
from baregrad.training.callbacks import CSVLog, TimeLimit
from baregrad.training.run import Callback
from tests.training.checkpointed import EPOCHS, STEPS, training, weights
from tests.training.killing import end_of, ends_after_kills, started

native = pytest.param(
    True,
    marks=pytest.mark.skipif(
        not AVX2.features <= processor_features(), reason="this processor runs none of our code"
    ),
)


class Killed(BaseException):
    """Like the end of the process: nothing in the library catches it."""


class Kill(Callback):
    """Ends training after a step, or within an epoch's end."""

    def __init__(self, step=None, epoch=None):
        self.step, self.epoch = step, epoch

    def on_steps(self, run):
        if run.step == self.step:
            raise Killed

    def on_epoch_end(self, run):
        if run.epoch == self.epoch:
            raise Killed


class Watcher(Callback):
    """Its steps run as Python, whose last bits are others."""

    def on_batch_end(self, run):
        pass


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch):
    """Nobody cuts the power in these tests."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def one_by_one(monkeypatch):
    """Native calls of one step, so that checkpoints are made within epochs."""
    monkeypatch.setattr(native_steps, "CALL", 0.0)


@cache
def unbroken(compiled=False, **options):
    """What a training comes to that is never stopped."""
    model, history = training(None, compiled, **options)
    return weights(model), vars(history) | {"drawn": random.default.index}


def assert_ends_as(expected, folder, compiled=False, **options):
    """A training taken up once more has the same weights and the same record as one unbroken."""
    model, history = training(folder, compiled, **options)
    assert weights(model) == expected[0]
    for name in ("history", "epoch", "steps", "stopped", "compiled"):
        assert getattr(history, name) == expected[1][name]
    assert random.default.index == expected[1]["drawn"]
    return history


# --- going on -------------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [False, native])
def test_a_training_stopped_again_and_again_ends_as_if_it_never_was(tmp_path, compiled, one_by_one):
    expected = unbroken(compiled)
    kills = [{"step": 1}, {"step": 4}, {"epoch": 0}, {"step": 5}, {"step": 13}, {"epoch": 3}]
    for kill in kills:
        with pytest.raises(Killed):
            training(tmp_path, compiled, callbacks=[Kill(**kill)])
    history = assert_ends_as(expected, tmp_path, compiled)
    # it was killed in the fourth epoch's end; the last checkpoint is of before its last step
    assert history.resumed == "taken up at step 19 from a checkpoint"
    assert sorted(os.listdir(tmp_path)) == [
        *("checkpoint-0.safetensors", "checkpoint-1.safetensors", "lock"),
    ]


@pytest.mark.parametrize("compiled", [native])
def test_numbers_do_not_depend_on_how_many_steps_are_in_a_native_call(compiled, monkeypatch):
    expected = unbroken(compiled)
    for seconds in (0.0, 10.0):
        monkeypatch.setattr(native_steps, "CALL", seconds)
        assert_ends_as(expected, None, compiled)


def test_a_training_that_has_ended_is_not_made_again(tmp_path):
    expected = unbroken()
    training(tmp_path)
    history = assert_ends_as(expected, tmp_path, callbacks=[Kill(step=1)])
    assert history.resumed == f"taken up at step {EPOCHS * STEPS} from a checkpoint"


def test_early_stopping_goes_on_with_its_best(tmp_path):
    options = {"patience": 1, "schedule": lambda step, rate: 0.05 if step < 12 else 5.0}
    expected = unbroken(**options)
    assert "has not improved for 1 epoch" in expected[1]["stopped"]
    with pytest.raises(Killed):
        training(tmp_path, callbacks=[Kill(step=13)], **options)
    assert_ends_as(expected, tmp_path, **options)
    assert_ends_as(expected, tmp_path, **options)  # and it stays ended


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": None},
        {"optimizer": lambda model: bg.LBFGS(model.parameters(), max_iter=2)},
        {"optimizer": lambda model: bg.SGD(model.parameters(), lr=0.1, momentum=0.9)},
        {"plateau": 0},
        {"shuffle": False, "seed": 4},
    ],
    ids=["no schedule", "lbfgs", "momentum", "plateau", "in order"],
)
def test_other_parts_go_on_too(tmp_path, options):
    expected = unbroken(**options)
    with pytest.raises(Killed):
        training(tmp_path, callbacks=[Kill(step=13)], **options)
    assert_ends_as(expected, tmp_path, **options)


def test_an_epoch_s_beginning_is_told_once(tmp_path):
    class Count(Callback):
        def on_epoch_begin(self, run):
            begun.append(run.epoch)

    begun = []
    with pytest.raises(Killed):
        training(tmp_path, callbacks=[Count(), Kill(step=13)])
    training(tmp_path, callbacks=[Count()])
    assert begun == list(range(EPOCHS))


def test_checkpoints_are_as_seldom_as_asked(tmp_path):
    with pytest.raises(Killed):
        training(tmp_path, every=1e9, callbacks=[Kill(step=13)])
    assert not (tmp_path / "checkpoint-1.safetensors").exists()  # only the beginning was saved
    training(tmp_path, every=1e9)
    assert (
        load_state(tmp_path / "checkpoint-1.safetensors")["step"] == EPOCHS * STEPS
    )  # and the end


def test_a_csv_log_goes_on(tmp_path):
    training(None, callbacks=[CSVLog(tmp_path / "expected.csv")])
    log = CSVLog(tmp_path / "log.csv")
    with pytest.raises(Killed):
        training(tmp_path / "run", callbacks=[log, Kill(epoch=3)])
    training(tmp_path / "run", callbacks=[log])
    assert (tmp_path / "log.csv").read_text() == (tmp_path / "expected.csv").read_text()


# --- paused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [13, 15, EPOCHS * STEPS])
def test_ctrl_c_pauses_a_training(tmp_path, step):
    class Press(Callback):
        def on_steps(self, run):
            if run.step == step:
                signal.raise_signal(signal.SIGINT)

    expected = unbroken(patience=9)
    _, history = training(tmp_path, every=1e9, patience=9, callbacks=[Press()])
    assert history.interrupted
    assert history.resumable
    assert history.stopped == "interrupted by Ctrl-C"
    assert len(history.epoch) == -(-step // STEPS)
    history = assert_ends_as(expected, tmp_path, patience=9)
    assert not history.interrupted
    assert not history.resumable


def test_a_time_limit_pauses_a_training(tmp_path):
    expected = unbroken()
    for step in range(1, 4):
        _, history = training(tmp_path, every=1e9, callbacks=[TimeLimit(1e-9)])
        assert history.stopped == "the time limit of 1e-09 s is reached"
        assert history.resumable
        assert history.steps == step
    assert_ends_as(expected, tmp_path)


def test_a_reason_to_end_for_good_comes_before_one_to_pause(tmp_path):
    class Enough(Callback):
        def on_steps(self, run):
            if run.step == 7:
                run.stop("enough")
                run.stop("a pause", resumable=True)

    _, history = training(tmp_path, callbacks=[Enough()])
    assert (history.stopped, history.resumable, history.steps) == ("enough", False, 7)
    assert training(tmp_path)[1].steps == 7


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf")])
def test_a_time_limit_is_a_time(seconds):
    with pytest.raises(ArgumentError, match="seconds must be a number above 0 and finite"):
        TimeLimit(seconds)


# --- killed ---------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="processes are killed the POSIX way")
def test_kill_9_at_five_random_moments_loses_nothing(tmp_path):
    expected = end_of(started(tmp_path / "unbroken", False, 20))
    moments = Random(5)
    delays = [moments.uniform(0, 0.1) for _ in range(5)]
    ends = ends_after_kills(tmp_path, False, 20, delays)
    assert set(ends) == {expected}


# --- damage ---------------------------------------------------------------------------------------


def stopped(folder):
    """A training stopped at step 13; its newer file, and its older one."""
    with pytest.raises(Killed):
        training(folder, callbacks=[Kill(step=13)])
    files = sorted(folder.glob("*.safetensors"), key=lambda path: load_state(path)["number"])
    return files[1], files[0]


@pytest.mark.parametrize("damage", ["truncated", "changed", "empty"])
def test_the_checkpoint_before_a_damaged_one_is_used_and_it_is_said(tmp_path, damage):
    expected = unbroken()
    newer, older = stopped(tmp_path)
    content = newer.read_bytes()
    changed = content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]
    newer.write_bytes({"truncated": content[:-100], "changed": changed, "empty": b""}[damage])
    step = load_state(older)["step"]
    with pytest.warns(UserWarning, match=f"step {step} from a checkpoint, the one before") as said:
        history = assert_ends_as(expected, tmp_path)
    assert newer.name in str(said[0].message)
    assert str(said[0].message) == history.resumed


def test_if_none_can_be_read_training_does_not_begin_anew_by_itself(tmp_path):
    for path in stopped(tmp_path):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelFileError, match=r"no checkpoint in .* can be used: .*cut off"):
        training(tmp_path)


@pytest.mark.parametrize("state", [{}, {"version": 2}, {"version": 1}, {"version": 1, "number": 2}])
def test_a_state_of_another_kind_is_no_checkpoint(tmp_path, state):
    save_state(tmp_path / "checkpoint-0.safetensors", state)
    with pytest.raises(ModelFileError, match=r"checkpoint-0.safetensors is no checkpoint"):
        training(tmp_path)


def test_what_a_killed_process_was_writing_is_removed(tmp_path):
    leftover = tmp_path / ".checkpoint-0.safetensors.123.abcd.tmp"
    leftover.write_bytes(b"half")
    (tmp_path / ".other.tmp").write_bytes(b"")
    training(tmp_path, epochs=1)
    assert not leftover.exists()
    assert (tmp_path / ".other.tmp").exists()


# --- folders and disks ----------------------------------------------------------------------------


def limited(size):
    resource = pytest.importorskip("resource")
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def test_a_full_disk_ends_training_and_leaves_the_last_checkpoint(tmp_path):
    resource = pytest.importorskip("resource")
    expected = unbroken()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Fill(Callback):
        def on_steps(self, run):
            if run.step == 8:
                resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))

    try:
        with pytest.raises(FileWriteError, match=r"checkpoint-\d.safetensors cannot be written"):
            training(tmp_path, callbacks=[Fill()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(os.listdir(tmp_path)) == 3  # no part of a file is left
    history = assert_ends_as(expected, tmp_path)
    assert history.resumed == "taken up at step 7 from a checkpoint"


def test_a_folder_that_cannot_be_made_or_written_to_is_said_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileWriteError, match="file cannot be written to: "):
        training(tmp_path / "file")
    (tmp_path / "run" / "lock").mkdir(parents=True)
    with pytest.raises(FileWriteError, match="run cannot be written to: Is a directory"):
        training(tmp_path / "run")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_for_reading_only_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(FileWriteError, match="Permission denied"):
        training(tmp_path)


def test_two_trainings_cannot_have_one_folder(tmp_path):
    class Again(Callback):
        def on_epoch_begin(self, run):
            with pytest.raises(FileWriteError, match="is in use by this process "):
                training(tmp_path)

    assert training(tmp_path, epochs=2, callbacks=[Again()])[1].steps == 2 * STEPS


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A folder with checkpoints."""
    folder = tmp_path_factory.mktemp("begun")
    with pytest.raises(Killed):
        training(folder, callbacks=[Kill(step=3)])
    return folder


# --- other trainings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epochs": 7}, "its epochs is 4, and now it is 7"),
        ({"seed": 3}, "its seed is None, and now it is 3"),
        ({"loss": "mse"}, "its loss is 'huber', and now it is 'mse'"),
        ({"validation_split": 0.3}, "its training data x is 'float32 of shape"),
        ({"validation_data": (bg.zeros(2, 4), bg.zeros(2, 1))}, "its training data x is"),
        ({"sample_weight": [1.0] * 45 + [2.0]}, "its training data weight is None, and now"),
        ({"width": 5}, "its model modules 0 outputs is 6, and now it is 5"),
        ({"optimizer": lambda m: bg.SGD(m.parameters())}, "its optimizer is 'Adam', and now"),
        ({"optimizer": lambda m: bg.Adam(m.parameters())}, "its options 0 lr is 0.05, and now"),
        ({"schedule": step_decay(30)}, r"its schedule rule is 'cosine.*\(minimum=0.0, steps=20"),
        ({"schedule": None}, "its schedule is .*, and now it is None"),
        ({"plateau": 1}, "its schedule class is 'Schedule', and now it is 'ReduceOnPlateau'"),
        ({"metrics": []}, "its metrics r2 is 'r2', and now it is None"),
        ({"callbacks": [Watcher()]}, "its watching callbacks is \\[\\], and now it is \\['Watcher"),
        ({"shuffle": False}, "its shuffle is True, and now it is False"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(begun, options, said):
    with pytest.raises(ArgumentError, match=f"has a checkpoint of another training: {said}"):
        training(begun, **options)


def test_a_callback_whose_state_was_saved_must_be_there(tmp_path):
    class Total(Callback):
        total = 0.0

        def state_dict(self):
            return {"total": self.total}

        def load_state_dict(self, saved):
            self.total = saved["total"]

        def on_steps(self, run):
            self.total += sum(run.losses)

    one, two = Total(), Total()
    with pytest.raises(Killed):
        training(tmp_path, callbacks=[one, two, Kill(step=13)])
    with pytest.raises(ArgumentError, match="the state of a callback Total 2, which is not there"):
        training(tmp_path, callbacks=[Total()])
    again = Total()
    training(tmp_path, callbacks=[again, Total()])
    unbroken = Total()
    training(None, callbacks=[unbroken])
    assert again.total == unbroken.total


def test_what_cannot_be_saved_is_said_before_training(tmp_path):
    class Strange(Callback):
        def state_dict(self):
            return {"all": [1, {"set": {1, 2}}]}

    match = r"callbacks/Strange/all/1/set cannot be saved: \{1, 2\} is not a number"
    with pytest.raises(ArgumentError, match=match):
        training(tmp_path, callbacks=[Strange(), Kill(step=1)])


@pytest.mark.parametrize("every", [-1, float("nan")])
def test_the_time_between_checkpoints_is_checked(tmp_path, every):
    with pytest.raises(ArgumentError, match="checkpoint_every, in seconds, must be a number"):
        training(tmp_path, every=every)


def test_a_failed_training_fails_again(tmp_path):
    options = {"schedule": lambda step, rate: 0.05 if step < 12 else 1e38}
    for _ in range(2):
        with pytest.raises(NonFiniteError, match=r"at step 1\d"):
            training(tmp_path, **options)


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin"])
def test_a_training_may_be_stopped_before_its_first_step(tmp_path, hook):
    class Never(Callback):
        pass

    setattr(Never, hook, lambda self, run: run.stop("no"))
    _, history = training(tmp_path, callbacks=[Never()])
    assert (history.stopped, history.steps, history.epoch) == ("no", 0, [])


def test_a_training_that_an_epoch_s_beginning_ended_is_not_made_again(tmp_path):
    class Second(Callback):
        def on_epoch_begin(self, run):
            if run.epoch == 1:
                run.stop("enough")

    for resumed in (None, f"taken up at step {STEPS} from a checkpoint"):
        _, history = training(tmp_path, every=math.inf, callbacks=[Second()])
        assert (history.stopped, history.epoch, history.resumed) == ("enough", [0], resumed)


def test_a_learning_rate_of_numpy_is_the_same_when_training_is_taken_up(tmp_path):
    numpy = pytest.importorskip("numpy")

    def make(model):
        return bg.SGD(model.parameters(), lr=numpy.float64(0.05))

    for resumed in (None, f"taken up at step {2 * STEPS} from a checkpoint"):
        _, history = training(tmp_path, epochs=2, optimizer=make)
        assert history.resumed == resumed
