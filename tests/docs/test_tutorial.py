"""The tutorial: its outputs are those of its commands, and it runs on other tables of the kind."""

import runpy
import shutil
import warnings
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
DATA = ROOT.parent / "shared" / "data"
MAKER = runpy.run_path(str(ROOT / "docs" / "make_outputs.py"))
TABLES = ["california_housing.csv", "adult-train.csv", "adult-test.csv"]

HOUSING = (
    "longitude,latitude,housing_median_age,total_rooms,total_bedrooms,population,households,"
    "median_income,median_house_value,ocean_proximity"
)
TEXTS = {  # of each column of the adult data, those that a few rows need
    1: ("State-gov", "Private", "?"),
    3: ("Bachelors", "HS-grad"),
    5: ("Divorced", "Never-married"),
    6: ("Sales", "Tech-support", "?"),
    7: ("Wife", "Husband"),
    8: ("White", "Black"),
    9: ("Male", "Female"),
    13: ("Peru", "Japan", "?"),
    14: ("<=50K", ">50K"),
}


def outputs_of(text, folder, data=None):
    pytest.importorskip("pygraphviz")  # without it, there is no report to be listed
    if shutil.which("sh") is None:
        pytest.skip("there is no sh")
    MAKER["lay_out"](folder, data)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "machine code is not used", RuntimeWarning)
        return MAKER["with_outputs"](text, folder)


def chapters():
    """What is about the penguins, and what needs tables that are not in the repository."""
    penguins, heading, rest = PAGE.read_text(encoding="utf-8").partition("## House prices\n")
    assert heading
    return penguins, rest


def write_samples(folder, rows=200):
    """Small tables with the columns of the real ones, and made-up numbers and texts in them."""
    random = Random(0)
    lines = [
        ",".join(f"{random.gauss(30, 9):.1f}" for _ in range(9))
        + random.choice([",A", ",NEAR BAY"])
        for _ in range(rows)
    ]
    (folder / "housing.csv").write_text("\n".join([HOUSING, *lines, ""]))
    for name, end in (("adult.data", ""), ("adult.test", ".")):
        lines = [
            ", ".join(random.choice(TEXTS.get(n, ("17", "30", "45"))) for n in range(15)) + end
            for _ in range(rows)
        ]
        (folder / name).write_text("\n".join([*lines, ""]))


def errors(text):
    """What goes wrong in a page, on purpose, without the numbers."""
    return [line for line in text.splitlines() if "rror: " in line]


def test_the_chapter_on_penguins_has_the_outputs_of_its_commands(tmp_path):
    penguins, _ = chapters()
    assert outputs_of(penguins, tmp_path) == penguins, "run docs/make_outputs.py"


def test_the_other_chapters_run_on_small_tables_of_the_kind(tmp_path):
    _, rest = chapters()
    write_samples(tmp_path)
    made = outputs_of(rest, tmp_path)
    assert errors(made) == errors(rest)
    assert len(errors(made)) == 1
    assert "(160, 40)" in made
    assert "rows           200" in made


def test_an_output_that_is_not_true_is_replaced(tmp_path):
    text = "```pycon\n>>> 1 + 1\n3\n>>> 1 / 0\n```\n\n```console\n$ echo 1.5 s\n2\n```\n"
    assert outputs_of(text, tmp_path) == (
        "```pycon\n>>> 1 + 1\n2\n>>> 1 / 0\nTraceback (most recent call last):\n    ...\n"
        "ZeroDivisionError: division by zero\n```\n\n```console\n$ echo 1.5 s\n… s\n```\n"
    )


@pytest.mark.slow
@pytest.mark.skipif(
    not all((DATA / name).exists() for name in TABLES), reason=f"the tables are not in {DATA}"
)
def test_the_tutorial_has_the_outputs_of_its_commands(tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    assert outputs_of(text, tmp_path, DATA) == text, "run docs/make_outputs.py"
