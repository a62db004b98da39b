"""The code to take away makes the network of the playground."""

import pytest

import baregrad as bg
from baregrad.play import problem
from baregrad.play import script as code_of
from baregrad.play.script import script
from baregrad.play.session import Session
from baregrad.play.settings import Settings
from tests.play.test_problem import CORNERS

SMALL = Settings(samples=60, hidden=(3,), activations=("tanh",), batch=16)
TABLE = b"a,it's,y\n" + b"".join(b"%d,%d,%d\n" % (i, i * i % 7, 2 * i) for i in range(30))


def code(session):
    return script(session.settings, session.problem, session.trainer, session.table)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": "moons"},
        {"data": "moons", "loss": "cross_entropy", "dropout": 0.2},
        {"data": "moons", "loss": "mse", "optimizer": "rmsprop"},
        {"data": "moons", "optimizer": "sgd", "momentum": 0.9},
        {"data": "moons", "optimizer": "lbfgs", "lr": 1.0},
        {"data": "blobs", "loss": "mse"},
        {"data": "sine", "noise": 0.3, "decay": 0.01, "optimizer": "adamw"},
        {"data": "drawn", "points": CORNERS},
        {"data": "csv", "target": "it's"},
    ],
    ids=lambda changes: "-".join(str(v) for k, v in changes.items() if k != "points"),
)
def test_the_code_trains_the_same_network(changes, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_bytes(TABLE)
    session = Session(SMALL)
    if changes["data"] == "csv":
        session.load(TABLE, "x.csv")
    session.change(changes)
    session.advance(2 * session.trainer.steps_per_epoch)
    session.change({"lr": 0.05})
    session.advance(session.trainer.steps_per_epoch)
    exec(compile(code(session), "playground.py", "exec"), {})
    saved = bg.load_model("playground.safetensors")
    theirs = dict(saved.model.named_parameters())
    for name, parameter in session.trainer.model.named_parameters():
        expected = parameter.flatten().tolist()
        assert theirs[name].flatten().tolist() == pytest.approx(expected, abs=2e-4)
    shown = float(capsys.readouterr().out.rsplit(maxsplit=1)[-1])
    assert shown == pytest.approx(session.picture.assessment()[2], abs=1e-3)


def test_the_code_takes_the_same_rows_of_a_long_table_with_rare_classes(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for module in (problem, code_of):
        monkeypatch.setattr(module, "MOST_ROWS", 40)
    rows = [f"{i},{'rare' if i == 50 else 'uv'[i * i % 7 > 2]}\n" for i in range(100)]
    (tmp_path / "x.csv").write_text("a,k\n" + "".join(rows))
    session = Session(SMALL)
    session.load((tmp_path / "x.csv").read_bytes(), "x.csv")
    assert session.described()["notes"] == [
        "40 of 100 rows, spread evenly",
        "1 row left out, each the only one of its class",
    ]
    session.advance(session.trainer.steps_per_epoch)
    exec(compile(code(session), "playground.py", "exec"), {})
    shown = float(capsys.readouterr().out.rsplit(maxsplit=1)[-1])
    assert shown == pytest.approx(session.picture.assessment()[2], abs=1e-3)


def test_before_training_the_code_trains_a_hundred_epochs():
    assert "epochs=100" in code(Session(SMALL))
