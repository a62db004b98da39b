"""The core runs where nothing is installed but Python."""

import subprocess
import sys
from pathlib import Path

import baregrad

SCRIPT = """
import sys
before = set(sys.modules)
sys.path.insert(0, {root!r})
import baregrad as bg

bg.manual_seed(0)
inputs = bg.randn(8, 3)
targets = inputs.sum(axis=1, keepdims=True)
weights = bg.Tensor([[0.1], [0.2], [0.3]], requires_grad=True)
losses = []
for _ in range(20):
    loss = ((inputs @ weights).tanh() - targets.tanh()).abs().mean()
    weights.grad = None
    loss.backward()
    with bg.no_grad():
        weights.assign(weights - 0.1 * weights.grad)
    losses.append(loss.item())
assert losses[-1] < losses[0], losses
print(*sorted(set(sys.modules) - before))
"""


def modules_loaded_by_a_small_training() -> list[str]:
    script = SCRIPT.format(root=str(Path(baregrad.__file__).parents[1]))
    run = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_a_small_training_loads_only_baregrad_and_the_standard_library():
    loaded = modules_loaded_by_a_small_training()
    assert "baregrad.tensor.tensor" in loaded
    foreign = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign == {"baregrad"}
    above = [name for name in loaded if name.startswith(("baregrad.view", "baregrad.cli"))]
    assert above == []
