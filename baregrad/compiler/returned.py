"""What a step returns: which tensors, and in what form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from baregrad.compiler.symbol import capture_error
from baregrad.tensor.tensor import Tensor


def tensors_of(returned: Any) -> Sequence[Tensor]:
    """The tensors that a step returned, in order.

    Raises:
        CaptureError: something among what was returned is no tensor.
    """
    if returned is None:
        return ()
    if isinstance(returned, Mapping):
        returned = list(returned.values())
    listed = returned if isinstance(returned, list | tuple) else [returned]
    for tensor in listed:
        if not isinstance(tensor, Tensor):
            raise capture_error(
                f"the step returned {tensor!r}; what is returned must be a tensor, a list, tuple "
                "or dict of tensors, or None"
            )
    return listed


def form_of(returned: Any) -> Callable[[list[Tensor]], Any]:
    """What makes of other tensors the same that the step made of those it returned."""
    if returned is None:
        return lambda tensors: None
    if isinstance(returned, Tensor):
        return lambda tensors: tensors[0]
    kind = type(returned)
    if isinstance(returned, Mapping):
        names = list(returned)
        return lambda tensors: kind(zip(names, tensors, strict=True))
    # tuples with names take their elements one by one
    make: Callable[[list[Tensor]], Any] = getattr(kind, "_make", kind)
    return make
