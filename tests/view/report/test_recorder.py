"""A recorder keeps weights at moments that depend on the steps alone, and disturbs nothing."""

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError, NonFiniteError
from baregrad.training.run import Callback
from baregrad.view.report import recorder as recording
from baregrad.view.report.recorder import Recorder

from .conftest import trained


def weights(model):
    return [parameter.tolist() for parameter in model.parameters()]


def steps(recorder):
    return [moment.step for moment in recorder.moments]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_recorder_changes_no_weight_in_its_last_bit(compiled):
    options = {"compiled": compiled, "epochs": 3}
    (_, with_one), (_, without) = trained(**options), trained(recorder=None, **options)
    assert weights(with_one) == weights(without)


@pytest.mark.parametrize("compiled", [False, True])
def test_moments_are_equally_far_apart_and_have_the_ends(compiled):
    recorder = Recorder(records=4)
    trained(recorder, epochs=8, compiled=compiled)  # of three steps each
    assert steps(recorder) == [0, 6, 12, 18, 24]


@pytest.mark.parametrize("records", [3, 7, 100])
def test_a_training_of_all_its_epochs_has_as_many_moments_as_were_asked_for(records):
    recorder = Recorder(records)
    trained(recorder, epochs=200)  # of three steps each
    assert len(recorder.moments) == records + 1
    distances = {b - a for a, b in zip(steps(recorder), steps(recorder)[1:], strict=False)}
    assert max(distances) - min(distances) <= 1


def test_a_training_that_ends_early_has_moments_enough():
    class Ends(Callback):
        def on_epoch_end(self, run):
            if run.epoch == 99:
                run.stop("enough")

    recorder = Recorder(records=6)
    bg.fit(
        bg.MLP(1, [1], seed=0), [[1.0], [2.0]], [[1.0], [2.0]],
        epochs=400, batch_size=1, callbacks=[Ends(), recorder],
    )  # fmt: skip
    assert steps(recorder) == [0, 34, 67, 100, 134, 167, 200]


def test_in_a_short_training_no_more_copies_are_made_than_needed(monkeypatch):
    copies = []
    recorder = Recorder(records=4)
    keep = recorder._keep
    monkeypatch.setattr(recorder, "_keep", lambda run: (copies.append(run.step), keep(run)))
    trained(recorder, epochs=8)
    assert copies == steps(recorder) == [0, 6, 12, 18, 24]


def test_a_moment_has_the_weights_as_they_were():
    seen = []

    class Looks(Callback):
        def next_stop(self, run):
            return run.step + 1

        def on_steps(self, run):
            seen.append(weights(run.model))

    recorder = Recorder(records=3)
    bg.fit(
        bg.MLP(1, [2, 1], seed=0), [[1.0], [2.0]], [[1.0], [2.0]],
        epochs=3, compiled=True, callbacks=[Looks(), recorder],
    )  # fmt: skip
    kept = [[t.tolist() for t in moment.tensors.values()] for moment in recorder.moments]
    assert kept[1:] == seen
    assert kept[0] not in seen


def test_moments_that_are_too_large_together_are_thinned(monkeypatch):
    monkeypatch.setattr(recording, "LARGEST", 5 * 4 * 13)  # five times the model's 13 float32
    recorder = Recorder(records=24)
    trained(recorder, epochs=8)
    assert steps(recorder) == [0, 8, 16, 24]


def test_of_a_model_that_is_larger_than_all_that_may_be_kept_there_are_beginning_and_end(
    monkeypatch,
):
    monkeypatch.setattr(recording, "LARGEST", 1)
    recorder = Recorder()
    trained(recorder)
    assert steps(recorder) == [0, 12]


class Kill(Callback):
    """Ends a training as if the process had been killed."""

    def __init__(self, step):
        self.step = step

    def on_steps(self, run):
        if run.step == self.step:
            raise KeyboardInterrupt


def resumed(folder, recorders, step=7):
    """A training of 12 steps that is killed and taken up again, each time with another recorder."""
    first, second = recorders
    options = {"checkpoint": folder, "checkpoint_every": 0.0, "compiled": False}
    with pytest.raises(KeyboardInterrupt):
        trained(epochs=4, callbacks=[first, Kill(step)], **options)
    return trained(second, **options)


def test_a_training_that_was_killed_and_taken_up_has_the_moments_of_all_of_it(tmp_path):
    whole, last = Recorder(), Recorder()
    trained(whole)
    resumed(tmp_path, (Recorder(), last))
    assert steps(last) == steps(whole) == list(range(13))
    for one, other in zip(last.moments, whole.moments, strict=True):
        assert one.epoch == other.epoch
        assert {k: v.tolist() for k, v in one.tensors.items()} == {
            k: v.tolist() for k, v in other.tensors.items()
        }
    assert last.seconds > last.spent > 0


def test_a_checkpoint_has_no_more_moments_than_its_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "SAVED", 4 * 4 * 13)
    last = Recorder()
    resumed(tmp_path, (Recorder(), last))
    assert steps(last) == [0, 2, 4, 6, 8, 10, 12]


def test_a_recorder_that_comes_when_a_training_is_taken_up_begins_there(tmp_path):
    late = Recorder(records=3)
    resumed(tmp_path, (Callback(), late))
    assert steps(late) == [6, 8, 10, 12]


def test_a_training_whose_loss_becomes_infinite_has_a_report(page):
    recorder = Recorder()
    model = bg.MLP(1, [2, 1], "relu", seed=0)
    with pytest.raises(NonFiniteError) as trouble:
        bg.fit(
            model, [[1e3], [2e3]], [[1.0], [2.0]], optimizer=bg.SGD(model.parameters(), lr=1e9),
            epochs=9, callbacks=[recorder],
        )  # fmt: skip
    found = page(recorder.history)
    assert [record["step"] for record in found.data["records"]] == steps(recorder)
    assert steps(recorder)[0] == 0
    assert "at step" in str(trouble.value)


@pytest.mark.parametrize("options", [{"records": 0}, {"samples": 0}])
def test_a_recorder_of_nothing_is_refused(options):
    with pytest.raises(ArgumentError, match="one record and one sample at least"):
        Recorder(**options)
