"""Pages, buffers and functions; other systems, and refusals, through stand-ins for the library."""

import ctypes
import errno
import gc
import os
import sys
from types import SimpleNamespace

import pytest

from baregrad.errors import ArgumentError, BaregradError
from baregrad.machine.assembler import Assembler
from baregrad.machine.cpu import is_x86_64
from baregrad.machine.errors import ExecutableMemoryError
from baregrad.machine.function import NativeFunction
from baregrad.machine.memory import AlignedBuffer, ExecutableMemory
from baregrad.machine.pages import PosixPages, WindowsPages, host_pages
from baregrad.machine.registers import eax

needs_x86 = pytest.mark.skipif(not is_x86_64(), reason="runs x86-64 code")


class Library:
    """Stands in for libc or kernel32: records calls, answers from a script."""

    def __init__(self, **answers):
        self.calls = []
        for name, answer in answers.items():
            setattr(self, name, self._function(name, answer))

    def _function(self, name, answer):
        def call(*arguments):
            self.calls.append((name, *arguments))
            return answer

        return call


def test_posix_pages_are_written_first_and_executed_then():
    libc = Library(mmap=0x1000, mprotect=0, munmap=0)
    pages = PosixPages(libc, anonymous=0x1000)  # as on macOS
    address = pages.allocate(4096)
    pages.make_executable(address, 4096)
    pages.free(address, 4096)
    assert libc.calls == [
        ("mmap", None, 4096, 1 | 2, 2 | 0x1000, -1, 0),
        ("mprotect", 0x1000, 4096, 1 | 4),
        ("munmap", 0x1000, 4096),
    ]


def windows(**answers):
    defaults = {"VirtualAlloc": 0x2000, "VirtualProtect": 1, "VirtualFree": 1}
    defaults |= {"GetCurrentProcess": -1, "FlushInstructionCache": 1}
    return Library(**(defaults | answers))


def test_windows_pages_are_written_first_and_executed_then():
    kernel32 = windows()
    pages = WindowsPages(kernel32)
    address = pages.allocate(4096)
    pages.make_executable(address, 4096)
    pages.free(address, 4096)
    names = [call[0] for call in kernel32.calls]
    assert names == [
        "VirtualAlloc",
        "VirtualProtect",
        "GetCurrentProcess",
        "FlushInstructionCache",
        "VirtualFree",
    ]
    assert kernel32.calls[0] == ("VirtualAlloc", None, 4096, 0x3000, 0x04)
    assert kernel32.calls[1][:4] == ("VirtualProtect", 0x2000, 4096, 0x20)
    assert kernel32.calls[3] == ("FlushInstructionCache", -1, 0x2000, 4096)
    assert kernel32.calls[4] == ("VirtualFree", 0x2000, 0, 0x8000)


@pytest.mark.parametrize(
    ("pages", "call"),
    [
        (lambda: PosixPages(Library(mmap=ctypes.c_void_p(-1).value, mprotect=0, munmap=0)), "mmap"),
        (lambda: WindowsPages(windows(VirtualAlloc=None)), "VirtualAlloc"),
    ],
)
def test_refused_memory_is_an_error_by_name(pages, call):
    ctypes.set_errno(errno.ENOMEM)
    with pytest.raises(ExecutableMemoryError, match=call) as info:
        ExecutableMemory(b"\xc3", pages())
    assert isinstance(info.value, OSError)
    assert isinstance(info.value, BaregradError)


class Forbidding:
    """A hardened system: gives memory, but not to be executed."""

    def __init__(self):
        self.storage = ctypes.create_string_buffer(8192)
        self.freed = []

    def allocate(self, size):
        return ctypes.addressof(self.storage)

    def make_executable(self, address, size):
        libc = Library(mmap=0, mprotect=-1, munmap=0)
        ctypes.set_errno(errno.EACCES)
        PosixPages(libc).make_executable(address, size)

    def free(self, address, size):
        self.freed.append((address, size))


def test_memory_that_may_not_be_executed_is_given_back_and_the_refusal_told():
    system = Forbidding()
    with pytest.raises(ExecutableMemoryError, match="mprotect: Permission denied"):
        NativeFunction(b"\xc3", pages=system)
    assert len(system.freed) == 1
    with pytest.raises(ExecutableMemoryError, match="VirtualProtect"):
        WindowsPages(windows(VirtualProtect=0)).make_executable(0, 1)


def test_there_must_be_code():
    with pytest.raises(ArgumentError):
        ExecutableMemory(b"")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_executable_pages_are_not_writable():
    memory = ExecutableMemory(b"\xc3" * 5000)
    with open("/proc/self/maps") as maps:
        lines = [line for line in maps if int(line.split("-")[0], 16) <= memory.address]
    assert lines[-1].split()[1] == "r-xp"
    assert memory.size % 4096 == 0
    assert memory.size >= 5000


def test_pages_live_as_long_as_their_last_function():
    freed = []
    host = host_pages()
    pages = SimpleNamespace(
        allocate=host.allocate,
        make_executable=host.make_executable,
        free=lambda address, size: (freed.append(address), host.free(address, size)),
    )
    memory = ExecutableMemory(b"\xc3" * 2, pages)
    first, second = NativeFunction(memory), NativeFunction(memory, entry=1)
    address = memory.address
    assert second.address == address + 1
    del memory, first
    gc.collect()
    assert freed == []
    del second
    gc.collect()
    assert freed == [address]


@needs_x86
def test_several_functions_share_one_code():
    asm = Assembler()
    entries = [asm.label(f"f{i}") for i in range(3)]
    for number, entry in enumerate(entries):
        asm.align(16)
        asm.bind(entry)
        asm.mov(eax, number)
        asm.ret()
    code = asm.finish()
    functions = [NativeFunction(code, (), ctypes.c_int, entry=entry) for entry in entries]
    assert [f() for f in functions] == [0, 1, 2]


@pytest.mark.parametrize("format", ["f", "d", "i", "I", "q", "B"])
@pytest.mark.parametrize("count", [0, 1, 15, 16, 1000])
def test_a_buffer_is_aligned_zero_and_seen_through_its_view(format, count):
    buffer = AlignedBuffer(count, format)
    assert buffer.address % 64 == 0
    assert len(buffer) == count == len(buffer.view)
    assert buffer.nbytes == count * buffer.view.itemsize
    assert not any(buffer.view)
    if count:
        buffer.view[count - 1] = 3
        at = buffer.address + (count - 1) * buffer.view.itemsize
        width = buffer.view.itemsize
        assert ctypes.string_at(at, width) == bytes(buffer.view[count - 1 :])


@pytest.mark.parametrize("count", [1000, 1_000_000])  # the latter in huge pages
def test_a_view_outlives_its_buffer(count):
    view = AlignedBuffer(count).view
    gc.collect()
    assert not any(view[:100])
    view[count - 1] = 1.5
    assert view[count - 1] == 1.5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("count", [1000, 1_000_000])
def test_a_forked_child_writes_to_its_own_copy(count):
    buffer = AlignedBuffer(count)
    child = os.fork()
    if child == 0:
        buffer.view[7] = 1.0
        os._exit(0)
    os.waitpid(child, 0)
    assert buffer.view[7] == 0.0


def test_a_buffer_of_nonsense_is_refused():
    with pytest.raises(ArgumentError):
        AlignedBuffer(-1)
    with pytest.raises(ArgumentError):
        AlignedBuffer(1, "x")
