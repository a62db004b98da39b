"""Which kind of processor this is, as the system says."""

import os
import platform

import pytest

from baregrad.machine import cpu
from baregrad.machine.errors import UnsupportedMachineError


def test_the_kind_of_processor_is_what_the_standard_library_says():
    assert cpu.architecture() == platform.machine()


@pytest.mark.parametrize(("name", "runs"), [("AMD64", True), ("ARM64", False)])
def test_a_system_without_uname_has_it_in_the_environment(monkeypatch, name, runs):
    monkeypatch.delattr(os, "uname", raising=False)
    monkeypatch.setenv("PROCESSOR_ARCHITECTURE", name)
    assert cpu.architecture() == name
    assert cpu.is_x86_64() is runs


def test_another_processor_is_named_in_the_error(monkeypatch):
    monkeypatch.setattr(cpu, "architecture", lambda: "riscv64")
    with pytest.raises(UnsupportedMachineError, match="riscv64"):
        cpu.processor_features.__wrapped__()
