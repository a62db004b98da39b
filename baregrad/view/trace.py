"""What there is to draw: the tensors in order, what each of them is, and where it belongs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from baregrad.tensor.autograd import topological_order
from baregrad.tensor.tensor import Tensor

Scope = tuple[str, ...]


class Trace:
    """A computational graph, looked at before it is drawn.

    Args:
        roots: the tensors that the graph leads to.

    Attributes:
        order: every tensor, parents first.
        position: the place of each in that order, which is what nodes are called after.
        inlined: constants that are written into the operation that uses them.
        shown: the tensors that are not inlined, in order.
    """

    def __init__(self, roots: Sequence[Tensor]) -> None:
        self.roots = list(dict.fromkeys(roots))
        self.order = topological_order(self.roots)
        self.position = {tensor: i for i, tensor in enumerate(self.order)}
        self._kinds = dict.fromkeys(self.roots, "output")
        self.inlined = self._single_constants()
        self.shown = [tensor for tensor in self.order if tensor not in self.inlined]
        self._parameter_scopes = self._scopes_of_users()

    def kind(self, tensor: Tensor) -> str:
        """``"parameter"``, ``"data"``, ``"constant"``, ``"result"`` or ``"output"``."""
        if tensor in self._kinds:
            return self._kinds[tensor]
        if tensor.op is not None:
            return "result"
        if tensor.requires_grad:
            return "parameter"
        return "data" if tensor.name or tensor.ndim else "constant"

    def scope(self, tensor: Tensor) -> Scope:
        """The modules it belongs to, outermost first; a parameter belongs to what uses it."""
        return self._parameter_scopes.get(tensor, tensor.scope)

    def _single_constants(self) -> set[Tensor]:
        """Constants with one use, beside an operand that is none: the 2 in ``2 * x``."""
        uses = Counter(parent for tensor in self.order for parent in tensor.parents)
        single = {t for t in self.order if self.kind(t) == "constant" and uses[t] == 1}
        return {
            parent
            for tensor in self.order
            if not single.issuperset(tensor.parents)
            for parent in single.intersection(tensor.parents)
        }

    def _scopes_of_users(self) -> dict[Tensor, Scope]:
        scopes: dict[Tensor, Scope] = {}
        for tensor in self.order:
            for parent in tensor.parents:
                if parent.op is None and parent.requires_grad:
                    scopes[parent] = _common(scopes.get(parent, tensor.scope), tensor.scope)
        return scopes


def _common(a: Scope, b: Scope) -> Scope:
    """The modules that two scopes share."""
    shared = 0
    while shared < min(len(a), len(b)) and a[shared] == b[shared]:
        shared += 1
    return a[:shared]
