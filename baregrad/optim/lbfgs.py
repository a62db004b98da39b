"""L-BFGS: Newton's method with the curvature estimated from the last few steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

from baregrad.arguments import checked_count
from baregrad.errors import ArgumentError, ModelFileError, NonFiniteError, checked_name
from baregrad.optim.line_search import Point, strong_wolfe
from baregrad.optim.optimizer import Closure, Optimizer, State
from baregrad.optim.options import Options, Parameters, options_of
from baregrad.tensor.factories import zeros
from baregrad.tensor.graph import no_grad
from baregrad.tensor.tensor import Tensor

LEAST_CURVATURE = 1e-10  # steps along which the gradient changes less say too little


class LBFGS(Optimizer):
    """Steps along -H g, where H estimates the inverse of the matrix of second derivatives.

    J. Nocedal and S. Wright, "Numerical optimization", 2nd edition, 2006, algorithms 7.4 and 7.5.
    It is made for losses over all samples, not over batches. One `step` makes several iterations:

        def closure():
            optimizer.zero_grad()
            loss = mse(model(x), y)
            loss.backward()
            return loss

        optimizer.step(closure)

    Args:
        parameters: tensors, or a single group of them.
        lr: how far to go along the direction; with a line search, how far to try first. The very
            first step is divided by Σ |g| if that is above 1.
        max_iter: iterations in one step, at most.
        max_eval: calls of the closure in one step, about; by default 5/4 of `max_iter`.
        tolerance_grad: a step ends when no element of the gradient is larger.
        tolerance_change: a step ends when no parameter changes by more, or the loss does not.
        history_size: how many pairs of steps and changes of the gradient are kept.
        line_search_fn: None, or ``"strong_wolfe"`` to look for a good distance each time.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            max_iter=max_iter,
            max_eval=checked_count(max_iter, "max_iter") * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=history_size,
            line_search_fn=line_search_fn,
        )
        if len(self.groups) != 1:
            raise ArgumentError(
                f"LBFGS treats all parameters as one vector, and cannot have {len(self.groups)} "
                "groups; give it one list"
            )

    def check_options(self, options: Options) -> None:
        """The line search must be one that there is."""
        super().check_options(options)
        if options["line_search_fn"] is not None:
            checked_name("line search", options["line_search_fn"], ["strong_wolfe"])

    def step(self, closure: Closure | None = None) -> Tensor:
        """Makes up to `max_iter` iterations.

        Args:
            closure: sets gradients to None, computes the loss, calls its `backward()` and returns
                it; it is called several times.

        Returns:
            The loss before the step.

        Raises:
            ArgumentError: there is no closure.
            NonFiniteError: the loss became infinite or NaN.
        """
        if closure is None:
            raise ArgumentError(
                "LBFGS evaluates the loss several times in a step: call step(closure) with a "
                "function that computes the loss, calls backward() and returns it"
            )
        loss = self._evaluate(closure)
        with no_grad():
            self._minimize(lambda: self._evaluate(closure).item(), loss.item())
        return loss

    def _minimize(self, evaluate: Callable[[], float], loss: float) -> None:
        """Iterates until a tolerance or a limit is reached."""
        options, parameters = options_of(self.groups[0]), self.parameters()
        tolerance, max_eval = options["tolerance_change"], options["max_eval"]
        state = self.state.setdefault(parameters[0], _new_state())
        gradient = _flat_gradient(parameters)
        evaluations = 1
        for left in reversed(range(options["max_iter"])):
            if not math.isfinite(loss):
                raise NonFiniteError(
                    f"LBFGS: the loss is {loss} after {state['step']} iterations; use "
                    'line_search_fn="strong_wolfe", or a smaller lr'
                )
            if _largest(gradient) <= options["tolerance_grad"]:
                return
            direction, t = _direction(state, gradient, options)
            start = Point(0.0, loss, _dot(gradient, direction), gradient)
            if start.slope > -tolerance:
                return
            line = _Line(parameters, evaluate, direction)
            if options["line_search_fn"] is not None:
                trials = max_eval - evaluations
                point = strong_wolfe(line, start, t, _largest(direction), tolerance, trials)
                line.go(point.t)
            elif left:
                point = line(t)
            else:  # nothing follows that would need the loss there
                line.go(t)
                point = start._replace(t=t)
            evaluations += line.evaluations
            state["move"], state["gradient"] = point.t * direction, gradient
            if evaluations >= max_eval or _largest(state["move"]) <= tolerance:
                return
            if abs(point.loss - loss) < tolerance:
                return
            loss, gradient = point.loss, point.gradient

    def check_state(self, state: State, parameter: Tensor, options: Options) -> None:
        """All state is with the first parameter, as tensors of all parameters in a row.

        Raises:
            ModelFileError: something is missing or of another shape.
        """
        lists = [state.get(name) for name in ("moves", "changes", "curvatures")]
        fits = parameter is self.parameters()[0] and all(isinstance(x, list) for x in lists)
        if fits:
            moves, changes, curvatures = cast("list[list[Any]]", lists)
            tensors = [*moves, *changes, *(state[n] for n in ("move", "gradient") if n in state)]
            shape = (sum(parameter.size for parameter in self.parameters()),)
            fits = (
                type(state.get("step")) is int
                and len(moves) == len(changes) == len(curvatures)
                and all(isinstance(curvature, float) for curvature in curvatures)
                and all(isinstance(tensor, Tensor) and tensor.shape == shape for tensor in tensors)
                and ("move" in state) == ("gradient" in state)
            )
        if not fits:
            raise ModelFileError(f"the state of LBFGS does not fit {parameter.label()}")


