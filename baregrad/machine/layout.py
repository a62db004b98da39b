"""Where everything goes: label addresses, the lengths of jumps, alignment, rip-relative operands.

The assembler hands over the encoded instructions without jumps and padding, and a list of the
items that lie between them and have no length yet. Every jump starts short; one whose target is
out of reach becomes long and stays so, until nothing changes. (Szymanski, "Assembling code for
machines with span-dependent instructions", 1978.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from baregrad.machine.errors import LabelError
from baregrad.machine.registers import INT32_MAX, INT32_MIN, Label

_SHORT_SIZE = 2


class Jump:
    """A jump to a label; `short` is empty where the instruction has only the long form."""

    __slots__ = ("is_short", "label", "long", "mnemonic", "short")

    def __init__(self, mnemonic: str, label: Label, short: bytes, long: bytes) -> None:
        self.mnemonic = mnemonic
        self.label = label
        self.short = short
        self.long = long
        self.is_short = True

    def size(self) -> int:
        """Bytes with the form chosen so far."""
        return _SHORT_SIZE if self.is_short else len(self.long) + 4


class Bind:
    """A label's place."""

    __slots__ = ("label",)

    def __init__(self, label: Label) -> None:
        self.label = label


class Align:
    """Padding up to a multiple of `boundary`."""

    __slots__ = ("boundary",)

    def __init__(self, boundary: int) -> None:
        self.boundary = boundary


Item = Jump | Bind | Align


class Reference:
    """A 32-bit displacement relative to the end of its instruction, to be filled in.

    `offset` and `end` count instruction bytes; `items` is the number of items before.
    """

    __slots__ = ("addend", "end", "items", "label", "offset")

    def __init__(self, offset: int, end: int, items: int, label: Label, addend: int) -> None:
        self.offset = offset
        self.end = end
        self.items = items
        self.label = label
        self.addend = addend


class Layout:
    """The finished bytes; `shifts[n]` is what n items together add to the addresses after them."""

    __slots__ = ("addresses", "data", "shifts")

    def __init__(self, data: bytes, shifts: list[int], addresses: dict[Label, int]) -> None:
        self.data = data
        self.shifts = shifts
        self.addresses = addresses


def lay_out(
    code: bytearray,
    items: Sequence[tuple[int, Item]],
    references: Sequence[Reference],
    padding: Callable[[int], bytes],
    pool: Mapping[Label, int] | None = None,
) -> Layout:
    """Place `items`, each at its offset into `code`, and resolve labels.

    Args:
        code: the instructions that have their length already.
        items: what lies between them.
        references: rip-relative operands.
        padding: makes instructions that do nothing, of so many bytes.
        pool: labels after the code, by their distance from its end.
    """
    pool = pool or {}
    _refuse_unbound(items, references, pool)
    for _, item in items:
        if isinstance(item, Jump):
            item.is_short = bool(item.short)
    shifts, addresses = _place(items)
    while _lengthen(items, shifts, addresses):
        shifts, addresses = _place(items)
    data = _join(code, items, shifts, addresses, padding)
    addresses |= {label: len(data) + offset for label, offset in pool.items()}
    for reference in references:
        shift = shifts[reference.items]
        distance = addresses[reference.label] + reference.addend - (reference.end + shift)
        if not INT32_MIN <= distance <= INT32_MAX:
            raise LabelError(f"{reference.label} is {distance} bytes away: more than 32 bits")
        at = reference.offset + shift
        data[at : at + 4] = distance.to_bytes(4, "little", signed=True)
    return Layout(bytes(data), shifts, addresses)


def _refuse_unbound(
    items: Sequence[tuple[int, Item]], references: Sequence[Reference], pool: Mapping[Label, int]
) -> None:
    bound = {item.label for _, item in items if isinstance(item, Bind)} | pool.keys()
    used = [item.label for _, item in items if isinstance(item, Jump)]
    used += [reference.label for reference in references]
    missing = sorted({label.name for label in used if label not in bound})
    if missing:
        raise LabelError(f"label used but never bound: {', '.join(missing)}")


def _place(items: Sequence[tuple[int, Item]]) -> tuple[list[int], dict[Label, int]]:
    """Addresses, with the jumps as long as they are now."""
    shift = 0
    shifts = [0]
    addresses: dict[Label, int] = {}
    for offset, item in items:
        if isinstance(item, Bind):
            addresses[item.label] = offset + shift
        elif isinstance(item, Jump):
            shift += item.size()
        else:
            shift += -(offset + shift) % item.boundary
        shifts.append(shift)
    return shifts, addresses


def _lengthen(
    items: Sequence[tuple[int, Item]], shifts: Sequence[int], addresses: dict[Label, int]
) -> bool:
    """Make the jumps long that do not reach; whether there were any."""
    changed = False
    for number, (offset, item) in enumerate(items):
        if isinstance(item, Jump) and item.is_short:
            distance = addresses[item.label] - (offset + shifts[number + 1])
            if not -128 <= distance <= 127:
                item.is_short = False
                changed = True
    return changed


def _join(
    code: bytearray,
    items: Sequence[tuple[int, Item]],
    shifts: Sequence[int],
    addresses: dict[Label, int],
    padding: Callable[[int], bytes],
) -> bytearray:
    data = bytearray()
    done = 0
    for number, (offset, item) in enumerate(items):
        data += code[done:offset]
        done = offset
        end = offset + shifts[number + 1]
        if isinstance(item, Jump):
            distance = addresses[item.label] - end
            opcode, size = (item.short, 1) if item.is_short else (item.long, 4)
            data += opcode + distance.to_bytes(size, "little", signed=True)
        elif isinstance(item, Align):
            data += padding(end - len(data))
    data += code[done:]
    return data
