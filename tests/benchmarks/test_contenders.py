"""That contenders do the same work, are asked and paced as they should be, and fail in a line."""

import math
import os
from array import array

import pytest
from harness import worker
from harness.process import Contender, ContenderError, environment
from harness.tasks import TASKS, Run
from harness.worker import Pace
from sections import steps

needs_affinity = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="the benchmarks bind processes to cores"
)


def test_the_weights_are_the_same_each_time_and_of_a_size_that_keeps_signals():
    first, again = list(TASKS["T4"].weights()), list(TASKS["T4"].weights())
    assert first == again
    weight, bias = first[0]
    assert len(weight) == 30 * 128
    assert bias == array("f", [0.0] * 128)
    sizes = [abs(value) for value in weight]
    assert 0.125 <= min(sizes) < max(sizes) < 0.25  # 30 inputs: 1/√30 is 0.18
    assert 0.4 < sum(value > 0 for value in weight) / len(weight) < 0.6


def test_the_flops_of_a_step_are_those_of_its_products():
    forward = 2 * 32 * (2 * 16 + 16 * 16 + 16 * 1)
    backward = 2 * 32 * (16 * 16 + 16 * 1)  # to what comes in; the first layer needs none
    assert TASKS["T2"].flops == 2 * forward + backward


@pytest.mark.parametrize("name", ["T1", "T2"])
def test_numpy_by_hand_and_an_eager_loop_have_the_same_losses(name):
    pytest.importorskip("numpy")
    from contenders import by_numpy, own

    task = TASKS[name]._replace(batch=4)
    own_run, numpy_run = own.eager(task, 1), by_numpy.by_hand(task, 1)
    for _ in range(3):
        assert math.isclose(own_run.steps(2), numpy_run.steps(2), rel_tol=1e-5)


def test_numpy_by_hand_and_an_eager_loop_agree_on_adam_and_cross_entropy():
    pytest.importorskip("numpy")
    from contenders import by_numpy, own

    task = TASKS["T4"]._replace(sizes=(5, 8, 3), batch=6)
    own_run, numpy_run = own.eager(task, 1), by_numpy.by_hand(task, 1)
    for _ in range(3):
        assert math.isclose(own_run.steps(3), numpy_run.steps(3), rel_tol=1e-5)


def test_many_steps_in_a_call_end_where_single_steps_do():
    from contenders import own

    task = TASKS["T2"]._replace(batch=4)
    assert math.isclose(own.many(task, 1).steps(6), own.eager(task, 1).steps(6), rel_tol=1e-5)


def test_threads_meet_until_they_have_met_as_often_as_asked():
    from contenders.meeting import meet

    run = meet(TASKS["T4"], 2)
    assert run.steps(1) == 1
    assert run.steps(300) == 300


def test_how_fast_threads_meet_is_told_beside_the_peak_and_competes_with_nobody():
    us = {
        steps.OWN: [150.0, 160.0],
        "JAX scan": [300.0, 320.0],
        steps.PEAK: [1.0, 1.0],
        steps.MEETING: [0.09, 0.45],
    }
    found = {"clock": "wall", "us": us, "failed": {}, "last": {steps.PEAK: 2e5}}
    page = steps.render({"T4/2": found})
    assert (
        "FMA peak meanwhile: 200 GFLOP/s. The threads meet in 270 ns (quartiles 180 – 360)" in page
    )
    assert "| T4 | 2 | 155 | 310 | JAX scan | 2.00 |" in page
    assert f"| {steps.MEETING} |" not in page


def test_a_pace_finds_how_many_whole_units_take_the_time(monkeypatch):
    now, made = 0.0, []

    def steps(count: int) -> float:
        nonlocal now
        now += 0.001 * count
        made.append(count)
        return 0.0

    monkeypatch.setitem(worker.CLOCKS, "wall", lambda: now)
    pace = Pace(Run(steps, unit=20))
    assert math.isclose(pace.round(0.07, "wall")["us"], 1000)
    pace.round(0.001, "wall")
    pace.round(0.001, "wall")
    assert made == [20, 80, 20]  # 70 steps are nearest to four units, and there is at least one


def test_a_process_is_told_how_many_threads_it_may_use():
    told = environment(2)
    assert told["OMP_NUM_THREADS"] == told["OPENBLAS_NUM_THREADS"] == told["MKL_NUM_THREADS"] == "2"
    assert told["BAREGRAD_THREADS"] == "2"
    assert "multi_thread_eigen=true" in told["XLA_FLAGS"]
    assert "multi_thread_eigen=false" in environment(1)["XLA_FLAGS"]


@needs_affinity
def test_a_contender_runs_in_a_process_and_answers():
    with Contender("own", "eager", "T1", 1) as contender:
        assert contender.answer()["first"] > 0
        assert contender.ask(steps=1)["loss"] > 0
        answer = contender.ask(seconds=0.001, clock="processor")
        assert answer["us"] > 0
        assert answer["kib"] > 1000


@needs_affinity
def test_a_contender_that_fails_says_why_in_a_line():
    with (
        Contender("by_nobody", "eager", "T1", 1) as contender,
        pytest.raises(ContenderError, match=r"No module named .contenders\.by_nobody"),
    ):
        contender.answer()


@needs_affinity
def test_a_contender_that_takes_too_long_is_ended():
    with (
        Contender("own", "eager", "T1", 1, patience=0.0) as contender,
        pytest.raises(ContenderError, match="no answer in 0 s"),
    ):
        contender.answer()


@needs_affinity
def test_more_threads_than_cores_are_refused():
    with pytest.raises(ContenderError, match="cores, not 1000"):
        Contender("own", "eager", "T1", 1000)
