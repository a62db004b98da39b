"""Modules: things with parameters, which may be made of other such things."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from baregrad.errors import (
    ArgumentError,
    BaregradError,
    DTypeError,
    GradientError,
    ModelFileError,
    ShapeError,
)
from baregrad.tensor.graph import scope
from baregrad.tensor.tensor import Tensor, as_tensor


class Module:
    """The base of layers and models: `forward` computes, and attributes are found by themselves.

    A tensor attribute that requires a gradient is a parameter; one that does not (such as running
    statistics) is saved with them, but not trained. A tensor that an operation made is neither, so
    that `forward` may keep one to look at. Modules and tensors may also be in lists, tuples and
    dicts. The names of parameters are their paths, such as ``layers.0.weight``.
    """

    training: bool = True

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Tensor) and not _is_parameter(value):
            self._check_kept(name)
        parts = list(_parts(name, value))
        for _, part in parts:
            if isinstance(part, Module) and any(m is self for _, m in part.named_modules()):
                raise ArgumentError(f"{name} would make this {type(self).__name__} part of itself")
        object.__setattr__(self, name, value)
        for path, part in parts:
            if isinstance(part, Tensor):
                if part.op is None:
                    part.name = path
            else:
                object.__setattr__(part, "_name", path)
                for inner, tensor in part.named_tensors():
                    tensor.name = f"{path}.{inner}"

    def _check_kept(self, name: str) -> None:
        """Refuses to put another tensor in a parameter's place: nothing would train it."""
        if _is_parameter(vars(self).get(name)):
            raise GradientError(
                f"{name} of this {type(self).__name__} is a parameter, and the new value would not "
                f"be one; give it another value by {name}.assign(...), or freeze it by "
                f"{name}.requires_grad = False"
            )

    def forward(self, *inputs: Any, **options: Any) -> Tensor:
        """Computes the output; every kind of module has its own, most from one input `x`."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(x)")

    def __call__(self, *inputs: Any, **options: Any) -> Tensor:
        """`forward`, with what it computes marked in the graph as this module's.

        Args:
            *inputs: tensors, or what a `Tensor` can be made of.
            **options: handed on as they are.

        Raises:
            DTypeError: `forward` returned nothing.
        """
        tensors = [as_tensor(x) for x in inputs]  # data is outside of the module
        with scope(getattr(self, "_name", type(self).__name__), self):
            output = self.forward(*tensors, **options)
        if output is None:
            raise DTypeError(f"{type(self).__name__}.forward returned None: a return is missing")
        return output

    # --- what it is made of -------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that are attributes of this one, or in lists or dicts that are."""
        for name, value in vars(self).items():
            for path, part in _parts(name, value):
                if isinstance(part, Module):
                    yield path, part

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module, whose path is empty, and all in it with theirs."""
        yield "", self
        for name, child in self.named_children():
            for path, module in child.named_modules():
                yield f"{name}.{path}".rstrip("."), module

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor with its path, parameter or not, each once."""
        seen: set[Tensor] = set()
        for path, tensor in self._every_tensor():
            if tensor not in seen:
                seen.add(tensor)
                yield path, tensor

    def _every_tensor(self) -> Iterator[tuple[str, Tensor]]:
        for name, value in vars(self).items():
            for path, part in _parts(name, value):
                if isinstance(part, Module):
                    yield from ((f"{path}.{inner}", t) for inner, t in part._every_tensor())
                elif part.op is None:
                    yield path, part

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The tensors that are trained, with their paths."""
        return ((path, t) for path, t in self.named_tensors() if t.requires_grad)

    def parameters(self) -> list[Tensor]:
        """The tensors that are trained: all weights and biases."""
        return [tensor for _, tensor in self.named_parameters()]

    # --- training or not ----------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Sets this module and all in it to training: dropout drops, batch norm uses the batch."""
        self.training = mode
        for _, child in self.named_children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Sets this module and all in it to prediction."""
        return self.train(False)

    # --- saving and loading -------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """The present values of all tensors by their paths; training on does not change them."""
        return {path: tensor.detach() for path, tensor in self.named_tensors()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes over values as `state_dict` returned them; all of them or, on an error, none.

        Args:
            state: tensors by their paths, or what they can be made of, such as NumPy's arrays.

        Raises:
            ModelFileError: a tensor is missing, is not this model's, or is no tensor.
            ShapeError: one has another shape.
        """
        own = dict(self.named_tensors())
        missing, unknown = own.keys() - state.keys(), state.keys() - own.keys()
        if missing or unknown:
            raise ModelFileError(
                f"the state does not fit this {type(self).__name__}: "
                f"missing {sorted(missing) or 'nothing'}, not known {sorted(unknown) or 'nothing'}"
            )
        values = {path: _value(path, state[path], tensor) for path, tensor in own.items()}
        for path, tensor in own.items():
            tensor.assign(values[path])

    # --- for people ---------------------------------------------------------------------------

    def summary(self) -> str:
        """A table of the modules with parameters: path, kind, shapes, how many numbers."""
        rows = self._summary_rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(
                [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
                + [row[3].rjust(widths[3])]
            )
            for row in rows
        )

    def _summary_rows(self) -> list[tuple[str, ...]]:
        """Its heading, a row for each module, and the total."""
        rows: list[tuple[str, ...]] = [("module", "kind", "shapes", "parameters")]
        for path, module in self.named_modules():
            own = [t for name, t in module.named_parameters() if "." not in name]
            if own:
                shapes = " ".join("×".join(map(str, t.shape)) or "1" for t in own)
                count = f"{sum(t.size for t in own):,}"
                rows.append((path or "the model itself", type(module).__name__, shapes, count))
        return [*rows, ("total", "", "", f"{sum(t.size for t in self.parameters()):,}")]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.describe()})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from baregrad.tensor import notebook  # only there

        head, *rows = self._summary_rows()
        html = notebook.paragraph(repr(self)) + notebook.table(rows, head)
        return notebook.bundle(f"{self!r}\n{self.summary()}", html)

    def describe(self) -> str:
        """What stands between the brackets of the `repr`."""
        return ", ".join(f"{name}={child!r}" for name, child in self.named_children())


def _is_parameter(value: object) -> bool:
    return isinstance(value, Tensor) and value.op is None and value.requires_grad


def _value(path: str, given: Any, own: Tensor) -> Tensor:
    """What a state gives for one of a model's tensors, checked."""
    try:
        value = as_tensor(given)
    except BaregradError as error:
        raise ModelFileError(f"the state's {path!r} is no tensor: {error}") from None
    if value.shape != own.shape:
        raise ShapeError(
            f"the state's {path!r} has shape {value.shape}, and this model's {own.shape}"
        )
    return value.astype(own.dtype)


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The tensors and modules that an attribute holds, at any depth of lists and dicts."""
    if isinstance(value, Tensor | Module):
        yield name, value
        return
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, list | tuple):
        items = enumerate(value)
    elif isinstance(value, dict):
        items = value.items()
    for key, item in items:
        yield from _parts(f"{name}.{key}", item)
