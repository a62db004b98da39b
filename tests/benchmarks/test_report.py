"""The page of results."""

import pytest
from sections import compiling, footprint, mnist, predictions, steps
from sections.report import Results

SECTIONS = {"steps": steps}


def competition(**us):
    """What was found for a task, in which tinygrad always fails."""
    named = {
        steps.PEAK: [100.0, 100.0],
        steps.OWN: us.get("own", []),
        steps.OWN_EAGER: us.get("eager", []),
        "torch eager": us.get("torch", []),
        "JAX scan": us.get("jax", []),
    }
    return {
        "clock": "wall",
        "us": {name: values for name, values in named.items() if values},
        "failed": {"tinygrad": "not installed"},
        "versions": ["jax 1", "torch 2"],
        "last": {steps.PEAK: 25e6},
    }


def lines(text: str, first: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(f"| {first} |")]


def test_the_summary_compares_with_the_best_peer_and_with_what_is_required():
    found = {"T3/1": competition(own=[10.0, 20.0], torch=[90.0, 90.0], jax=[15.0, 30.0])}
    (summary, eager) = lines(steps.render(found), "T3")
    assert summary == "| T3 | 1 | 15.0 | 22.5 | JAX scan | 1.50 | 1.60 | **missed** |"
    assert eager == "| T3 | 1 | – | 90.0 | – | – |"


def test_where_baregrad_failed_there_is_a_table_without_ratios():
    text = steps.render({"T3/1": competition(torch=[90.0, 90.0])})
    assert lines(text, "T3")[0] == "| T3 | 1 | – | 90.0 | torch eager | – | 1.60 |  |"
    assert "| tinygrad | not installed |" in text
    assert "FMA peak meanwhile: 250 GFLOP/s" in text


def test_the_eager_loop_is_compared_with_the_faster_of_torchs():
    found = competition(eager=[50.0, 50.0], torch=[75.0, 75.0], own=[1.0, 1.0])
    assert lines(steps.render({"T2/1": found}), "T2")[1] == "| T2 | 1 | 50.0 | 75.0 | 1.50 | – |"


def test_a_measurement_made_again_replaces_the_one_before_and_others_stay(tmp_path):
    results = Results(tmp_path / "results")
    results.add("steps", "T3/1", competition(own=[10.0], jax=[30.0]))
    results.add("steps", "T1/1", competition(own=[1.0], jax=[3.0]))
    results.write(SECTIONS)
    again = Results(tmp_path / "results")
    again.add("steps", "T3/1", competition(own=[10.0], jax=[20.0]))
    again.write(SECTIONS)
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert [line.split(" | ")[5] for line in lines(text, "T3")[:1]] == ["2.00"]
    assert [line.split(" | ")[5] for line in lines(text, "T1")[:1]] == ["3.00"]
    assert "jax 1, torch 2." in text


RACE = {
    "clock": "wall",
    "seconds": {"baregrad": [1.0], "torch": [3.0]},
    "went": {name: {"epochs": 2.5, "accuracy": 0.9761} for name in ("baregrad", "torch")},
    "failed": {"JAX": "not installed"},
}


@pytest.mark.parametrize(
    ("section", "found", "row"),
    [
        (mnist, {"1": RACE}, "| torch | 3.00 | 3.00 – 3.00 | 3.00 | 2.5 | 97.61% |"),
        (mnist, {"1": RACE}, "| JAX | not installed |  |  |  |  |"),
        (footprint, {"memory": {"baregrad": 21.06, "JAX": "ended"}}, "| baregrad | 21.1 |"),
        (footprint, {"memory": {"baregrad": 21.06, "JAX": "ended"}}, "| JAX | ended |"),
        (footprint, {"sizes": {"baregrad": 0.5, "JAX": None}}, "| JAX | not installed |"),
        (
            footprint,
            {"imports": {"clock": "wall", "ms": {"baregrad": [10.0, 20.0]}}},
            "| baregrad | 15.0 | 12.5 – 17.5 |",
        ),
        (
            compiling,
            {"T3": {"ms": {"JAX jit": [400.0]}, "failed": {"tinygrad": "no clang"}}},
            "| JAX jit | 400 | 400 – 400 |",
        ),
        (
            predictions,
            {"predict_one/1": {"us": {"torch": [8.0]}, "failed": {"baregrad": "ended"}}},
            "| torch | 8.00 | 8.00 – 8.00 | – |",
        ),
    ],
)
def test_parts_show_what_was_measured_and_what_failed_even_alone(section, found, row):
    assert row in section.render(found).splitlines()
