"""Files of settings that cannot be used: ``train`` names file and option, and does nothing."""

import re

import pytest

from baregrad.cli.main import main

CONFIGS = {
    "no TOML": (b"epochs: 3\n", "c.toml is not a TOML file: .*line 1"),
    "an option twice": (b"epochs = 3\nepochs = 4\n", "c.toml is not a TOML file: .*line 2"),
    "no UTF-8": (b'loss = "\xff"\n', "c.toml is not a TOML file"),
    "zero bytes": (b"epochs = 3\0\n", "c.toml is not a TOML file"),
    "deep": (b"epochs = " + b"[" * 10**5 + b"\n", "c.toml is not a TOML file"),
    "a table of JSON": (b'{"epochs": 3}', "c.toml is not a TOML file"),
    "an unknown option": (b"epoch = 3\n", "c.toml: unknown option 'epoch'; did you mean 'epochs'"),
    "another option's name": (b'batch_size = 3\n', "unknown option 'batch_size'; did you mean"),
    "a section": (b"[network]\nhidden = 3\n", "c.toml: unknown option 'network'"),
    "an option within an option": (b"epochs.max = 3\n", "c.toml: epochs must be a text or number"),
    "no number": (b'epochs = "many"\n', "c.toml: epochs must be an integer of 1 or more, not 'man"),
    "half an epoch": (b"epochs = 1.5\n", "c.toml: epochs must be an integer of 1 or more"),
    "a truth for a number": (b"epochs = true\n", "c.toml: epochs must be a text or number"),
    "a date for a number": (b"epochs = 2024-05-01\n", "c.toml: epochs must be a text or number"),
    "no rate": (b"lr = nan\n", "c.toml: lr must be a number above 0, not 'nan'"),
    "an unknown loss": (b'loss = "mes"\n', "c.toml: loss unknown loss 'mes'; did you mean 'mse'"),
    "an unknown task": (b'task = "rank"\n', "c.toml: task must be one of regression, classifi"),
    "no layers": (b"hidden = []\n", "c.toml: hidden must be layer sizes of 1 or more"),
    "a number for a truth": (b"header = 1\n", "c.toml: header must be true or false, not 1"),
    "another config": (b'config = "d.toml"\n', "c.toml: unknown option 'config'"),
}  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = main(["train", *words])
        output = capsys.readouterr()
        assert (code, output.out) == (2, "")
        assert re.match(r"baregrad: error: [^\n]*\n\Z", output.err)
        assert not (tmp_path / "runs").exists()
        return output.err

    return run


@pytest.mark.parametrize("name", CONFIGS)
def test_bad_settings_are_refused_in_one_line(name, run, tmp_path):
    content, said = CONFIGS[name]
    (tmp_path / "c.toml").write_bytes(content)
    assert re.search(said, run("--config", "c.toml"))


def test_a_file_or_run_that_is_not_there_is_named(run, tmp_path):
    assert "c.toml cannot be read: No such file" in run("--config", "c.toml")
    assert "config.toml cannot be read: No such file" in run("--config", ".")
    assert "config.toml cannot be read: No such file" in run("--resume", ".")
    assert "--resume goes with neither --config nor --out" in run("--resume", ".", "--out", "d")
