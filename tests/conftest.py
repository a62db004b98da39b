"""Settings shared by all tests: hypothesis draws the same examples in every run."""

from hypothesis import settings

settings.register_profile("baregrad", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("baregrad")
