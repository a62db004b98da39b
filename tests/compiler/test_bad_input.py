"""What may go wrong around native code: each has its outcome, and none ends the interpreter."""

import copy
import gc
import pickle
import signal
import threading
from array import array

import pytest

import baregrad as bg
from baregrad import Tensor
from baregrad.compiler import native as native_module
from baregrad.compiler import residence
from baregrad.compiler.eager import native_engine
from baregrad.compiler.launch import Launch
from baregrad.compiler.step import compile
from baregrad.engines.selection import using
from baregrad.errors import ArgumentError, CaptureError, OutOfRangeError
from baregrad.machine.cpu import is_x86_64
from baregrad.machine.errors import MachineError, OutOfMemoryError
from baregrad.machine.memory import AlignedBuffer

pytestmark = pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")

CLOSE = {"rel": 1e-4, "abs": 1e-6}  # some steps of float32, added up in another order


def training(seed=1):
    """A model with dropout, and a step of Adam: both count what they have done."""
    model = bg.MLP(3, [8, 1], seed=seed, dropout=0.2)
    optimizer = bg.Adam(model.parameters(), lr=0.01)

    def step(x, y):
        optimizer.zero_grad()
        loss = bg.losses.mse(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return model, step


def batch(samples=6):
    generator = bg.Generator(3)
    return generator.randn(samples, 3), generator.randn(samples, 1)


def losses_of(step, times):
    return [step(*batch()).item() for _ in range(times)]


@pytest.fixture
def within(monkeypatch):
    """Runs a function whenever native code is about to run, or right after."""
    run = Launch.run

    def use(before=lambda: None, after=lambda: None):
        def wrapped(self, addresses, steps):
            before()
            run(self, addresses, steps)
            after()

        monkeypatch.setattr(Launch, "run", wrapped)

    return use


# --- the same memory twice ------------------------------------------------------------------------


def test_an_argument_may_be_given_twice():
    x = bg.arange(6.0)
    assert compile(lambda a, b: a * b - b)(x, x).tolist() == (x * x - x).tolist()


def test_an_argument_may_be_a_tensor_that_the_step_reads():
    w = Tensor([1.0, 2.0])
    compiled = compile(lambda x: x * w)
    assert compiled(w).tolist() == [1.0, 4.0]
    w.assign([3.0, 4.0])
    assert compiled(w).tolist() == [9.0, 16.0]


def test_an_argument_that_the_step_assigns_to_is_refused():
    w = Tensor([1.0, 2.0])
    w.name = "w"

    def step(x):
        w.assign(w * 2)
        return x + w

    compiled = compile(step)
    with pytest.raises(ArgumentError, match="argument 0 of the step is 'w', which the step assi"):
        compiled(w)
    with pytest.raises(ArgumentError, match="argument 0"):
        compile(lambda x: w.assign(w + x)).many(2, w)
    assert w.tolist() == [1.0, 2.0]
    assert compiled(w.detach()).tolist() == [3.0, 6.0]
    assert w.tolist() == [2.0, 4.0]


def test_a_tensor_that_is_read_after_it_was_written_has_its_new_value():
    w, copy = Tensor([1.0, 2.0]), Tensor([0.0, 0.0])

    def step(x):
        before = w * x
        w.assign(w + 1)
        copy.assign(w * 10)
        return before + w

    compiled = compile(step)
    assert compiled(bg.ones(2)).tolist() == [3.0, 5.0]
    assert (w.tolist(), copy.tolist()) == ([2.0, 3.0], [20.0, 30.0])


# --- memory that is gone --------------------------------------------------------------------------


def test_a_step_keeps_what_it_needs():
    expected = losses_of(training()[1], 5)
    model, step = training()
    compiled = compile(step)
    found = losses_of(compiled, 2)
    del model, step
    gc.collect()
    assert found + losses_of(compiled, 3) == pytest.approx(expected, **CLOSE)


def test_arguments_that_others_drop_meanwhile_stay_until_the_call_ends(within):
    def replace():
        arguments.clear()
        gc.collect()
        kept.extend(array("f", [7.0]) * 50_000 for _ in range(4))  # where they were, if freed

    kept, arguments = [], [bg.ones(50_000)]
    compiled = compile(lambda x: (x * 2).sum())
    within(before=replace)
    assert compiled(arguments[0]).item() == 100_000.0


def test_what_native_code_reads_cannot_be_resized(within):
    refused = []

    def resize():
        for tensor in (x, large):
            with pytest.raises(BufferError):
                tensor.array.data.append(1.0)
            refused.append(tensor)

    x, large = bg.ones(100), bg.ones(100_000)  # large data is used where it is
    compiled = compile(lambda x: x.sum() + large.sum())
    within(after=resize)
    assert compiled(x).item() == 100_100.0
    assert len(refused) == 2
    x.array.data.append(1.0)  # after the call nobody minds


def test_numbers_given_as_a_buffer_are_copied():
    data = array("f", [1.0, 2.0])
    x = Tensor(data)
    data.extend([3.0] * 1000)
    data[0] = 9.0
    assert compile(lambda x: x * 2)(x).tolist() == [2.0, 4.0]


def test_tensors_that_another_thread_assigns_to_are_whole():
    w = bg.full((5000,), 1.0)
    stop = threading.Event()

    def assign():
        number = 0.0
        while not stop.is_set():
            number += 1
            w.assign(bg.full((5000,), number))

    compiled = compile(lambda x: w.max() - w.min() + x)
    updating = compile(lambda: w.assign(w + 1))
    thread = threading.Thread(target=assign)
    thread.start()
    try:
        for _ in range(200):
            assert compiled(bg.zeros(1)).item() == 0.0
            updating()
    finally:
        stop.set()
        thread.join()
    w.assign(bg.full((5000,), 3.0))
    updating()
    assert set(w.tolist()) == {4.0}


# --- what cannot be compiled ----------------------------------------------------------------------


def test_a_branch_on_a_value_is_refused_each_time_and_changes_nothing():
    model, step = training()

    def branching(x, y):
        loss = step(x, y)
        return loss if loss > 0 else -loss

    before = model.state_dict()
    compiled = compile(branching)
    for _ in range(2):
        with pytest.raises(CaptureError, match="looks at the numbers"):
            compiled(*batch())
    assert all(model.state_dict()[name].tolist() == x.tolist() for name, x in before.items())
    assert losses_of(compile(step), 3) == pytest.approx(losses_of(training()[1], 3), **CLOSE)


def test_float64_is_refused_by_name():
    with pytest.raises(CaptureError, match="float64"):
        compile(lambda x: x * 2)(bg.ones(2).astype("float64"))


@pytest.mark.parametrize("shift", [2**40, -(2**40), 1], ids=["above", "below", "inside"])
def test_a_step_that_computes_an_index_runs_as_python_which_checks_it(shift):
    x = bg.arange(6.0).reshape(3, 2)
    compiled = compile(lambda i: x.take(i + shift))
    if shift == 1:
        assert compiled(Tensor([1])).tolist() == [x[2].tolist()]
    else:
        with pytest.raises(OutOfRangeError, match="out of range"):
            compiled(Tensor([1]))
    assert "computes indices" in compiled.fallback
    assert "computes indices" in str(bg.explain(compiled, Tensor([1])))


def test_a_predictor_whose_model_computes_an_index_is_the_model_itself():
    class Rounding(bg.Module):
        def forward(self, x):
            return bg.arange(3.0).take((x[:, 0] + 2 * x[:, 1]).astype("int64"))

    predict = bg.Predictor(Rounding(), 2)
    assert "computes indices" in predict.fallback
    assert predict(bg.Tensor([[1.0, 0.0], [0.0, 1.0]])).tolist() == [1.0, 2.0]
    assert predict([0.0, 1.0]) == predict(bg.Tensor([0.0, 1.0])).item() == 2.0  # a model of rows


def test_integers_that_the_step_computes_wrap_around():
    assert compile(lambda i: i * 4)(Tensor([2**62 + 3])).tolist() == [12]


# --- what the system refuses ----------------------------------------------------------------------


def test_a_buffer_for_which_there_is_no_memory_is_an_error_that_says_so():
    with pytest.raises(OutOfMemoryError, match=r"there are no 4,\d+.* bytes of memory") as caught:
        AlignedBuffer(1 << 60)
    assert isinstance(caught.value, MemoryError)


def refusing_once(monkeypatch, module, name, error):
    """The first call of a function fails."""
    real, refused = getattr(module, name), []

    def refuse(*arguments):
        if not refused:
            refused.append(arguments)
            raise error
        return real(*arguments)

    monkeypatch.setattr(module, name, refuse)
    return refused


@pytest.mark.parametrize(
    ("module", "name"),
    [(residence, "AlignedBuffer"), (native_module, "AlignedBuffer"), (native_module, "array")],
)
def test_a_step_without_memory_is_not_made_at_all(module, name, monkeypatch):
    expected = losses_of(training()[1], 4)
    model, step = training()
    before = [p.tolist() for p in model.parameters()]
    compiled = compile(step)
    refused = refusing_once(monkeypatch, module, name, OutOfMemoryError("no memory"))
    with pytest.raises(MemoryError, match="no memory"):
        compiled(*batch())
    assert refused
    assert [p.tolist() for p in model.parameters()] == before
    assert losses_of(compiled, 4) == pytest.approx(expected, **CLOSE)


def test_a_step_that_runs_out_of_memory_or_threads_later_can_be_made_again(monkeypatch):
    expected = losses_of(training()[1], 6)
    compiled = compile(training()[1])
    found = losses_of(compiled, 2)
    for name, error in (("array", MemoryError("no memory")), ("array", MachineError("no thread"))):
        with monkeypatch.context() as patched:
            refusing_once(patched, native_module, name, error)
            with pytest.raises(type(error), match="no "):
                compiled(*batch())
        found += losses_of(compiled, 2)
    assert found == pytest.approx(expected, **CLOSE)


# --- Ctrl-C ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be held back")
def test_ctrl_c_in_a_native_call_is_answered_when_all_its_steps_are_made(within):
    expected = losses_of(training()[1], 10)
    compiled = compile(training()[1])
    x, y = (bg.stack([part] * 5) for part in batch())
    found = losses_of(compiled, 1)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    # the signal waits until the native code is done, as Python lets it wait
    within(
        before=lambda: signal.raise_signal(signal.SIGINT),
        after=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, blocked),
    )
    with pytest.raises(KeyboardInterrupt):
        compiled.many(5, x, y)
    within()
    assert found + losses_of(compiled, 4) == pytest.approx([*expected[:1], *expected[6:]], **CLOSE)


