"""Every example runs, in a clean process and an empty folder, and prints the numbers it should."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


def output_of(example, folder):
    """What an example prints."""
    system = {name: os.environ[name] for name in ("SYSTEMROOT", "PATH") if name in os.environ}
    result = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / example],
        cwd=folder,
        env={**system, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[+-]\d+)?", text)]


def rows_after(text, heading):
    """The numbers in each line below a heading, up to a blank line."""
    lines = text.partition(heading)[2].partition("\n")[2].splitlines()
    blank = lines.index("") if "" in lines else len(lines)
    return [numbers(line) for line in lines[:blank]]


def test_no_example_is_left_untested():
    source = Path(__file__).read_text(encoding="utf-8")
    for example in EXAMPLES.glob("*.py"):
        assert f'output_of("{example.name}"' in source


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_are_short_and_say_what_they_are(example):
    source = example.read_text(encoding="utf-8")
    assert 20 <= len(source.splitlines()) <= 60
    assert source.startswith('"""')


def test_mission_learns_its_four_points_and_saves_the_graph(tmp_path):
    text = output_of("mission.py", tmp_path)
    losses = [loss for _, loss in rows_after(text, "step ")]
    assert len(losses) == 6
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 1e-4
    answers = rows_after(text, "target ")
    assert [target for target, _ in answers] == [1, -1, -1, 1]
    assert all(abs(prediction - target) < 0.02 for target, prediction in answers)
    dot = (tmp_path / "mission-graph.dot").read_text(encoding="utf-8")
    assert dot.startswith("digraph")
    assert "layers.2.weight[0, 2]" in dot
    if "pip install" not in text:  # Graphviz was there
        assert "layers.2.weight[0, 2]" in (tmp_path / "mission-graph.svg").read_text("utf-8")


def test_regression_predicts_cars_it_has_not_seen(tmp_path):
    text = output_of("regression.py", tmp_path)
    assert "left out 'name'" in text
    assert float(re.findall(r"val_r2 (\S+)", text)[-1]) > 0.85
    assert float(re.search(r"off by (\S+)", text)[1]) < 2.5
    cars = rows_after(text, "actual ")
    assert len(cars) == 5
    assert all(abs(car[0] - car[1]) < 10 for car in cars)


def test_classification_names_nearly_all_penguins_from_the_saved_model(tmp_path):
    text = output_of("classification.py", tmp_path)
    right, count = numbers(re.search(r".* unseen penguins", text)[0])
    assert count == 86
    assert right >= 82
    confusion = rows_after(text, "actual ")
    assert sum(map(sum, confusion)) == count
    assert sum(confusion[i][i] for i in range(3)) == right
    assert (tmp_path / "penguins.safetensors").stat().st_size > 0


def test_custom_operation_goes_on_where_tanh_does_not(tmp_path):
    text = output_of("custom_operation.py", tmp_path)
    assert "agree with differences" in text
    (_, tanh_unseen), (snake_seen, snake_unseen) = rows_after(text, "activation ")
    assert snake_seen < 0.01
    assert snake_unseen < 0.1 < tanh_unseen


def test_custom_loop_tells_the_moons_apart_and_draws_them(tmp_path):
    text = output_of("custom_loop.py", tmp_path)
    assert float(re.findall(r"right (\S+)%", text)[-1]) > 97
    picture = text.partition("\n\n")[2].splitlines()
    assert len(picture) == 20
    assert all(len(line) == 56 for line in picture)
    assert set("".join(picture)) == set(" :o#")


def test_hessian_is_that_of_the_formula_and_newton_finds_the_minimum(tmp_path):
    text = output_of("hessian.py", tmp_path)
    # By hand: f = (1 - x)² + 100 (y - x²)² at x = -1.2, y = 1.
    assert "gradient is [-215.6, -88.0]" in text
    rows = re.findall(r"\[+(-?\d+\.\d), (-?\d+\.\d)\]", text)[-2:]
    assert rows == [("1330.0", "480.0"), ("480.0", "200.0")]
    step, x, y, value = rows_after(text, "step ")[-1]
    assert (step, x, y) == (6, 1, 1)
    assert value < 1e-12
