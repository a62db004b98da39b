"""What optimizers share: they update parameters by a rule, and remember some tensors for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from baregrad.engines import selection
from baregrad.errors import ArgumentError, CaptureError, GradientError
from baregrad.optim.options import (
    Group,
    Options,
    Parameters,
    check_option,
    check_parameters,
    grouped,
    options_of,
)
from baregrad.optim.saved import check_tensors, checked_options, copied, require
from baregrad.tensor.convert import scalar
from baregrad.tensor.factories import full
from baregrad.tensor.graph import no_grad, recording
from baregrad.tensor.tensor import Tensor

State: TypeAlias = dict[str, Any]  # "step", how many there were, and tensors by their names
Closure: TypeAlias = Callable[[], Tensor]


class Optimizer:
    """The base of optimizers: each has its own options, and a `rule` for its update.

    Args:
        parameters: tensors that require gradients; or groups of them, each a dict with a list
            ``"parameters"`` and the options that are different for this group.
        **defaults: the options of every group that does not say otherwise.

    Attributes:
        groups: one dict for each group, with its ``"parameters"`` and all options; options may be
            changed between steps.
        state: what is remembered of each parameter that was updated.
        plan: while many steps run in one native call and a schedule changes the learning rate
            between them: for each group its rates at these steps. None otherwise.

    Raises:
        ArgumentError: no parameters, one that is there twice, an option unknown or out of range, or
            no ``lr`` among them.
        DTypeError: something that is not a tensor.
        GradientError: a tensor that requires no gradient, or is not a leaf.
    """

    def __init__(self, parameters: Parameters, **defaults: Any) -> None:
        self.groups: list[Group] = grouped(parameters, defaults)
        self.state: dict[Tensor, State] = {}
        self.plan: list[list[float]] | None = None
        self._unbegun: dict[Tensor, State] = {}  # made for a captured step that has not been run
        check_parameters(self.parameters())
        for group in self.groups:
            if "lr" not in group:
                raise ArgumentError(
                    f"{type(self).__name__} has no learning rate; pass lr to Optimizer.__init__"
                )
            self.check_options(options_of(group))

    # --- what a class of optimizers defines ---------------------------------------------------

    @staticmethod
    def rule(*arguments: Any, **options: Any) -> tuple[Tensor, State]:
        """The update: ``rule(parameter, gradient, state, **options)``.

        It is a pure function, and uses only tensor operators. It looks at no value: in a captured
        step, ``lr`` and ``state["step"]`` are scalar tensors.

        Returns:
            The new value of the parameter, and the new tensors of the state. ``state["step"]``
            counts from 1.
        """
        raise NotImplementedError("an optimizer must define rule(parameter, gradient, state, ...)")

    @staticmethod
    def buffers(*arguments: Any, **options: Any) -> dict[str, float]:
        """The tensors that the rule finds in the state: their names, and what fills each at first.

        By default none; it is told the options.
        """
        return {}

    def parameters(self) -> list[Tensor]:
        """The parameters of all groups, in order."""
        return [parameter for group in self.groups for parameter in group["parameters"]]

    @property
    def lr(self) -> float:
        """The learning rate of the first group; setting it sets that of every group."""
        return float(self.groups[0]["lr"])

    @lr.setter
    def lr(self, value: float) -> None:
        check_option("lr", value)
        for group in self.groups:
            group["lr"] = value

    def check_options(self, options: Options) -> None:
        """Refuses options out of range; some classes add what else must hold."""
        for name, value in options.items():
            check_option(name, value)

    # --- updating -----------------------------------------------------------------------------

    def step(self, closure: Closure | None = None) -> Tensor | None:
        """Updates every parameter that has a gradient.

        Args:
            closure: computes the loss and calls its `backward()`; it is called first.

        Returns:
            What the closure returned.

        Raises:
            GradientError: no parameter has a gradient.
        """
        loss = None if closure is None else self._evaluate(closure)
        if all(parameter.grad is None for parameter in self.parameters()):
            raise GradientError("step: no parameter has a gradient; call loss.backward() before")
        with no_grad():
            for number, group in enumerate(self.groups):
                self._update_group(number, group)
        return loss

    def _evaluate(self, closure: Closure) -> Tensor:
        with recording(True):
            return closure()

    def _update_group(self, number: int, group: Group) -> None:
        """Updates those with a gradient; a captured step can be run at other rates and counts."""
        options = options_of(group)
        lr = Tensor.dynamic(partial(self._rates, number, options), "float32", "lr")
        by_count: dict[int, dict[Tensor, State]] = {}
        for parameter in group["parameters"]:
            if parameter.grad is not None:
                state = self._state_of(parameter, options)
                by_count.setdefault(state["step"], {})[parameter] = state
        for states in by_count.values():
            step = Tensor.dynamic(partial(self._count, states), "float32", "step")
            if not self._update_together(states, step, options | {"lr": lr}):
                for parameter, state in states.items():
                    self._update(parameter, state, step, options | {"lr": lr})

    def _state_of(self, parameter: Tensor, options: Options) -> State:
        """What is remembered of a parameter, with all that the rule looks for."""
        state = self.state.get(parameter) or self._unbegun.setdefault(parameter, {"step": 0})
        for name, first in self.buffers(**options).items():
            if name not in state:
                label = f"{name} of {parameter.name or 'a parameter'}"
                make = partial(full, parameter.shape, first, parameter.dtype, name=label)
                state[name] = Tensor.lasting(make)
        return state

    def _rates(self, number: int, options: Options, steps: int) -> Sequence[float]:
        """A group's learning rates at so many steps; its other options are built into a step."""
        group = self.groups[number]
        for name, value in options.items():
            if name != "lr" and group[name] != value:
                raise CaptureError(
                    f"the option {name} was changed from {value} to {group[name]} after the "
                    "optimizer's step was captured; capture the step again"
                )
        if self.plan is None:
            return [float(group["lr"])] * steps
        return self.plan[number][:steps]

    def _count(self, states: Mapping[Tensor, State], steps: int) -> range:
        """The numbers of the steps that begin, the same for all of these parameters."""
        for parameter, state in states.items():
            if state is not self.state.get(parameter, self._unbegun.get(parameter)):
                raise CaptureError(
                    f"the state of {parameter.label()} was loaded after the optimizer's step was "
                    "captured; capture the step again"
                )
        first = state["step"] + 1
        for state in states.values():
            state["step"] += steps
        if state["step"]:
            self.state.update(states)
        else:  # all of them were taken back
            self._unbegun.update({p: self.state.pop(p) for p in states})
        return range(first, first + steps)

    def _update_together(
        self, states: Mapping[Tensor, State], step: float | Tensor, options: Options
    ) -> bool:
        """Updates all of these parameters by one call of the engine, if it does that."""
        if isinstance(step, Tensor):  # a step is being captured
            return False
        names = list(self.buffers(**options))
        held = [
            [parameter, parameter.grad, *(state[name] for name in names)]
            for parameter, state in states.items()
        ]

        def rules(*tensors: Tensor) -> list[Tensor]:
            *values, lr, count = tensors
            results = []
            for first in range(0, len(values), len(names) + 2):
                parameter, gradient, *kept = values[first : first + len(names) + 2]
                state: State = dict(zip(names, kept, strict=True))
                now = {**options, "lr": lr}
                value, changed = self.rule(parameter, gradient, state | {"step": count}, **now)
                results += [value, *((state | changed)[name] for name in names)]
            return results

        numbers = scalar(options["lr"], "float32"), scalar(step, "float32")
        arrays = [tensor.array for row in held for tensor in row if tensor is not None]
        key = (self.rule, *names, *(v for n, v in options.items() if n != "lr"))
        found = selection.current().together(key, rules, [*arrays, *numbers])
        if found is None:
            return False
        results = iter(found)
        for parameter, _, *kept in held:
            for tensor in (parameter, *kept):
                tensor.replace(next(results))
        return True

    def _update(
        self, parameter: Tensor, state: State, step: float | Tensor, options: Options
    ) -> None:
        assert parameter.grad is not None
        value, changed = self.rule(parameter, parameter.grad, state | {"step": step}, **options)
        parameter.assign(value)
        for name, tensor in changed.items():
            state[name].assign(tensor)

    def zero_grad(self) -> None:
        """Sets the gradient of every parameter to None."""
        for parameter in self.parameters():
            parameter.grad = None

    # --- saving and loading -------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on later, in numbers, strings, lists, dicts and tensors.

        Parameters are numbered in order; ``"state"`` has a dict for each, empty before its first
        update. Their own values are in the model's `state_dict()`.
        """
        numbers = {parameter: number for number, parameter in enumerate(self.parameters())}
        groups = [
            {name: list(value) if isinstance(value, tuple) else value for name, value in g.items()}
            | {"parameters": [numbers[parameter] for parameter in g["parameters"]]}
            for g in self.groups
        ]
        state = [copied(self.state.get(parameter, {})) for parameter in self.parameters()]
        return {"optimizer": type(self).__name__, "groups": groups, "state": state}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes over what `state_dict` returned; all of it or, on an error, nothing.

        Raises:
            ModelFileError: it is of another optimizer, or of other parameters, or damaged.
        """
        own = self.state_dict()
        require(isinstance(saved, Mapping) and saved.keys() == own.keys(), f"keys {list(own)}")
        require(saved["optimizer"] == own["optimizer"], f"an {own['optimizer']}'s state")
        groups, states = saved["groups"], saved["state"]
        require(isinstance(groups, list) and len(groups) == len(own["groups"]), "as many groups")
        require(isinstance(states, list) and len(states) == len(own["state"]), "as many states")
        options = [
            checked_options(*pair, self.check_options)
            for pair in zip(groups, own["groups"], strict=True)
        ]
        rest = iter(states)
        state: dict[Tensor, State] = {}
        for group, chosen in zip(self.groups, options, strict=True):
            for parameter in group["parameters"]:
                found = next(rest)
                require(isinstance(found, Mapping), "a dict for each parameter")
                if found:
                    self.check_state(found, parameter, chosen)
                    state[parameter] = copied(found)
        for group, chosen in zip(self.groups, options, strict=True):
            group.update(chosen)
        self.state, self._unbegun = state, {}

    def check_state(self, state: State, parameter: Tensor, options: Options) -> None:
        """Refuses a state of other tensors than the rule needs.

        Raises:
            ModelFileError: something is missing, or of another shape or data type.
        """
        check_tensors(state, self.buffers(**options), parameter)

    def __repr__(self) -> str:
        groups = [
            [f"{len(group['parameters'])} parameters"]
            + [f"{name}={value!r}" for name, value in options_of(group).items()]
            for group in self.groups
        ]
        return f"{type(self).__name__}({'; '.join(map(', '.join, groups))})"
