"""Schedules: what threads share, and where they must wait for each other."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad.compiler.kernel import Buffer
from baregrad.compiler.kernels.work import Work
from baregrad.compiler.schedule import Place, plan_schedule

LONG, SHORT = 100_000.0, 10.0  # nanoseconds
BUFFERS = [Buffer(number, "float32", 4, f"b{number}") for number in range(6)]
APART = [Place(0, 16 * number, 16 * number + 16) for number in range(6)]


def work(reads, writes, nanoseconds=LONG, blocks=8):
    plan = SimpleNamespace(blocks=blocks, scratch_bytes=0)
    return Work(plan, {BUFFERS[i] for i in reads}, {BUFFERS[i] for i in writes}, nanoseconds)


def pattern(works, places=APART):
    """For each task S if it is shared, else s, after a | if threads wait before it."""
    schedule = plan_schedule(works, places)
    letters = ["|" * task.waits + "sS"[task.is_split] for task in schedule.tasks]
    return "".join(letters) + "|" * schedule.waits_at_end


@pytest.mark.parametrize(
    ("works", "expected"),
    [
        pytest.param([work([0], [1]), work([1], [2])], "S|S", id="what was written is read"),
        pytest.param([work([0], [1]), work([2], [0])], "S|S", id="what was read is overwritten"),
        pytest.param([work([0], [1]), work([0], [1])], "S|S", id="written twice"),
        pytest.param([work([0], [1]), work([0], [2])], "SS", id="nothing in common but reading"),
        pytest.param([work([0], [1]), work([2], [3]), work([1, 3], [4])], "SS|S", id="one for two"),
        pytest.param([work([0], [1]), work([1], [2], SHORT), work([2], [3], SHORT),
                      work([3], [4])], "S|ss|S", id="the first thread needs not wait for itself"),
        pytest.param([work([0], [1]), work([2], [3], LONG, 1)], "Ss", id="a single block"),
    ],
)  # fmt: skip
def test_threads_wait_where_they_touch_the_same_memory(works, expected):
    assert pattern(works).rstrip("|") == expected


def test_threads_wait_between_steps_only_if_the_next_one_needs_it():
    assert pattern([work([0], [1]), work([1], [0])]).endswith("|S|")
    # a barrier is between the last one and the next second; the first is nothing to the last
    assert pattern([work([0], [1]), work([1], [2]), work([2], [3])]) == "S|S|S"


def test_memory_that_is_shared_counts_not_the_buffers_name():
    places = [APART[0], APART[1], APART[2], Place(0, 8, 24), Place(1, 0, 1), Place(2, 0, 1)]
    assert pattern([work([0], [2]), work([5], [3])], places).startswith("S|S")
    assert pattern([work([0], [2]), work([5], [4])], places).startswith("SS")


def test_a_step_that_would_not_gain_is_one_threads():
    assert pattern([work([0], [1], 1250.0), work([1], [0], 1250.0)]) == "ss"
    assert pattern([work([0], [1], LONG), work([1], [0], 15 * LONG, 1)]) == "ss"


WORKS = st.lists(
    st.tuples(
        st.sets(st.integers(0, 5), max_size=3),
        st.sets(st.integers(0, 5), min_size=1, max_size=2),
        st.sampled_from([LONG, SHORT]),
    ),
    min_size=1,
    max_size=7,
)


@given(WORKS)
def test_no_two_threads_ever_touch_what_one_of_them_writes(drawn):
    """Of two tasks without a barrier between them, none writes what the other uses."""
    works = [work([], [5], 100 * LONG), *[work(*one) for one in drawn]]
    schedule = plan_schedule(works, APART)
    running = []
    for task in schedule.tasks * 2:
        at_end = schedule.waits_at_end and task is schedule.tasks[0]
        if task.waits or at_end:
            running = []
        for other in running:
            if task.is_split or other.is_split:
                one, two = task.work, other.work
                assert not one.writes & (two.reads | two.writes) or one is two
                assert not two.writes & one.reads or one is two
        running.append(task)
