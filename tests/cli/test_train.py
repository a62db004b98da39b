"""``baregrad train``: what it learns, writes and says."""

import csv
import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

import baregrad
from baregrad.cli import run_files, train
from baregrad.cli.settings import network_for
from baregrad.files.model import load_model
from baregrad.files.safetensors import load_tensors
from baregrad.machine.errors import UnsupportedMachineError
from baregrad.optim.schedules import cosine, one_cycle
from baregrad.tensor.tensor import Tensor
from baregrad.training.evaluation import evaluate
from baregrad.training.run import Callback
from baregrad.view.graph import draw_graph

QUICK = ("--epochs", "2", "--hidden", "2", "--no-report")


def history(folder):
    """The columns of a history file, as numbers."""
    with open(Path(folder) / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def settings(folder):
    return json.loads(load_tensors(Path(folder) / "model.safetensors")[1]["training"])


def predictions(cli, folder, table):
    return list(csv.DictReader(cli("predict", folder, table).out.splitlines()))


# --- what is written ----------------------------------------------------------------------------


def test_a_run_leaves_model_history_and_graph(cli):
    code, out, err = cli("train", *QUICK)
    assert code == 0
    folder = Path("runs/sine-1")
    saved = load_model(folder / "model.safetensors")
    assert [layer.outputs for layer in saved.model.layers] == [2, 1]
    assert saved.preprocessor.feature_names == ["x1"]
    assert history(folder).keys() >= {"epoch", "loss", "val_loss", "r2", "val_mae", "lr"}
    assert history(folder)["epoch"] == [0, 1]
    assert (folder / "graph.dot").read_text().startswith("digraph")
    assert "epoch 2/2  loss" in err
    assert "Written to runs/sine-1:" in out


def test_the_graph_has_names_values_and_gradients(cli):
    cli("train", *QUICK)
    dot = Path("runs/sine-1/graph.dot").read_text()
    for word in (
        "layers.0.weight",
        "layers.1.bias",
        ">x<",
        ">y<",
        ">loss<",
        "grad",
        "mse of 4 rows",
    ):
        assert word in dot


def test_the_graph_is_drawn_where_graphviz_is(cli):
    pytest.importorskip("pygraphviz")
    code, out, _ = cli("train", *QUICK)
    assert code == 0
    assert "<svg" in Path("runs/sine-1/graph.svg").read_text()
    assert "not drawn" not in out
    assert "graph runs/sine-1 --out network.svg  to see" in out


def test_a_picture_that_graphviz_cannot_draw_is_no_failure(cli, monkeypatch):
    def failing(dot, form):
        raise baregrad.BaregradError("dot failed")

    monkeypatch.setattr("baregrad.view.drawing.render", failing)
    code, out, _ = cli("train", *QUICK)
    assert code == 0
    assert "graph.svg          not drawn: dot failed\n" in out


def test_without_graphviz_the_run_is_complete_but_for_the_picture(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", "")
    code, out, _ = cli("train", *QUICK)
    assert code == 0
    assert (
        "graph.svg          not drawn: pip install 'baregrad[view]'; graph.dot has the text\n"
        in out
    )
    assert "graph runs/sine-1 --out network.dot  to see" in out
    assert Path("runs/sine-1/graph.dot").exists()
    assert not Path("runs/sine-1/graph.svg").exists()


def test_a_graph_that_is_too_large_is_folded(cli, monkeypatch):
    monkeypatch.setattr(run_files, "draw_graph", partial(draw_graph, max_nodes=5))
    assert "with values and gradients, folded" in cli("train", *QUICK).out


def test_runs_are_numbered(cli):
    for number in (1, 2):
        assert cli("train", *QUICK, "--quiet") == (0, "", "")
        assert Path(f"runs/sine-{number}/model.safetensors").exists()


def test_a_run_goes_where_it_is_asked_to(cli):
    assert cli("train", *QUICK, "--out", "a/b").code == 0
    assert Path("a/b/model.safetensors").exists()
    assert not Path("runs").exists()


def test_a_run_is_never_overwritten(cli):
    cli("train", *QUICK, "--out", "here")
    before = Path("here/model.safetensors").read_bytes()
    code, out, err = cli("train", *QUICK, "--out", "here")
    assert (code, out) == (1, "")
    assert err == (
        "baregrad: error: here has a run in it already (model.safetensors); give another --out, or "
        "remove it; a run that was interrupted goes on with --resume here\n"
    )
    assert Path("here/model.safetensors").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_noticed_before_training(cli, tmp_path):
    (tmp_path / "file").write_text("")
    assert cli("train", "--out", "file/run") == (
        1,
        "",
        "baregrad: error: file/run: Not a directory\n",
    )
    assert cli("train", "--out", "file").err == "baregrad: error: file: File exists\n"


def test_a_training_that_fails_leaves_no_folder(cli):
    code, out, err = cli("train", "--optimizer", "sgd", "--lr", "1e30", "--hidden", "2")
    assert (code, out) == (1, "")
    assert "Try a lower learning rate" in err
    assert list(Path("runs").iterdir()) == []


def test_the_same_seed_gives_the_same_network(cli):
    for seed in (3, 3, 4):
        cli("train", *QUICK, "--seed", seed, "--quiet")
    first, second, other = (
        Path(f"runs/sine-{n}/model.safetensors").read_bytes() for n in (1, 2, 3)
    )
    assert first == second != other


# --- what is said ----------------------------------------------------------------------------


def test_the_summary_says_all_that_matters(cli):
    out = cli("train", *QUICK, "--dataset", "blobs", "--activation", "relu").out
    for line in (
        "data      made-up set 'blobs': 240 rows to train, 60 to validate",
        "task      classification of 'y', 3 classes",
        "network   2-2-3 neurons, relu, 15 parameters",
        "training  2 epochs, 30 steps of 16 rows, adam with lr 0.02, seed 0; ",
        "cross_entropy",
        "of epoch 2, whose weights are kept, as it was the best in validation",
        "Written to runs/blobs-1:",
        "baregrad predict runs/blobs-1 FILE.csv",
        "for any table with the columns x1, x2",
    ):
        assert line in out


def test_the_numbers_of_the_summary_are_those_of_the_history(cli):
    out = cli("train", *QUICK).out
    assert "for any table with the column x1\n" in out
    values = history("runs/sine-1")
    best = values["val_loss"].index(min(values["val_loss"]))
    table = {line.split()[0]: line.split() for line in out.splitlines() if line}
    for name in ("loss", "r2", "mae"):
        expected = [f"{values[key][best]:.4g}" for key in (name, f"val_{name}")]
        assert table[name][1:3] == expected


def test_a_metric_that_is_not_there_is_a_dash_null_and_an_empty_cell(cli, tmp_path):
    rows = "".join(f"{i},{'1.5' if i else '2.5'}\n" for i in range(10))
    (tmp_path / "equal.csv").write_text("a,y\n" + rows)
    words = ("--target", "y", "--task", "regression", *QUICK)
    out = cli("train", "equal.csv", *words).out
    line = next(line.split() for line in out.splitlines() if line.startswith("r2 "))
    assert line[0] == "r2"
    assert float(line[1]) < 1
    assert line[2] == "-"
    text = load_tensors("runs/equal-1/model.safetensors")[1]["training"]
    assert json.loads(text, parse_constant=pytest.fail)["final"]["val_r2"] is None
    with open("runs/equal-1/history.csv", newline="") as file:
        assert [row["val_r2"] for row in csv.DictReader(file)] == ["", ""]


def test_the_weights_of_the_best_epoch_are_kept(cli, monkeypatch):
    outcomes = []
    monkeypatch.setattr(
        train, "write_run", lambda _, outcome, report: outcomes.append(outcome) or {}
    )
    words = ("--dataset", "checkerboard", "--epochs", "6", "--hidden", "8", "--lr", "0.3")
    cli("train", *words, "--quiet")
    network, history = outcomes[0].network, outcomes[0].history
    validation = outcomes[0].problem.validation
    best = evaluate(network, validation.x, validation.y, "cross_entropy")["loss"]
    assert best == pytest.approx(min(history["val_loss"]), rel=1e-6)
    assert best < history["val_loss"][-1]


def test_training_stops_when_validation_has_long_been_no_better(cli):
    words = ("--dataset", "checkerboard", "--hidden", "8", "--lr", "0.3", "--epochs", "40")
    out = cli("train", *words, "--patience", "3").out
    losses = history("runs/checkerboard-1")["val_loss"]
    best = losses.index(min(losses))
    assert len(losses) == best + 4 < 40
    assert f"of epoch {best + 1}, whose weights are kept" in out
    assert (
        f"note      val_loss has not improved for 3 epochs, in epoch {len(losses)} of 40\n" in out
    )


def test_without_validation_training_is_not_stopped(cli):
    cli("train", *STILL[:4], "--epochs", "4", "--patience", "1", "--hidden", "2")
    assert history("runs/sine-1")["epoch"] == [0, 1, 2, 3]


def test_quiet_says_nothing(cli):
    assert cli("train", *QUICK, "--quiet") == (0, "", "")


def test_without_validation_all_rows_are_trained_on(cli):
    out = cli("train", *QUICK, "--validation", "0").out
    assert "300 rows to train, 0 to validate" in out
    assert "best in validation" not in out
    assert "val_loss" not in history("runs/sine-1")


def test_many_columns_are_not_listed(cli, tmp_path):
    names = [f"a_long_name_{i}" for i in range(5)]
    rows = [",".join(str((i * k) % 7) for k in range(1, 6)) for i in range(20)]
    (tmp_path / "wide.csv").write_text(",".join(names) + "\n" + "\n".join(rows) + "\n")
    words = ("--target", names[0], "--task", "regression")
    assert "the columns of the training data" in cli("train", "wide.csv", *words, *QUICK).out


def test_a_large_problem_gets_few_epochs_and_says_so(cli, monkeypatch):
    monkeypatch.setattr("baregrad.cli.settings.SECONDS", 1e-6)
    out = cli("train", "--hidden", "2").out
    assert "training  1 epoch, " in out
    assert (
        "note      fewer epochs than usual, as each takes long; --epochs sets their number" in out
    )


def test_without_machine_code_there_is_time_for_fewer_epochs(cli, monkeypatch):
    def refuse():
        raise UnsupportedMachineError("not this processor")

    monkeypatch.setattr("baregrad.cli.settings.chosen_target", refuse)
    monkeypatch.setattr("baregrad.cli.settings.SECONDS", 0.5)
    out = cli("train", "--hidden", "2").out
    assert "fewer epochs than usual" in out


# --- options ------------------------------------------------------------------------------------


def test_options_reach_the_training(cli):
    words = ("--hidden", "3,2", "--activation", "relu,tanh", "--optimizer", "rmsprop")
    more = ("--lr", "0.5", "--epochs", "1", "--batch-size", "50", "--loss", "huber", "--seed", "7")
    out = cli("train", *words, *more, "--validation", "0.5").out
    assert "1-3-2-1 neurons, relu-tanh" in out
    assert "1 epoch, 3 steps of 50 rows, rmsprop with lr 0.5, seed 7" in out
    kept = settings("runs/sine-1")
    assert (kept["loss"], kept["validation"], kept["activation"]) == (
        "huber",
        0.5,
        ["relu", "tanh"],
    )


def test_tables_are_learned_by_the_recipes_of_the_estimators(cli, tables, monkeypatch):
    outcomes = []
    monkeypatch.setattr(
        train, "write_run", lambda _, outcome, report: outcomes.append(outcome) or {}
    )
    for file, target in (("points.csv", "y"), ("animals.csv", "kind")):
        cli("train", file, "--target", target, "--epochs", "1", "--quiet")
    for outcome, estimator in zip(
        outcomes, (baregrad.MLPRegressor(), baregrad.MLPClassifier()), strict=True
    ):
        settings, wanted = outcome.settings, estimator.get_params()
        rows = len(outcome.problem.training)
        assert tuple(settings.hidden) == wanted["hidden_layer_sizes"]
        assert set(settings.activation) == {wanted["activation"]}
        assert settings.weight_decay * rows == pytest.approx(wanted["alpha"])
        assert settings.label_smoothing == wanted.get("label_smoothing", 0)
        assert (settings.lr, settings.schedule, settings.dropout, settings.initializer) == tuple(
            wanted[name]
            for name in ("learning_rate_init", "learning_rate", "dropout", "initializer")
        )
        assert settings.patience is None


def test_the_rate_goes_as_the_schedule_says(cli):
    for number, schedule in enumerate(("one_cycle", "cosine", "constant"), 1):
        words = ("--schedule", schedule, "--lr", "0.1", "--batch-size", "300", "--epochs", "10")
        cli("train", *words, "--hidden", "2", "--quiet")
        rates = history(f"runs/sine-{number}")["lr"]
        rule = {"one_cycle": one_cycle(10), "cosine": cosine(10)}.get(schedule)
        assert rates == pytest.approx([rule(i, 0.1) if rule else 0.1 for i in range(10)])


def test_weights_decay_and_biases_do_not(cli, monkeypatch):
    outcomes = []
    monkeypatch.setattr(
        train, "write_run", lambda _, outcome, report: outcomes.append(outcome) or {}
    )
    words = ("--epochs", "1", "--batch-size", "300", "--optimizer", "sgd", "--lr", "0.5")
    more = ("--schedule", "constant", "--quiet")
    for decay in ("0", "0.5"):
        cli("train", *words, *more, "--weight-decay", decay)
    plain, decayed = ([p.tolist() for p in o.network.parameters()] for o in outcomes)
    start = network_for(outcomes[0].problem, outcomes[0].settings).parameters()
    for parameter, without, with_decay in zip(start, plain, decayed, strict=True):
        pull = 0.25 if parameter.ndim == 2 else 0.0  # lr times decay, after one step; float32
        expected = Tensor(without) - pull * parameter.detach()
        assert Tensor(with_decay).flatten().tolist() == pytest.approx(
            expected.flatten().tolist(), abs=1e-6
        )


def test_dropout_and_smoothing_are_said(cli, tables):
    words = ("--target", "kind", "--dropout", "0.25", "--label-smoothing", "0.1")
    out = cli("train", "animals.csv", *words, *QUICK).out
    assert "1-2-2 neurons, relu, dropout 0.25, " in out
    assert "cross_entropy, labels smoothed by 0.1" in out
    assert settings("runs/animals-1")["label_smoothing"] == 0.1


def test_a_batch_is_not_larger_than_the_data(cli):
    assert "1 step of 240 rows" in cli("train", "--epochs", "1", "--batch-size", "10000").out


def test_lbfgs_sees_all_rows_in_each_step(cli):
    out = cli("train", "--optimizer", "lbfgs", "--hidden", "2", "--epochs", "1").out
    assert "1 epoch, 1 step of 240 rows, lbfgs with lr 1" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--target", "y"), "--target, --task, --ignore and --kind are for a FILE.csv, and none"),
        (("--task", "regression"), "are for a FILE.csv"),
        (("--ignore", "a"), "are for a FILE.csv"),
        (("points.csv", "--dataset", "sine"), "give either a file or --dataset, not both"),
        (
            ("points.csv",),
            "which column is to be predicted? Name it with --target; points.csv has 'a', 'b', 'y'",
        ),
        (
            ("--activation", "relu,relu,relu"),
            "--activation has 3 names and --hidden 2 layers; give one name for all layers, or one "
            "for each",
        ),
        (
            ("--loss", "cross_entropy"),
            "--loss cross_entropy does not fit the target 'y', which is taken for a number; use "
            "mse or mae or huber or quantile, or another --task",
        ),
        (("--label-smoothing", "0.1"), "--label-smoothing is for classes, and the target is a"),
        (
            ("--optimizer", "lbfgs", "--dropout", "0.1"),
            "--optimizer lbfgs has neither --dropout nor --weight-decay",
        ),
        (("--optimizer", "lbfgs", "--weight-decay", "1"), "lbfgs has neither --dropout nor"),
        (("--weight-decay", "-1"), "--weight-decay: must be a number of 0 or more, not '-1'"),
        (("--loss", "poisson"), "--loss poisson does not fit the target 'y'"),
        (
            ("--dataset", "blobs", "--loss", "binary_cross_entropy"),
            "does not fit the target 'y', which is taken for one of 3 classes; use cross_entropy",
        ),
        (("--dataset", "xor", "--loss", "mse"), "use cross_entropy or binary_cross_entropy"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(cli, tables, words, said):
    code, out, err = cli("train", *words)
    assert (code, out) == (2, "")
    assert err.startswith("baregrad: error: ")
    assert said in err
    assert err.count("\n") == 1
    assert not Path("runs").exists()


# --- files --------------------------------------------------------------------------------------


def test_numbers_with_a_fraction_are_a_regression(cli, tables):
    out = cli("train", "points.csv", "--target", "y", *QUICK).out
    assert "task      regression of 'y'" in out
    assert "points.csv: 16 rows to train, 4 to validate" in out
    assert "in the units of 'y'" in out


def test_text_is_a_classification(cli, tables):
    out = cli("train", "animals.csv", "--target", "kind", *QUICK).out
    assert "task      classification of 'kind', 2 classes" in out


def test_the_task_can_be_given(cli, tables):
    words = ("--target", "a", "--task", "classification", "--validation", "0.3")
    out = cli("train", "points.csv", *words, *QUICK).out
    assert "classification of 'a', 5 classes" in out


def test_both_parts_have_every_class_in_its_share(cli, tables, monkeypatch):
    found = []

    def noting(problem, *rest):
        found.extend(sorted(part.y.tolist()) for part in (problem.training, problem.validation))
        raise baregrad.DataError("enough")

    monkeypatch.setattr(train, "trained", noting)
    cli("train", "animals.csv", "--target", "kind", "--validation", "0.3")
    assert found == [[0] * 7 + [1] * 7, [0] * 3 + [1] * 3]


def test_the_only_row_of_a_class_is_trained_on(cli, tables):
    with open("animals.csv", "a") as file:
        file.write("50,horse\n")
    for seed in range(3):
        words = ("--target", "kind", "--seed", seed)
        out = cli("train", "animals.csv", *words, *QUICK).out
        assert "17 rows to train, 4 to validate" in out
        assert "3 classes" in out


def test_preprocessing_is_learned_from_the_training_rows_alone(cli, tables, monkeypatch):
    found = []

    def noting(problem, *rest):
        found.append(problem.training.x)
        raise baregrad.DataError("enough")

    monkeypatch.setattr(train, "trained", noting)
    cli("train", "points.csv", "--target", "y")
    # standardised by the training rows, these have mean 0 and variance 1; float32
    assert found[0].mean(0).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert found[0].var(0, correction=0).tolist() == pytest.approx([1, 1], rel=1e-6)


def test_the_kind_of_a_column_can_be_said(cli, tmp_path):
    rows = "".join(f"0{1 + i % 2}067,{i % 2}.5\n" for i in range(20))
    (tmp_path / "towns.csv").write_text("zip,y\n" + rows)
    train = ("train", "towns.csv", "--target", "y", "--epochs", "1", "--no-report")
    assert "column 'zip' has numbers that begin with 0" in cli(*train, "--out", "numbers").out
    code, out, _ = cli(*train, "--out", "codes", "--kind", "zip=category")
    assert (code, "begin with 0" in out) == (0, False)
    assert "zip  category, 2 features" in cli("inspect", "codes").out
    cli("train", "--config", "codes", "--out", "again", "--quiet")  # the folder of the run
    assert Path("again/config.toml").read_text() == Path("codes/config.toml").read_text()
    assert cli("predict", "again", "towns.csv").out.splitlines()[1].startswith("01067,0.5,")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--kind zip", "--kind must be a column and its kind, as in zip=category, not 'zip'"),
        ("--kind a=code", "--kind unknown kind of column 'code'"),
        ("--ignore y", "--ignore y names the column that is to be predicted"),
    ],
)
def test_words_on_columns_that_mean_nothing_are_wrong_usage(cli, tables, words, said):
    code, _, err = cli("train", "points.csv", "--target", "y", *words.split())
    assert (code, said in err) == (2, True)


def test_rows_without_a_target_are_left_out_and_counted(cli, tables):
    with open("points.csv", "a") as file:
        file.write("1,2,\n3,4,NA\n")
    out = cli("train", "points.csv", "--target", "y", *QUICK).out
    assert "note      2 rows without 'y' left out" in out
    assert "16 rows to train, 4 to validate" in out


def test_columns_can_be_ignored(cli, tables):
    out = cli("train", "points.csv", "--target", "y", "--ignore", "b", *QUICK).out
    assert "network   1-2-1 neurons" in out


def test_columns_of_no_use_are_named(cli, tables):
    rows = [f"{i},name {i},{i * i}.5" for i in range(80)]
    Path("named.csv").write_text("a,name,y\n" + "\n".join(rows) + "\n")
    assert (
        "note      column 'name' left out: it has"
        in cli("train", "named.csv", "--target", "y", *QUICK).out
    )


def test_how_to_read_a_file_can_be_said(cli, tmp_path):
    content = "a comment\n" + "".join(f"{i}:{i % 2}:é\n" for i in range(20))
    (tmp_path / "odd.txt").write_bytes(content.encode("latin-1"))
    words = ("--delimiter", ":", "--no-header", "--encoding", "latin-1", "--skip-rows", "1")
    code, out, _ = cli("train", "odd.txt", "--target", "column_2", *words, *QUICK)
    assert code == 0
    assert "16 rows to train, 4 to validate" in out


def test_a_first_row_with_the_target_is_the_header(cli, tmp_path):
    rows = "".join(f"{i},{2 * i}.5\n" for i in range(20))
    (tmp_path / "years.csv").write_text("2019,2020\n" + rows)
    out = cli("train", "years.csv", "--target", "2020", *QUICK).out
    assert "years.csv: 16 rows to train, 4 to validate" in out
    assert "regression of '2020'" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none.csv", "--target", "y"), "none.csv cannot be read: No such file or directory"),
        ((".", "--target", "y"), ". cannot be read: Is a directory"),
        (("binary.csv", "--target", "y"), "binary.csv is not"),
        (("points.csv", "--target", "yy"), "'yy'; did you mean 'y'? Known: a, b, y."),
        (("points.csv", "--target", "y", "--ignore", "c"), "unknown column of points.csv 'c'"),
        (("animals.csv", "--target", "kind", "--task", "regression"), "is not a finite number"),
        (("blank.csv", "--target", "y"), "blank.csv: the target 'y' has no values, so there is"),
        (("short.csv", "--target", "y"), "short.csv: the target 'y' has a value in one row only"),
        (("equal.csv", "--target", "y"), "equal.csv: the target 'y' is the same in all 2 rows"),
        (
            ("points.csv", "--target", "a", "--task", "classification", "--validation", "0.05"),
            "points.csv: 0.05 of 20 rows cannot have each of 5 classes in it",
        ),
        (
            ("animals.csv", "--target", "size", "--task", "classification"),
            "0.2 of 20 rows cannot have each of 20 classes in it",
        ),
    ],
)
def test_data_that_cannot_be_used_is_an_error(cli, tables, words, said):
    (tables / "binary.csv").write_bytes(bytes(range(256)))
    (tables / "blank.csv").write_text("a,y\n1,\n2,NA\n")
    (tables / "short.csv").write_text("a,y\n1,3\n2,\n")
    (tables / "equal.csv").write_text("a,y\n1,3\n2,3\n")
    code, out, err = cli("train", *words)
    assert (code, out) == (1, "")
    assert err.startswith("baregrad: error: ")
    assert said in err
    assert err.count("\n") == 1
    assert not Path("runs").exists()