def test_a_signal_s_handler_must_not_run_the_step_that_it_interrupts(within):
    def handle():
        if not interrupted:
            interrupted.append(True)
            with pytest.raises(MachineError, match="must not run the same step"):
                compiled(*batch())
            assert other(bg.ones(2)).tolist() == [2.0, 2.0]

    interrupted = []
    expected = losses_of(training()[1], 3)
    compiled, other = compile(training()[1]), compile(lambda x: x * 2)
    found = losses_of(compiled, 1)
    within(before=handle)
    found += losses_of(compiled, 2)
    assert interrupted
    assert found == pytest.approx(expected, **CLOSE)


def test_a_signal_s_handler_may_do_the_operation_that_it_interrupts(within):
    def handle():
        if not found:
            found.append(None)
            found[0] = b @ a

    found = []
    a, b = bg.Generator(1).randn(100, 100), bg.Generator(2).randn(100, 100)
    with using(native_engine(None)):
        first, second = (a @ b).tolist(), (b @ a).tolist()
        within(before=handle)
        assert (a @ b).tolist() == first
    assert found[0].tolist() == second


# --- threads --------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_compiled_step_that_is_copied_says_what_to_copy_instead(way):
    step = compile(lambda x: 2 * x)
    step(bg.ones(2))
    with pytest.raises(ArgumentError, match="copy or pickle the model and the optimizer"):
        way(step)


def test_a_method_says_where_it_can_be_compiled():
    class Doubler:
        @compile
        def double(self, x):
            return 2 * x

        def __init__(self):
            self.step = compile(self.halve)

        def halve(self, x):
            return x / 2

    assert Doubler().step(4.0).item() == 2
    assert repr(Doubler.double).endswith("Doubler.double)")
    with pytest.raises(ArgumentError, match=r"compile it in __init__: self\.step"):
        Doubler().double(4.0)


def test_threads_may_compile_at_the_same_time():
    model = bg.MLP(3, [8, 2], seed=1).eval()
    together, found = threading.Barrier(4), {}

    def work(samples):
        together.wait()
        found[samples] = compile(model)(bg.ones(samples, 3)).tolist()

    threads = [threading.Thread(target=work, args=(samples,)) for samples in range(2, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (expected,) = model(bg.ones(1, 3)).tolist()
    assert sorted(found) == [2, 3, 4, 5]
    for samples, outputs in found.items():
        assert outputs == [pytest.approx(expected, **CLOSE)] * samples
    assert gc.isenabled()
