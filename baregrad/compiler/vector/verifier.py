"""The verifier: whether a program is well formed, before anything is compiled or run.

Checked are the types, definition before use, what a loop carries, and addresses. The builder makes
few mistakes possible; a compiler pass that rewrites programs makes more.
"""

from __future__ import annotations

from typing import Final, NoReturn

from baregrad.compiler.vector.errors import ProgramError
from baregrad.compiler.vector.operations import CHOICES, DATA, DISTANCES, OPERATIONS, Operation
from baregrad.compiler.vector.program import (
    INT64,
    MASK,
    POINTER,
    VECTOR_TYPES,
    Address,
    Extent,
    Instruction,
    Loop,
    Program,
    Type,
    Value,
)
from baregrad.errors import unknown_name

_SCALES: Final = (1, 2, 4, 8)
_MOST_LANES: Final = 16
_LARGEST_DISPLACEMENT: Final = (1 << 31) - 1
_WITH_IMMEDIATE: Final = frozenset(o.name for o in OPERATIONS.values() if o.immediate)
# operation, types of result and operands, shape of the address: those that were found right; there
# are a few hundred
_VALID_SIGNATURES: Final[set[tuple[object, ...]]] = set()


def verify(program: Program) -> None:
    """Raise `ProgramError` for the first instruction that is wrong."""
    _Verifier(program).run()


