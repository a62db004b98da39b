"""Settings shared by all tests: hypothesis draws the same examples in every run, Ctrl-C works."""

import signal

from hypothesis import settings

settings.register_profile("baregrad", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("baregrad")

# a shell starts what runs in its background with Ctrl-C ignored, and children inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
