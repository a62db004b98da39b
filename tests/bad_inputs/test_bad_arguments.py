"""Arguments that make no sense, alone or together: a line with the option and what it should be.

Those that can be known to be wrong before any file is read end with exit code 2, others with 1.
"""

import re

import pytest

from baregrad.cli.main import main
from baregrad.files.model import save_model
from baregrad.nn.mlp import MLP

ROWS = "a,b,y\n" + "".join(f"{i},{i % 3},{i}.5\n" for i in range(20))

USAGE = {
    "an unknown command": ("fit t.csv", "invalid choice: 'fit'"),
    "an unknown option": ("train --folds 3", "unrecognized arguments: --folds"),
    "an option cut short": ("train --epoch 3", "unrecognized arguments: --epoch"),
    "an option without its value": ("train --epochs", "--epochs: expected one argument"),
    "two tables": ("train t.csv t.csv", "unrecognized arguments: t.csv"),
    "no target": ("train t.csv", "Name it with --target; t.csv has 'a', 'b', 'y'"),
    "a target without a table": ("train --target y", "--target, .* are for a FILE.csv"),
    "a table and a made-up set": ("train t.csv --target y --dataset xor", "not both: t.csv"),
    "a loss of another task": (
        "train t.csv --target y --loss cross_entropy",
        "--loss cross_entropy does not fit the target 'y', which is taken for a number; use mse",
    ),
    "activations for other layers": (
        "train --hidden 3,3 --activation relu,tanh,elu",
        "--activation has 3 names and --hidden 2 layers",
    ),
    "no epochs": ("train --epochs 0", "--epochs: must be an integer of 1 or more, not '0'"),
    "half an epoch": ("train --epochs 0.5", "--epochs: must be an integer of 1 or more"),
    "negative patience": ("train --patience -3", "--patience: must be an integer of 1 or more"),
    "batches of none": ("train --batch-size 0", "--batch-size: must be an integer of 1 or more"),
    "a rate of zero": ("train --lr 0", "--lr: must be a number above 0, not '0'"),
    "a rate that is none": ("train --lr nan", "--lr: must be a number above 0, not 'nan'"),
    "an endless rate": ("train --lr 1e999", "--lr: must be a number above 0, not '1e999'"),
    "a negative seed": ("train --seed -1", "--seed: must be an integer from 0 to 2\\*\\*64 - 1"),
    "a layer of none": ("train --hidden 8,0", "--hidden: must be layer sizes of 1 or more"),
    "layers with blanks": ("train --hidden 8,,8", "--hidden: must be layer sizes of 1 or more"),
    "all rows kept back": ("train --validation 1", "--validation: must be a number from 0 up to"),
    "an unknown loss": ("train --loss mes", "unknown loss 'mes'; did you mean 'mse'"),
    "an unknown activation": ("train --activation rleu", "unknown activation 'rleu'; did you"),
    "an unknown optimizer": ("train --optimizer adm", "unknown optimizer 'adm'; did you mean 'ad"),
    "an unknown set": ("train --dataset spiral", "unknown data set 'spiral'; did you mean 'spi"),
    "an unknown task": ("train --task rank", "--task: invalid choice: 'rank'"),
    "negative lines": ("train t.csv --skip-rows -1", "--skip-rows: must be an integer of 0 or"),
    "predict without a table": ("predict m", "arguments are required: FILE.csv"),
    "evaluate without a model": ("evaluate", "arguments are required: MODEL, FILE.csv"),
    "inspect without a model": ("inspect", "arguments are required: MODEL"),
    "an unknown zoom": ("graph m --zoom atoms", "--zoom: invalid choice: 'atoms'"),
}  # fmt: skip

FAILURES = {
    "no such table": ("train no.csv --target y", "no.csv cannot be read: No such file"),
    "a folder for a table": ("train . --target y", "cannot be read: Is a directory"),
    "no such target": ("train t.csv --target z", "unknown column of t.csv 'z'"),
    "no such column to ignore": ("train t.csv --target y --ignore z", "unknown column of t.csv"),
    "all columns ignored": ("train t.csv --target y --ignore a --ignore b", "no column to learn"),
    "a long delimiter": ("train t.csv --target y --delimiter ab", "a delimiter is one character"),
    "an unknown encoding": ("train t.csv --target y --encoding u8x", "unknown encoding 'u8x'"),
    "an encoding of bytes": ("train t.csv --target y --encoding hex", "unknown encoding 'hex'"),
    "the wrong encoding": ("train t.csv --target y --encoding utf-16", "t.csv is not utf-16 text"),
    "all lines skipped": ("train t.csv --target y --skip-rows 99", "t.csv is empty|has no rows"),
    "a file for a folder": ("train --out t.csv", "t.csv.*(File exists|is no folder)"),
    "no such model": ("predict no t.csv", "no cannot be read: No such file"),
    "a folder without a run": ("inspect .", "model.safetensors cannot be read: No such file"),
    "model and table exchanged": ("predict t.csv m", "t.csv is not a safetensors file"),
    "a model without a preprocessor": ("evaluate m t.csv", "m was saved without a preprocessor"),
    "a picture of no known kind": ("graph m --out m.bmp", "'.bmp'"),
    "a folder that is not there": ("graph m --out no/m.dot", "no/m.dot"),
}  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    (tmp_path / "t.csv").write_text(ROWS)
    save_model(tmp_path / "m", MLP(2, [1], seed=0))
    monkeypatch.chdir(tmp_path)

    def run(words):
        code = main(words.split())
        output = capsys.readouterr()
        assert output.out == ""
        assert re.match(r"baregrad: error: [^\n]*\n\Z", output.err)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "t.csv"]
        return code, output.err

    return run


@pytest.mark.parametrize("name", USAGE)
def test_wrong_usage_is_said_before_anything_is_done(name, run):
    words, said = USAGE[name]
    code, error = run(words)
    assert code == 2
    assert re.search(said, error)


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_not_there_or_not_possible_is_said_and_nothing_is_left(name, run):
    words, said = FAILURES[name]
    code, error = run(words)
    assert code == 1
    assert re.search(said, error)