class _Verifier:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._defined: set[int] = set()  # the numbers of the values in scope
        self._undefined = set(range(program.value_count))  # and of those that never were
        self._missing = set(range(program.instruction_count))

    def run(self) -> None:
        for parameter in self._program.parameters:
            self._define(parameter.value, None)
        self._region(self._program.constants)
        self._region(self._program.body)

    def _fail(self, instruction: Instruction, why: str) -> NoReturn:
        # only needed once something is wrong
        from baregrad.compiler.vector.text import instruction_text

        text = instruction_text(instruction)
        raise ProgramError(f"program {self._program.name!r}, instruction '{text}': {why}")

    def _define(self, value: Value, instruction: Instruction | None) -> None:
        if value.number not in self._undefined:
            message = f"{value} is defined twice, or its number is not this program's"
            if instruction is None:
                raise ProgramError(f"program {self._program.name!r}: parameter {message}")
            self._fail(instruction, message)
        self._undefined.remove(value.number)
        self._defined.add(value.number)

    def _region(self, region: list[Instruction]) -> None:
        defined, missing = self._defined, self._missing
        for instruction in region:
            number = instruction.number
            if number not in missing:
                self._refuse_number(instruction)
            missing.remove(number)
            for value in instruction.operands:
                if value.number not in defined:
                    self._fail(instruction, f"{value} is used where it is not defined")
            if type(instruction) is Loop:
                self._loop(instruction)
                continue
            op, result, address = instruction.op, instruction.result, instruction.address
            shape = None
            if address is not None:
                shape = (address.indexed, address.masked)
                self._check_numbers(instruction, address)
            defines = None if result is None else result.type
            signature = (op, defines, shape, *[value.type for value in instruction.operands])
            # most signatures are met again and again
            if signature not in _VALID_SIGNATURES:
                self._signature(instruction)
                _VALID_SIGNATURES.add(signature)
            if op in _WITH_IMMEDIATE or instruction.immediate is not None:
                self._immediate(instruction)
            if result is not None:
                self._define(result, instruction)

    def _refuse_number(self, instruction: Instruction) -> NoReturn:
        self._fail(instruction, f"instruction number {instruction.number} is not its own")

    def _signature(self, instruction: Instruction) -> None:
        operation = OPERATIONS.get(instruction.op)
        if operation is None:
            raise unknown_name("operation", instruction.op, OPERATIONS)
        operands = instruction.operands
        if instruction.address is not None or operation.addressed:
            operands = self._addressed(instruction, operation)
        types = tuple([value.type for value in operands])
        result = None if instruction.result is None else instruction.result.type
        self._check_types(instruction, operation, types, result)

    def _check_types(
        self,
        instruction: Instruction,
        operation: Operation,
        types: tuple[Type, ...],
        result: Type | None,
    ) -> None:
        wanted = operation.operands
        data = self._data_type(types, wanted, result)
        wanted = tuple([data if type == DATA else type for type in wanted])
        wanted_result = data if operation.result == DATA else operation.result
        if types != wanted:
            self._fail(instruction, f"operands are {_names(types)}, not {_names(wanted)}")
        if result != wanted_result:
            self._fail(instruction, f"the result is {result}, not {wanted_result}")

    @staticmethod
    def _data_type(types: tuple[Type, ...], wanted: tuple[Type, ...], result: Type | None) -> Type:
        """The vector type that `DATA` stands for in this instruction."""
        candidates = [type for type, want in zip(types, wanted, strict=False) if want == DATA]
        data = candidates[0] if candidates else result
        return data if data in VECTOR_TYPES else "a vector"

    def _immediate(self, instruction: Instruction) -> None:
        kind, immediate = OPERATIONS[instruction.op].immediate, instruction.immediate
        if not kind:
            valid = immediate is None
        elif kind in CHOICES:
            valid = immediate in CHOICES[kind]
        elif kind == "shift":
            valid = isinstance(immediate, int) and 0 <= immediate <= 31
        elif kind == "distance":
            valid = immediate in DISTANCES
        else:
            types = {"float": float, "int": int, "extent": (int, Extent), "bytes": bytes}
            valid = isinstance(immediate, types[kind])  # type: ignore[arg-type]
        if not valid:
            self._fail(instruction, f"the immediate {immediate!r} is not {kind or 'wanted'}")

    def _addressed(self, instruction: Instruction, operation: Operation) -> tuple[Value, ...]:
        """Check the address; returns the operands before it."""
        address = instruction.address
        if address is None or not operation.addressed:
            self._fail(
                instruction, f"{operation.name} has {'no' if address is None else 'an'} address"
            )
        data = len(operation.operands)
        wanted = [POINTER] + [INT64] * address.indexed + [MASK] * address.masked
        types = [value.type for value in instruction.operands[data:]]
        if types != wanted:
            self._fail(instruction, f"the address is of {_names(types)}, not {_names(wanted)}")
        if address.masked and not operation.maskable:
            self._fail(instruction, f"{operation.name} takes no mask")
        return instruction.operands[:data]

    def _check_numbers(self, instruction: Instruction, address: Address) -> None:
        if address.scale not in _SCALES:
            self._fail(instruction, f"the scale is 1, 2, 4 or 8, not {address.scale}")
        far = address.displacement
        if type(far) is int and -_LARGEST_DISPLACEMENT <= far <= _LARGEST_DISPLACEMENT:
            return
        constant, per_lane = (far, 0) if isinstance(far, int) else (far.constant, far.per_lane)
        if abs(constant) + _MOST_LANES * abs(per_lane) > _LARGEST_DISPLACEMENT:
            self._fail(instruction, f"the displacement {far} does not fit in 32 bits")

    def _loop(self, loop: Loop) -> None:
        if [value.type for value in loop.operands[:2]] != [INT64, INT64]:
            self._fail(loop, "start and stop are int64")
        step = loop.step
        if (step if isinstance(step, int) else min(step.at(1), step.at(_MOST_LANES))) <= 0:
            self._fail(loop, f"the step {step} is not positive")
        initial = [value.type for value in loop.initial]
        for what, values in (("carried", loop.carried), ("results", loop.results)):
            self._same_types(loop, what, values, initial)
        if loop.latch.operands != (loop.counter, loop.operands[1]):
            self._fail(loop, "the latch compares the counter with stop")
        outside = set(self._defined)
        for value in (loop.counter, *loop.carried):
            self._define(value, loop)
        if loop.latch.number not in self._missing:
            self._refuse_number(loop.latch)
        self._missing.remove(loop.latch.number)
        self._region(loop.body)
        self._same_types(loop, "carry", loop.next, initial)
        for value in loop.next:
            if value.number not in self._defined:
                self._fail(loop, f"{value} is carried on where it is not defined")
        self._defined.clear()
        self._defined |= outside
        for value in (loop.end, *loop.results):
            self._define(value, loop)

    def _same_types(
        self, loop: Loop, what: str, values: tuple[Value, ...], wanted: list[Type]
    ) -> None:
        types = [value.type for value in values]
        if types != wanted:
            self._fail(
                loop, f"{what}: {_names(types)}, but the initial values are {_names(wanted)}"
            )


def _names(types: list[Type] | tuple[Type, ...]) -> str:
    return f"({', '.join(types)})"
