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

inputs = bg.Generator(0).randn(32, 3)
targets = inputs.sum(axis=1, keepdims=True).tanh().detach()
model = bg.MLP(3, [4, 1], seed=0)


def error():
    return ((model(inputs) - targets) ** 2).mean()


error().backward()
assert all(parameter.grad is not None for parameter in model.parameters())
before_training = error().item()
bg.fit(model, inputs, targets, epochs=20, seed=0)
assert error().item() < before_training
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