# --- numbers ------------------------------------------------------------------------------------

STILL = (
    *("--validation", "0", "--lr", "1e-30", "--epochs", "1", "--batch-size", "100"),
    *("--dropout", "0"),
)


def test_the_absolute_error_is_in_the_user_s_units(cli, tables):
    cli("train", "points.csv", "--target", "y", *STILL)
    rows = predictions(cli, "runs/points-1", "points.csv")
    errors = [abs(float(row["prediction"]) - float(row["y"])) for row in rows]
    # float32 predictions, printed to seven digits
    assert history("runs/points-1")["mae"] == [pytest.approx(sum(errors) / 20, rel=1e-5)]


def test_accuracy_is_the_share_of_right_predictions(cli, tables):
    for number, loss in enumerate(("cross_entropy", "binary_cross_entropy"), 1):
        cli("train", "animals.csv", "--target", "kind", *STILL, "--loss", loss)
        rows = predictions(cli, f"runs/animals-{number}", "animals.csv")
        right = sum(row["prediction"] == row["kind"] for row in rows)
        assert history(f"runs/animals-{number}")["accuracy"] == [pytest.approx(right / 20)]


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_classes_are_learned(cli, tables, loss):
    cli("train", "animals.csv", "--target", "kind", "--epochs", "60", "--loss", loss)
    rows = predictions(cli, "runs/animals-1", "animals.csv")
    assert sum(row["prediction"] == row["kind"] for row in rows) >= 18


