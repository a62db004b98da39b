"""The driver: one native function that runs all kernels of a step, and many steps in a row.

Every kernel is a function of one pointer, to a table of addresses, in which each buffer has its
slot. Between two steps the driver moves some of the slots on: those of buffers that hold something
for each step, such as learning rates, or the row numbers of mini-batches. So a call can run as many
steps as their numbers have been laid out for, without a return to Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from baregrad.compiler.vector.lowering import lower
from baregrad.compiler.vector.program import Program
from baregrad.compiler.vector.target import Target
from baregrad.machine.assembler import Assembler, Code
from baregrad.machine.convention import (
    SHADOW_SPACE,
    call,
    enter,
    flush_denormals,
    leave,
    restore_mxcsr,
)
from baregrad.machine.registers import Memory, r12, r13, rbx, rdi, rsi, rsp

_SLOT = 8  # bytes of an address in the table
_ENTRY = "step"


def assemble_driver(
    kernels: Sequence[Program], strides: Mapping[int, int], target: Target
) -> tuple[Code, int]:
    """The code of all kernels, and of the driver, whose C type is `void (void **, int64_t)`.

    Its arguments are the table and the number of steps. Denormal numbers count as zero while it
    runs, and the caller's floating-point state is restored.

    Args:
        kernels: in the order in which they run, each a program with the table as its parameter.
        strides: for each slot that moves on after a step, by how many bytes.
        target: whose instructions.

    Returns:
        The code, and where in it the driver begins.
    """
    asm = Assembler()
    labels = []
    for kernel in kernels:
        asm.align(64)
        labels.append(asm.label(kernel.name))
        asm.bind(labels[-1])
        lower(kernel, target, asm)
    asm.align(64)
    entry = asm.label(_ENTRY)
    asm.bind(entry)
    saved = Memory(rsp, displacement=SHADOW_SPACE, size=32)
    scratch = Memory(rsp, displacement=SHADOW_SPACE + 4, size=32)
    frame = SHADOW_SPACE + 8
    enter(asm, frame)
    asm.mov(rbx, rdi)
    asm.mov(r12, rsi)
    flush_denormals(asm, saved, scratch)
    done, again = asm.label("done"), asm.label("next step")
    asm.test(r12, r12)
    asm.jz(done)
    asm.bind(again)
    for label in labels:
        asm.lea(r13, Memory(label=label))
        call(asm, r13, rbx)
    for slot, stride in strides.items():
        asm.add(Memory(rbx, displacement=_SLOT * slot, size=64), stride)
    asm.dec(r12)
    asm.jnz(again)
    asm.bind(done)
    restore_mxcsr(asm, saved)
    leave(asm, frame)
    code = asm.finish()
    return code, code.offset(entry)
