"""The assembler: instructions by name, labels, jumps, constants; in the end bytes and a listing.

asm = Assembler()
loop = asm.label("loop")
asm.bind(loop)
asm.vfmadd231ps(zmm0, zmm1, Memory(rdi, rax, 4))
asm.add(rax, 16)
asm.cmp(rax, rsi)
asm.jb(loop)
asm.ret()
code = asm.finish()
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Final

from baregrad.machine.encoding import Emitted, Form, encode, nop_padding
from baregrad.machine.errors import LabelError, OperandError
from baregrad.machine.layout import Align, Bind, Item, Jump, Layout, Reference, lay_out
from baregrad.machine.matching import Signature, check_modifiers, select
from baregrad.machine.registers import Label, Memory, Operand, Register, immediate_kind
from baregrad.machine.x86 import rows

# the forms found so far, by what the processor has
_FORMS: Final[dict[frozenset[str] | None, dict[Signature, Form]]] = {}
_CONSTANT_ALIGNMENT: Final = 64
_CODE_ALIGNMENT: Final = 64


class Code:
    """What an assembler made: position-independent bytes and how to read them."""

    def __init__(
        self,
        layout: Layout,
        instructions: list[Emitted],
        items: list[tuple[int, Item]],
        comments: dict[int, list[str]],
        pool: bytes,
        constants: dict[bytes, Label],
    ) -> None:
        self.instructions_size = len(layout.data)
        self.data = layout.data + pool
        self._constants = constants
        self._layout = layout
        self._instructions = instructions
        self._items = items
        self._comments = comments

    @property
    def features(self) -> frozenset[str]:
        """The processor features that the instructions need."""
        forms = {form for _, _, form, _, _ in self._instructions}
        return frozenset().union(*(form.row.features for form in forms))

    def offset(self, label: Label) -> int:
        """Where a label is, in bytes from the beginning."""
        if label not in self._layout.addresses:
            raise LabelError(f"label {label} is not bound in this code")
        return self._layout.addresses[label]

    def listing(self) -> str:
        """The instructions as text: address, bytes, Intel syntax."""
        from baregrad.machine.listing import listing  # only needed to be read

        size = self.instructions_size
        return listing(
            self._layout, self._instructions, self._items, self._comments, size, self._constants
        )


class Assembler:
    """Collects instructions. Every mnemonic of the tables is a method; ``and_``, ``or_``, ``not_``.

    Args:
        features: what the processor has (`cpu.processor_features()`); None allows everything.
    """

    def __init__(self, features: frozenset[str] | None = None) -> None:
        self._features = features
        self._forms = _FORMS.setdefault(features, {})
        self._code = bytearray()
        self._instructions: list[Emitted] = []
        self._items: list[tuple[int, Item]] = []
        self._references: list[Reference] = []
        self._bound: set[Label] = set()
        self._constants: dict[bytes, Label] = {}
        self._comments: dict[int, list[str]] = {}

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        mnemonic = name.rstrip("_")
        rows(mnemonic)  # an unknown one raises here
        method = partial(self.emit, mnemonic)
        self.__dict__[name] = method
        return method

    def emit(
        self,
        mnemonic: str,
        *operands: Operand,
        mask: Register | None = None,
        zero: bool = False,
        rounding: str | None = None,
    ) -> None:
        """Append one instruction.

        Args:
            mnemonic: the name in Intel syntax, such as ``vaddps``.
            operands: destination first.
            mask: the write mask k1 to k7.
            zero: whether elements without their mask bit become zero instead of staying.
            rounding: ``rn``, ``rd``, ``ru``, ``rz`` (embedded rounding) or ``sae``.
        """
        try:
            kinds = [immediate_kind(o) if isinstance(o, int) else o.kind for o in operands]
        except AttributeError:
            names = ", ".join(type(operand).__name__ for operand in operands)
            raise OperandError(
                f"operands are registers, Memory, labels and int, not {names}"
            ) from None
        signature = (mnemonic, tuple(kinds), mask is not None, zero, rounding)
        form = self._forms.get(signature)
        if form is None:
            if kinds == ["label"]:
                self._jump(mnemonic, operands[0])
                return
            check_modifiers(mask, rounding)
            form = self._forms[signature] = select(signature, self._features)
        code, number = self._code, 0
        if mask is not None:
            check_modifiers(mask, rounding)
            number = mask.index
        self._instructions.append((len(code), len(self._items), form, operands, number))
        encode(code, form, operands, number)
        if form.memory >= 0:
            memory = operands[form.memory]
            assert type(memory) is Memory
            if memory.label is not None:
                self._refer(memory.label, memory.displacement, form.immediate_bytes)

    def _refer(self, label: Label, addend: int, immediate_bytes: int) -> None:
        """Note that the last instruction's operand is relative to the instruction pointer."""
        end, items = len(self._code), len(self._items)
        at = end - immediate_bytes - 4
        self._references.append(Reference(at, end, items, label, addend))

    def _jump(self, mnemonic: str, label: Operand) -> None:
        assert isinstance(label, Label)
        short, long = b"", b""
        for row in rows(mnemonic):
            if row.patterns[:1] and row.patterns[0].text == "rel8":
                short = row.encoding.opcode
            elif row.patterns[:1] and row.patterns[0].text == "rel32":
                long = row.encoding.opcode
        if not long:
            raise OperandError(f"{mnemonic} does not take a label")
        self._items.append((len(self._code), Jump(mnemonic, label, short, long)))

    def label(self, name: str = "") -> Label:
        """A new label, to be bound here or further on."""
        return Label(name or f"label{len(self._items)}")

    def bind(self, label: Label) -> None:
        """Let `label` mean this place."""
        if label in self._bound:
            raise LabelError(f"label {label} is bound twice")
        self._bound.add(label)
        self._items.append((len(self._code), Bind(label)))

    def align(self, boundary: int) -> None:
        """Pad with instructions that do nothing, up to a multiple of `boundary` (a power of 2)."""
        if boundary < 1 or boundary & boundary - 1 or boundary > _CODE_ALIGNMENT:
            raise OperandError(f"alignment is a power of two up to 64, not {boundary}")
        self._items.append((len(self._code), Align(boundary)))

    def comment(self, text: str) -> None:
        """A remark in the listing, before the next instruction."""
        place = len(self._instructions) + len(self._items)
        self._comments.setdefault(place, []).append(text)

    def constant(self, data: bytes, size: int = 0) -> Memory:
        """The address of bytes kept after the code, aligned to their size (64 at most).

        Equal bytes are kept once. `size` is that of `Memory`.
        """
        if not data:
            raise OperandError("a constant has at least one byte")
        label = self._constants.get(data)
        if label is None:
            label = self._constants[data] = Label(f"constant{len(self._constants)}")
        return Memory(label=label, size=size)

    def float32(self, value: float, lanes: int = 1) -> Memory:
        """A constant of `lanes` equal float32."""
        return self.constant(struct.pack("<f", value) * lanes, 32 * (lanes == 1))

    def float64(self, value: float, lanes: int = 1) -> Memory:
        """A constant of `lanes` equal float64."""
        return self.constant(struct.pack("<d", value) * lanes, 64 * (lanes == 1))

    def int32(self, value: int, lanes: int = 1) -> Memory:
        """A constant of `lanes` equal 32-bit integers, signed or unsigned."""
        data = (value & 0xFFFF_FFFF).to_bytes(4, "little")
        return self.constant(data * lanes, 32 * (lanes == 1))

    def finish(self) -> Code:
        """Resolve labels, choose the lengths of jumps, and join code and constants."""
        items = list(self._items)
        pool = bytearray()
        if self._constants:
            items.append((len(self._code), Align(_CONSTANT_ALIGNMENT)))
        places = self._place_constants(pool)
        layout = lay_out(self._code, items, self._references, nop_padding, places)
        instructions, comments = list(self._instructions), dict(self._comments)
        return Code(layout, instructions, items, comments, bytes(pool), dict(self._constants))

    def _place_constants(self, pool: bytearray) -> dict[Label, int]:
        """Append the constants to `pool`, those of the strictest alignment first."""
        places = {}
        for data in sorted(self._constants, key=_alignment, reverse=True):
            pool += bytes(-len(pool) % _alignment(data))
            places[self._constants[data]] = len(pool)
            pool += data
        return places


def _alignment(data: bytes) -> int:
    """The largest power of two that divides the size of `data`, at most 64."""
    return min(len(data) & -len(data), _CONSTANT_ALIGNMENT)
