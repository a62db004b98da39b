import os
import subprocess
import sys
import threading
import warnings

import pytest

import baregrad as bg
from baregrad.compiler.vector import compile
from baregrad.compiler.vector.compile import TARGETS
from baregrad.engines import selection
from baregrad.engines.array import Array, new
from baregrad.errors import ArgumentError
from baregrad.machine.cpu import is_x86_64, processor_features
from baregrad.machine.errors import ExecutableMemoryError, UnsupportedMachineError


@pytest.fixture(autouse=True)
def engines(monkeypatch):
    """Nothing that a test chooses is left behind."""
    monkeypatch.setattr(selection, "_process", None)
    monkeypatch.setattr(selection, "_warned", False)
    monkeypatch.delenv(selection.VARIABLE, raising=False)


def printed(code, **environment):
    """What a new Python process prints."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout + result.stderr


def test_the_engine_says_its_name():
    bg.set_engine("reference")
    assert bg.engine() == selection.current().name == "reference"


def test_the_reference_engine_runs_the_forward_rule_with_inputs_and_attributes():
    class Doubling:
        name = "doubling"
        infer = None

        @staticmethod
        def forward(x: Array, times: int) -> Array:
            return new([value * 2 * times for value in x.data], x.shape, x.dtype)

    result = selection.ReferenceEngine().evaluate(
        Doubling(), [new([1, 2], (2,), "int64")], {"times": 3}
    )
    assert result.data.tolist() == [6, 12]


def test_engines_take_turns():
    class Constant(selection.Engine):
        name = "constant"

        def evaluate(self, operation, inputs, attributes):
            return inputs[0]

    before = bg.engine()
    with selection.using(Constant()):
        assert bg.engine() == "constant"
        assert (bg.Tensor(1.0) + 1).item() == 1
    assert bg.engine() == before


def test_an_engine_that_does_not_exist_is_refused_by_name():
    with pytest.raises(ArgumentError, match="avx512"):
        bg.set_engine("avx51")


@pytest.mark.parametrize("name", selection.NAMES)
def test_the_environment_chooses_the_engine(name):
    if name != "reference" and name not in native_names():
        pytest.skip(f"the processor has no {name}")
    assert printed("import baregrad as bg; print(bg.engine())", BAREGRAD_ENGINE=name) == f"{name}\n"


def native_names():
    return [t.name for t in TARGETS if is_x86_64() and t.features <= processor_features()]


@pytest.mark.skipif(not native_names(), reason="the processor runs no machine code of ours")
def test_without_a_choice_the_widest_vectors_compute():
    assert bg.engine() == native_names()[0]


@pytest.mark.skipif(not native_names(), reason="the processor runs no machine code of ours")
def test_the_first_large_operation_brings_in_the_native_engine():
    key = bg.elementwise("key", lambda x: x + 1)
    for small in (bg.ones(10) + 1, key(bg.ones(10)), bg.with_gradient()(key)(bg.ones(10))):
        assert small.shape == (10,)
    waiting = selection.current()
    assert waiting.together("key", lambda x: x, [bg.ones(10).array]) is None
    (found,) = waiting.together("add one", lambda x: x + 1, [bg.ones(300).array])
    assert found.data.tolist() == [2.0] * 300
    assert selection.current() is not waiting
    assert selection.current().name == selection.process_engine() == native_names()[0]


@pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")
def test_an_engine_that_this_processor_has_not_is_refused_with_a_warning(monkeypatch):
    less = frozenset({"avx"})
    monkeypatch.setattr(compile, "processor_features", lambda: less)
    bg.set_engine("avx2")
    with pytest.warns(RuntimeWarning, match="avx2 needs avx2, fma, which this processor has not"):
        assert bg.engine() == "reference"


def test_a_wrong_name_in_the_environment_is_an_error_at_the_first_operation(monkeypatch):
    monkeypatch.setenv("BAREGRAD_ENGINE", "gpu")
    with pytest.raises(ArgumentError, match="BAREGRAD_ENGINE must be one of reference, avx2, avx5"):
        bg.Tensor([1.0]) + 1


def test_small_programs_never_load_the_compiler():
    code = """
import sys, baregrad as bg
x = bg.Tensor([[1.0, 2.0]], requires_grad=True)
(x * x).sum().backward()
bg.SGD([x]).step()
print([name for name in sys.modules if name.startswith(("baregrad.compiler", "baregrad.machine"))])
"""
    assert printed(code) == "[]\n"


def test_with_the_reference_engine_nothing_large_loads_the_compiler():
    code = """
import sys, baregrad as bg
x = bg.zeros(1000, requires_grad=True)
(x * x).sum().backward()
bg.SGD([x]).step()
print([name for name in sys.modules if name.startswith(("baregrad.compiler", "baregrad.machine"))])
"""
    assert printed(code, BAREGRAD_ENGINE="reference") == "[]\n"


@pytest.mark.parametrize(
    "error",
    [UnsupportedMachineError("this processor has not"), ExecutableMemoryError("not permitted")],
)
def test_where_machine_code_is_refused_one_warning_says_so_and_python_computes(monkeypatch, error):
    def refuse(name):
        raise error

    monkeypatch.setattr(selection, "_make_native", refuse)
    monkeypatch.setattr(selection, "_name_native", refuse)
    x = bg.zeros(20, 20)
    with pytest.warns(RuntimeWarning, match=f"machine code is not used.*{error}"):
        y = x + 1
    assert y.tolist() == [[1.0] * 20] * 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bg.set_engine("avx2")  # which is refused, too
        assert (x + 1).tolist() == y.tolist()
        assert bg.engine() == "reference"


def test_more_kept_values_than_there_is_room_for_push_out_the_first():
    known = {}
    for number in range(5):
        selection.remember(known, number, str(number), most=3)
    assert known == {2: "2", 3: "3", 4: "4"}


def test_threads_remember_at_the_same_time():
    def work(thread):
        try:
            for number in range(10_000):
                selection.remember(known, (thread, number), number, most=20)
        except RuntimeError as error:
            raised.append(error)

    known, raised = {}, []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert raised == []
    assert len(known) <= 20 + len(threads)
