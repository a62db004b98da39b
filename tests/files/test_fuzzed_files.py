"""A few thousand changed model files; the slow suite has a million."""

import pytest

from tests.files.fuzzing import check_mutations


@pytest.mark.parametrize("seed", range(3))
def test_a_changed_model_file_is_a_model_or_refused(tmp_path, seed):
    good = check_mutations(tmp_path / "m.safetensors", 700, seed)
    assert 14 < good < 686
