"""What a training is made of, in words and numbers, so that two of them can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from baregrad.arguments import is_number, python_number
from baregrad.files.state import digest
from baregrad.nn.module import Module
from baregrad.optim.options import options_of
from baregrad.optim.schedules import Schedule
from baregrad.tensor.tensor import Tensor
from baregrad.training.finite import may_watch
from baregrad.training.samples import Samples
from baregrad.training.task import Task


def fingerprint(
    task: Task, samples: Samples, validation: Samples | None, **numbers: int | None
) -> dict[str, Any]:
    """All that decides the numbers of a training, but for what changes as it goes on."""
    optimizer = task.optimizer
    return {
        **numbers,
        "training data": described(samples),
        "validation data": described(validation),
        "model": described(task.model),
        "loss": described(task.loss),
        "optimizer": type(optimizer).__name__,
        "options": [described(options_of(group)) for group in optimizer.groups],
        "schedule": described(task.schedule),
        "metrics": described(task.metrics),
        "compiled": task.compiled,
        "watching callbacks": [type(c).__name__ for c in task.callbacks if may_watch(c)],
        "shuffle": task.shuffle,
        "clip_norm": task.clip_norm,
    }


def described(value: Any) -> Any:
    """A value as JSON can hold it: functions and objects by their names, numbers as they are.

    Modules are described without the values of their tensors, samples with a digest of theirs.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if is_number(value):
        return python_number(value)
    if isinstance(value, Tensor):
        return f"{'trained ' * value.requires_grad}{value.dtype} of shape {value.shape}"
    if isinstance(value, Samples):
        return {name: _summary(part) for name, part in vars(value).items()}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): described(item) for key, item in value.items()}
    if isinstance(value, partial):
        return [described(value.func), described(value.args), described(value.keywords)]
    if isinstance(value, Module | Schedule):
        return {"class": type(value).__name__} | {
            name: described(item)
            for name, item in vars(value).items()
            # what forward() keeps to look at is not there before it was called
            if name not in ("training", "_name") and getattr(item, "op", None) is None
        }
    return _named(value)


def _summary(tensor: Tensor | None) -> str | None:
    if tensor is None:
        return None
    return f"{tensor.dtype} of shape {tensor.shape}, SHA-256 {digest('', {'': tensor})[:16]}"


def _named(value: Any) -> str:
    """An object by its class; a function by its name and what it keeps from where it was made."""
    name = getattr(value, "__qualname__", None)
    code = getattr(value, "__code__", None)
    if name is None or code is None or not code.co_freevars:
        return str(name or type(value).__name__)
    cells = zip(code.co_freevars, value.__closure__, strict=True)
    kept = {variable: cell.cell_contents for variable, cell in cells}
    numbers = (f"{n}={v!r}" for n, v in kept.items() if isinstance(v, bool | int | float | str))
    return f"{name}({', '.join(numbers)})"


def difference(old: Any, new: Any, path: str = "") -> str | None:
    """The first difference between two descriptions, in words; None if there is none."""
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = [(f"{path} {name}".strip(), old.get(name), new.get(name)) for name in old | new]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = [(f"{path} {n}", a, b) for n, (a, b) in enumerate(zip(old, new, strict=True))]
    else:
        return None if repr(old) == repr(new) else f"its {path} is {old!r}, and now it is {new!r}"
    return next(filter(None, (difference(a, b, name) for name, a, b in pairs)), None)
