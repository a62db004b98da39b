"""``baregrad train --cache``: from files as from memory."""

from pathlib import Path

import pytest

from baregrad.files.safetensors import load_tensors

QUICK = ("--epochs", "3", "--hidden", "4", "--no-report", "--quiet")


def weights(folder):
    return load_tensors(Path(folder) / "model.safetensors")[0]


@pytest.mark.parametrize(("table", "target"), [("points.csv", "y"), ("animals.csv", "kind")])
def test_training_from_a_cache_gives_the_same_model_and_history(cli, tables, table, target):
    for number, cache in enumerate([(), ("--cache", "kept"), ("--cache", "kept")], 1):
        assert cli("train", table, "--target", target, *QUICK, *cache).err == ""
        name = table.partition(".")[0]
        assert (
            Path(f"runs/{name}-{number}/history.csv").read_text()
            == Path(f"runs/{name}-1/history.csv").read_text()
        )
        found, expected = weights(f"runs/{name}-{number}"), weights(f"runs/{name}-1")
        assert {n: x.tolist() for n, x in found.items()} == {
            n: x.tolist() for n, x in expected.items()
        }
    parts = {
        f"{part}-{what}" for part in ("training", "validation") for what in ("features", "targets")
    }
    assert {file.name for file in Path("kept").iterdir()} == {"table", *parts}


def test_a_run_can_be_repeated_with_its_cache(cli, tables):
    cli("train", "points.csv", "--target", "y", *QUICK, "--cache", "kept", "--out", "a")
    assert cli("train", "--config", "a/config.toml", "--out", "b").code == 0
    assert 'cache = "kept"' in Path("b/config.toml").read_text()


def test_what_comes_from_standard_input_has_no_cache(cli):
    result = cli("train", "-", "--target", "y", "--cache", "kept")
    assert (result.code, "only what is read from a file can have a cache" in result.err) == (
        1,
        True,
    )


def test_a_cache_that_cannot_be_made_is_an_error(cli, tables):
    Path("kept").write_text("")
    result = cli("train", "points.csv", "--target", "y", "--cache", "kept")
    assert (result.code, result.out) == (1, "")
    assert "--cache kept cannot be made: File exists" in result.err
