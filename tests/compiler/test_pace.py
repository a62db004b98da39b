"""Whether a step is shared among threads is decided by how long it took either way."""

from baregrad.compiler.pace import Pace


def calls(pace, count, seconds):
    """What is chosen in so many calls, where a step takes `seconds[shared]`."""
    chosen = []
    for _ in range(count):
        shared = pace.is_to_be_shared()
        pace.note(shared, seconds[shared])
        chosen.append(shared)
    return chosen


def test_both_ways_are_tried_in_turn_first():
    assert calls(Pace(), 6, {True: 1.0, False: 1.0}) == [True, False] * 3


def test_the_faster_way_is_taken_and_the_other_tried_now_and_then():
    chosen = calls(Pace(), 1000, {True: 1.0, False: 1.5})
    assert 10 <= chosen.count(False) <= 30
    chosen = calls(Pace(), 1000, {True: 1.5, False: 1.0})
    assert 10 <= chosen.count(True) <= 30


def test_what_is_many_times_slower_is_tried_seldom():
    assert calls(Pace(), 1000, {True: 10.0, False: 1.0}).count(True) <= 8


def test_a_slow_first_call_does_not_decide():
    pace = Pace()
    calls(pace, 1, {True: 9.0, False: 1.0})
    assert calls(pace, 30, {True: 1.0, False: 1.8}).count(True) >= 25


def test_a_core_that_becomes_busy_is_noticed_soon_and_one_that_is_free_again_in_the_end():
    pace = Pace()
    calls(pace, 30, {True: 1.0, False: 1.8})
    assert calls(pace, 30, {True: 6.0, False: 1.8}).count(True) <= 8
    assert calls(pace, 1000, {True: 1.0, False: 1.8})[-500:].count(True) >= 450


def test_where_the_faster_way_changes_often_the_other_is_tried_more_often():
    pace, right = Pace(), 0
    for _ in range(50):
        right += calls(pace, 20, {True: 1.0, False: 1.8}).count(True)
        right += calls(pace, 20, {True: 3.0, False: 1.8}).count(False)
    assert right >= 1300  # of 2000
