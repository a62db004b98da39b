"""What `explain` shows of a step."""

import pytest

import baregrad as bg
from baregrad.compiler.explain import STAGES, explain
from baregrad.compiler.step import compile
from baregrad.errors import ArgumentError, CaptureError
from baregrad.machine.cpu import is_x86_64

native = pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")


def step(x, w):
    return (x @ w).relu().sum()


EXAMPLES = bg.ones(2, 3), bg.ones(3, 4)


@native
def test_every_stage_is_shown_in_order():
    text = explain(step, *EXAMPLES, lines=None)
    places = [
        text.index(part)
        for part in (
            "Program: ",
            "matmul(%0, %1)",
            "Kernels: ",
            "FLOP, ",
            "Memory: ",
            "read by 1",
            "Vector code: ",
            "program kernel_0(%table: pointer)",
            "Machine code: avx",
            "vfmadd",
        )
    ]
    assert places == sorted(places)
    assert "lines more" not in text


@native
def test_stages_can_be_chosen():
    alone = [explain(step, *EXAMPLES, stage=name) for name in STAGES]
    assert explain(step, *EXAMPLES) == "\n".join(alone)
    assert explain(step, *EXAMPLES, stage=["memory", "graph"]) == f"{alone[2]}\n{alone[0]}"


def test_long_stages_are_shortened():
    whole = explain(step, *EXAMPLES, stage="graph", lines=None).splitlines()
    shown = explain(step, *EXAMPLES, stage="graph", lines=3).splitlines()
    assert shown == [*whole[:3], f"  ... and {len(whole) - 3} lines more"]
    for lines in (len(whole), len(whole) - 1):  # one line is as short as the note on it
        assert explain(step, *EXAMPLES, stage="graph", lines=lines).splitlines() == whole


def test_a_compiled_step_is_explained_as_the_function_is():
    assert explain(compile(step), *EXAMPLES, stage="graph") == explain(
        step, *EXAMPLES, stage="graph"
    )


def test_what_cannot_be_explained_is_refused():
    with pytest.raises(ArgumentError, match="unknown stage 'code'"):
        explain(step, *EXAMPLES, stage="code")
    with pytest.raises(ArgumentError, match="lines must be an integer of 1 or more, not 0"):
        explain(step, *EXAMPLES, lines=0)
    with pytest.raises(CaptureError, match="looks at the numbers"):
        explain(lambda x: x.tolist(), bg.ones(2))
