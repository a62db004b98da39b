"""A hundred trainings killed with ``kill -9``, half of them as machine code. About two minutes."""

import os
from random import Random

import pytest

from tests.training.killing import end_of, ends_after_kills, started

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="processes are killed the POSIX way"),
]


@pytest.mark.parametrize("compiled", [False, True])
def test_kill_9_at_fifty_random_moments_loses_nothing(tmp_path, compiled):
    epochs = 100
    expected = end_of(started(tmp_path / "unbroken", compiled, epochs))
    moments = Random(7)
    ends = ends_after_kills(
        tmp_path, compiled, epochs, [moments.uniform(0, 0.4) for _ in range(50)]
    )
    assert set(ends) == {expected}
