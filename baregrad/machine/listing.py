"""What was emitted, to be read: labels, addresses, bytes, Intel syntax.

The text is only made when it is asked for; the assembler keeps the operands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from baregrad.machine.encoding import Emitted, Form
from baregrad.machine.layout import Align, Bind, Item, Jump, Layout
from baregrad.machine.registers import Label, Memory, Operand

_SIZE_NAMES = {
    8: "byte ptr ",
    16: "word ptr ",
    32: "dword ptr ",
    64: "qword ptr ",
    128: "xmmword ptr ",
    256: "ymmword ptr ",
    512: "zmmword ptr ",
}
_BYTES_PER_LINE = 11


class Instruction:
    """One instruction as it was given; `offset` and `items` are as in `layout.Reference`."""

    __slots__ = ("form", "items", "mask", "offset", "operands")

    def __init__(
        self, offset: int, items: int, form: Form, operands: Sequence[Operand], mask: int
    ) -> None:
        self.offset = offset
        self.items = items
        self.form = form
        self.operands = operands
        self.mask = mask

    def __str__(self) -> str:
        form = self.form
        mnemonic = form.row.mnemonic.replace("_", " ")
        texts = [self._operand(at, operand) for at, operand in enumerate(self.operands)]
        if self.mask:
            texts[0] += f"{{k{self.mask}}}" + "{z}" * form.zeroing
        if form.rounding is not None:
            rounding = form.rounding if form.rounding == "sae" else f"{form.rounding}-sae"
            # the rounding stands after the last register, before an immediate
            last = max(i for i, o in enumerate(self.operands) if not isinstance(o, int))
            texts.insert(last + 1, f"{{{rounding}}}")
        return f"{mnemonic} {', '.join(texts)}".rstrip()

    def _operand(self, at: int, operand: Operand) -> str:
        if isinstance(operand, Memory):
            pattern = self.form.row.patterns[at]
            bits = pattern.broadcast_bits if operand.broadcast else pattern.memory_bits
            return _SIZE_NAMES.get(bits, "") + repr(operand)
        if isinstance(operand, int):
            return str(operand) if -10 < operand < 10 else f"{operand:#x}"
        return repr(operand)


def listing(
    layout: Layout,
    instructions: Sequence[Emitted],
    items: Sequence[tuple[int, Item]],
    comments: dict[int, list[str]],
    code_size: int,
    constants: Mapping[bytes, Label],
) -> str:
    """The listing.

    Args:
        layout: the finished bytes.
        instructions: what was emitted.
        items: labels, jumps and alignment between the instructions.
        comments: by number of the instruction or item that follows.
        code_size: bytes before the constants.
        constants: what lies after the code.
    """
    lines: list[str] = []
    events = _in_order(layout, instructions, items)
    ends = [address for address, _ in events[1:]] + [code_size]
    for number, ((address, what), end) in enumerate(zip(events, ends, strict=True)):
        lines += [f"{'':43}; {text}" for text in comments.get(number, [])]
        if isinstance(what, Bind):
            lines.append(f"{what.label}:")
        elif isinstance(what, Jump):
            lines += _lines(address, layout.data[address:end], f"{what.mnemonic} {what.label}")
        elif isinstance(what, Align):
            if end > address:
                lines += _lines(address, layout.data[address:end], f".align {what.boundary}")
        else:
            lines += _lines(address, layout.data[address:end], str(what))
    lines += [f"{'':43}; {text}" for text in comments.get(len(events), [])]
    for data, label in sorted(constants.items(), key=lambda item: layout.addresses[item[1]]):
        lines += [f"{label}:", *_lines(layout.addresses[label], data, ".byte")]
    return "\n".join(lines) + "\n"


def _in_order(
    layout: Layout, instructions: Sequence[Emitted], items: Sequence[tuple[int, Item]]
) -> list[tuple[int, Instruction | Item]]:
    """Instructions and items with their addresses, as they were given."""
    events: list[tuple[int, Instruction | Item]] = []
    done = 0
    for emitted in instructions:
        instruction = Instruction(*emitted)
        for number in range(done, instruction.items):
            events.append((items[number][0] + layout.shifts[number], items[number][1]))
        done = instruction.items
        events.append((instruction.offset + layout.shifts[done], instruction))
    for number in range(done, len(items)):
        events.append((items[number][0] + layout.shifts[number], items[number][1]))
    return events


def _lines(address: int, data: bytes, text: str) -> list[str]:
    first = f"{address:06x}  {data[:_BYTES_PER_LINE].hex():<{2 * _BYTES_PER_LINE}}  "
    more = [
        f"{address + at:06x}  {data[at : at + _BYTES_PER_LINE].hex()}"
        for at in range(_BYTES_PER_LINE, len(data), _BYTES_PER_LINE)
    ]
    return [first + text, *more]
