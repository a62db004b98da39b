"""Shared by all tests: hypothesis draws the same examples in every run, Ctrl-C works."""

import gc
import signal

import pytest
from hypothesis import settings

settings.register_profile("baregrad", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("baregrad")

# a shell starts what runs in its background with Ctrl-C ignored, and children inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="module")
def only_what_a_module_makes_is_collected():
    """What was there before is not looked through by the garbage collector again and again."""
    gc.collect()
    gc.freeze()
