"""A thousand changed files; the slow suite has a million."""

import pytest

from baregrad.errors import ModelFileError
from tests.files import fuzzing
from tests.files.fuzzing import Fuzzer


@pytest.fixture
def fuzzer(tmp_path):
    with Fuzzer(tmp_path) as fuzzer:
        yield fuzzer


def test_a_changed_file_is_good_or_refused(fuzzer):
    good = fuzzer.check(range(1000))
    assert 100 < good < 900


def test_a_file_is_made_again_from_its_number(fuzzer, tmp_path):
    with Fuzzer(tmp_path) as another:
        assert [fuzzer.content(n) for n in range(50)] == [another.content(n) for n in range(50)]
    assert fuzzer.content(0) != fuzzer.content(1)


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), ModelFileError("it names no file")])
def test_the_number_of_a_file_that_fails_is_told(fuzzer, monkeypatch, error):
    def fail(_):
        raise error

    monkeypatch.setattr(fuzzing, "load_model", fail)
    with pytest.raises((ZeroDivisionError, AssertionError)) as caught:
        fuzzer.check([7])
    assert caught.value.__notes__[0].startswith("to see it again: python -m tests.files.fuzzing 7;")
