"""A million changed model files: each is a model, or refused by one clear exception."""

import os

import pytest

from tests.files.fuzzing import check_mutations

PARTS, FILES = 20, 50_000


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_changed_model_files_are_models_or_refused(tmp_path, part):
    first = int(os.environ.get("BAREGRAD_FUZZ_SEED", "0"))  # for other millions
    good = check_mutations(tmp_path / "m.safetensors", FILES, 1000 + first + part)
    assert 0.02 < good / FILES < 0.98
