"""What runs as Python in these tests is computed by the reference engine."""

import pytest

from baregrad.engines import selection


@pytest.fixture(autouse=True)
def reference_engine():
    with selection.using(selection.ReferenceEngine()):
        yield
