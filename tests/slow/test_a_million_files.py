"""A million changed files: each is good, or refused by one clear exception."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS, FILES = 20, 50_000


def good_among(first):
    """Runs the fuzzer, so that it may crash; how many of its files were good."""
    command = [sys.executable, "-W", "error", "-X", "faulthandler", "-m", "tests.files.fuzzing"]
    run = subprocess.run(
        [*command, str(first), str(FILES)], cwd=ROOT, capture_output=True, text=True, timeout=3600
    )
    assert run.returncode == 0, run.stdout[-100:] + run.stderr[-5000:]
    return sum(map(int, re.findall(r"(\d+) good", run.stdout)))


@pytest.mark.slow
def test_a_million_changed_files_are_good_or_refused():
    first = int(os.environ.get("BAREGRAD_FUZZ_FIRST", "0"))  # for other millions
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        good = sum(pool.map(good_among, range(first, first + PARTS * FILES, FILES)))
    assert 0.02 < good / (PARTS * FILES) < 0.98