@pytest.mark.slow
def test_the_defaults_fit_a_sine(cli):
    assert cli("train").code == 0
    assert settings("runs/sine-1")["final"]["val_r2"] > 0.97


# --- Ctrl-C -------------------------------------------------------------------------------------


class PressingCtrlC(Callback):
    def on_loss(self, run):
        if run.step == 3:
            signal.raise_signal(signal.SIGINT)


def test_training_stops_after_the_batch_in_which_ctrl_c_is_pressed(cli, monkeypatch):
    monkeypatch.setattr(train, "shown_progress", lambda quiet: nullcontext([PressingCtrlC()]))
    code, out, _ = cli("train", *QUICK)
    assert code == 130
    assert "training  1 epoch, 4 steps" in out
    assert "note      interrupted by Ctrl-C, in epoch 1 of 2" in out
    assert Path("runs/sine-1/model.safetensors").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals are sent the POSIX way")
def test_ctrl_c_stops_training_and_keeps_what_there_is(tmp_path):
    root = Path(baregrad.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "baregrad", "train", "--epochs", "1000000", "--hidden", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr.readline().startswith("epoch")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "note      interrupted by Ctrl-C, in epoch" in out
    folder = tmp_path / "runs" / "sine-1"
    assert load_model(folder / "model.safetensors").model([0.0]).shape == (1,)
    assert len(history(folder)["loss"]) >= 1
    assert (folder / "graph.dot").exists()
