"""Programs and instructions as text."""

from __future__ import annotations

from baregrad.compiler.vector.operations import OPERATIONS
from baregrad.compiler.vector.program import Address, Instruction, Loop, Program, Value

_INDENT = "  "
_LONGEST_BYTES = 8


def instruction_text(instruction: Instruction) -> str:
    """One line; of a loop, its head."""
    if isinstance(instruction, Loop):
        return _loop_head(instruction)
    operands = instruction.operands
    parts = [] if instruction.immediate is None else [_immediate(instruction)]
    if instruction.address is None:
        parts += map(repr, operands)
    else:
        # before the address comes what is stored, or a gather's indices
        operation = OPERATIONS.get(instruction.op)
        data = 0 if operation is None else len(operation.operands)
        if instruction.op == "gather" and len(operands) > 1:
            operands, data = (operands[1], operands[0], *operands[2:]), 0
        parts += map(repr, operands[:data])
        parts.append(_address(instruction.address, operands[data:]))
    text = f"{instruction.op} {', '.join(parts)}".rstrip()
    if instruction.result is None:
        return text
    return f"{instruction.result} = {text}"


def _immediate(instruction: Instruction) -> str:
    immediate = instruction.immediate
    if isinstance(immediate, bytes) and len(immediate) > _LONGEST_BYTES:
        return f"{immediate[:_LONGEST_BYTES].hex()}... ({len(immediate)} bytes)"
    return immediate.hex() if isinstance(immediate, bytes) else str(immediate)


def _address(address: Address, operands: tuple[Value, ...]) -> str:
    """Base, then the index if there is one, then the mask."""
    # a broken program may lack its operands, and is to be shown all the same
    base, *rest = [repr(value) for value in operands] or ["?"]
    mask = f" where {rest.pop()}" if address.masked and rest else ""
    terms = [base, *[f"{index}*{address.scale}" for index in rest]]
    if address.displacement != 0:
        terms.append(str(address.displacement))
    return f"[{' + '.join(terms)}]{mask}"


def _loop_head(loop: Loop) -> str:
    start, stop = loop.operands[:2]
    text = f"loop {loop.counter} = {start} to {stop} step {loop.step}"
    if loop.carried:
        pairs = zip(loop.carried, loop.initial, strict=False)
        text += " carrying " + ", ".join(f"{carried} = {initial}" for carried, initial in pairs)
    return text


def program_text(program: Program) -> str:
    """The whole program, a line for each instruction."""
    parameters = ", ".join(f"{p.value}: {p.type}" for p in program.parameters)
    lines = [f"program {program.name}({parameters})"]
    lines += [_INDENT + instruction_text(constant) for constant in program.constants]
    _region(program.body, _INDENT, lines)
    return "\n".join(lines) + "\n"


def _region(region: list[Instruction], indent: str, lines: list[str]) -> None:
    for instruction in region:
        lines.append(indent + instruction_text(instruction))
        if isinstance(instruction, Loop):
            _region(instruction.body, indent + _INDENT, lines)
            if instruction.next:
                lines.append(f"{indent + _INDENT}carry {', '.join(map(repr, instruction.next))}")
            results = ", ".join(map(repr, (instruction.end, *instruction.results)))
            lines.append(f"{indent}end loop giving {results}")