def _new_state() -> State:
    """No step yet, and no pairs.

    A pair is a move of the parameters, the change of the gradient along it, and the product of
    the two, its curvature. ``"move"`` and ``"gradient"``, once they are there, are the last move
    and the gradient before it, of which the next gradient makes a pair.
    """
    return {"step": 0, "moves": [], "changes": [], "curvatures": []}


def _direction(state: State, gradient: Tensor, options: Options) -> tuple[Tensor, float]:
    """Where to go, and how far at first."""
    state["step"] += 1
    if state["step"] == 1:
        return -gradient, options["lr"] * min(1.0, 1.0 / gradient.abs().sum().item())
    if "move" in state:
        _remember(state, gradient, options["history_size"])
    return -_newton(state, gradient), options["lr"]


def _remember(state: State, gradient: Tensor, history_size: int) -> None:
    """Makes a pair of the last move, unless the loss was not convex along it."""
    move, change = state.pop("move"), gradient - state.pop("gradient")
    curvature = _dot(change, move)
    if curvature > LEAST_CURVATURE:
        for name, new in (("moves", move), ("changes", change), ("curvatures", curvature)):
            state[name] = [*state[name], new][-history_size:]


def _newton(state: State, gradient: Tensor) -> Tensor:
    """H g, by the two loops of algorithm 7.4."""
    pairs = list(zip(state["moves"], state["changes"], state["curvatures"], strict=True))
    if not pairs:
        return gradient
    alphas: list[float] = []
    for move, change, curvature in reversed(pairs):
        alphas.append(_dot(move, gradient) / curvature)
        gradient = gradient - alphas[-1] * change
    _, change, curvature = pairs[-1]
    result: Tensor = curvature / _dot(change, change) * gradient
    for (move, change, curvature), alpha in zip(pairs, reversed(alphas), strict=True):
        result = result + (alpha - _dot(change, result) / curvature) * move
    return result


class _Line:
    """The loss along a line through the present parameters."""

    def __init__(
        self, parameters: Sequence[Tensor], evaluate: Callable[[], float], direction: Tensor
    ) -> None:
        self.parameters = parameters
        self.evaluate = evaluate
        self.direction = direction
        self.origin = Tensor.concat([parameter.flatten() for parameter in parameters])
        self.evaluations = 0

    def go(self, t: float) -> None:
        """Moves the parameters to distance `t`."""
        place = 0
        values = self.origin + t * self.direction
        for parameter in self.parameters:
            part = values[place : place + parameter.size].reshape(parameter.shape)
            parameter.assign(part.astype(parameter.dtype))
            place += parameter.size

    def __call__(self, t: float) -> Point:
        """Moves, and evaluates the loss and its gradient there."""
        self.go(t)
        self.evaluations += 1
        loss = self.evaluate()
        gradient = _flat_gradient(self.parameters)
        return Point(t, loss, _dot(gradient, self.direction), gradient)


def _flat_gradient(parameters: Sequence[Tensor]) -> Tensor:
    """All gradients in a row, (elements,); 0 where there is none."""
    return Tensor.concat(
        [
            zeros(parameter.size, dtype=parameter.dtype)
            if parameter.grad is None
            else parameter.grad.flatten()
            for parameter in parameters
        ]
    )


def _dot(x: Tensor, y: Tensor) -> float:
    return float((x * y).sum().item())


def _largest(x: Tensor) -> float:
    return float(x.abs().max().item())
