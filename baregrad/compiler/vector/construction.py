"""A program under construction: instructions are appended to the region that is open."""

from __future__ import annotations

import struct
from typing import Final

from baregrad.compiler.vector.errors import ProgramError
from baregrad.compiler.vector.program import (
    FLOAT,
    FLOAT32,
    INT32,
    INT64,
    PARAMETER_TYPES,
    POINTER,
    Address,
    Extent,
    Immediate,
    Instruction,
    Parameter,
    Program,
    Type,
    Value,
)
from baregrad.errors import checked_name

_INT32_RANGE: Final = range(-(1 << 31), 1 << 32)  # signed, or unsigned as in masks of bits
_INT64_RANGE: Final = range(-(1 << 63), 1 << 63)

Float = Value | float
Int = Value | int
Int64 = Value | int | Extent


class Construction:
    """What all builders share: parameters, constants, the open region.

    Args:
        name: of the program.
        parameters: name and type (`POINTER`, `INT64`, `FLOAT`) of each, in the caller's order.
    """

    def __init__(self, name: str, **parameters: Type) -> None:
        self.program = Program(name)
        self._region = self.program.body
        self._constants: dict[tuple[str, object], Value] = {}
        for parameter, type in parameters.items():
            checked_name(f"type of parameter {parameter!r}", type, PARAMETER_TYPES)
            value = self._value(FLOAT32 if type == FLOAT else type, parameter)
            self.program.parameters.append(Parameter(type, value))

    @property
    def parameters(self) -> tuple[Value, ...]:
        """The parameters' values, in order."""
        return tuple(parameter.value for parameter in self.program.parameters)

    def _value(self, type: Type, name: str = "") -> Value:
        program = self.program
        value = Value(program.value_count, type, name)
        program.value_count += 1
        return value

    def _number(self) -> int:
        """The number of the next instruction."""
        number = self.program.instruction_count
        self.program.instruction_count += 1
        return number

    def _append(
        self,
        op: str,
        operands: tuple[Value, ...],
        type: Type,
        immediate: Immediate = None,
        address: Address | None = None,
    ) -> Value:
        """Append an instruction that defines a value."""
        program = self.program
        result = Value(program.value_count, type)
        program.value_count += 1
        number = program.instruction_count
        program.instruction_count += 1
        self._region.append(Instruction(number, op, operands, result, immediate, address))
        return result

    def _append_effect(self, op: str, operands: tuple[Value, ...], address: Address) -> None:
        """Append an instruction that defines nothing."""
        self._region.append(Instruction(self._number(), op, operands, None, None, address))

    def _constant(self, op: str, type: Type, immediate: Immediate, key: object) -> Value:
        """A constant of the whole program, the same value each time it is asked for."""
        value = self._constants.get((op, key))
        if value is None:
            value = self._constants[op, key] = self._value(type)
            self.program.constants.append(Instruction(self._number(), op, (), value, immediate))
        return value

    def constant(self, number: float) -> Value:
        """A float32 in all lanes; `number` is rounded to float32.

        Raises:
            ProgramError: a finite number that is beyond float32.
        """
        try:
            bits = struct.pack("<f", number)
        except OverflowError:
            raise ProgramError(f"constant {number!r} does not fit in float32") from None
        return self._constant("constant", FLOAT32, struct.unpack("<f", bits)[0], bits)

    def constant_int(self, number: int) -> Value:
        """An int32 in all lanes; up to 2**32 - 1 it may be written without sign."""
        if number not in _INT32_RANGE:
            raise ProgramError(f"constant {number} does not fit in 32 bits")
        wrapped = (number + (1 << 31)) % (1 << 32) - (1 << 31)
        return self._constant("constant_int", INT32, wrapped, wrapped)

    def constant_int64(self, number: int | Extent) -> Value:
        """One integer, which may depend on the number of lanes."""
        if isinstance(number, int) and number not in _INT64_RANGE:
            raise ProgramError(f"constant {number} does not fit in 64 bits")
        return self._constant("constant_int64", INT64, number, number)

    def table(self, data: bytes) -> Value:
        """The address of constant bytes, aligned to 64."""
        if not data:
            raise ProgramError("a table has at least one byte")
        return self._constant("table", POINTER, data, data)

    def iota(self) -> Value:
        """int32: 0, 1, 2, ... up to the number of lanes."""
        return self._constant("iota", INT32, None, None)

    def _float(self, value: Float) -> Value:
        return value if isinstance(value, Value) else self.constant(value)

    def _int(self, value: Int) -> Value:
        return value if isinstance(value, Value) else self.constant_int(value)

    def _int64(self, value: Int64) -> Value:
        return value if isinstance(value, Value) else self.constant_int64(value)
