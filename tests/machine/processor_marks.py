"""Marks for tests that execute code which not every processor can."""

import pytest

from baregrad.machine.cpu import AVX2_LEVEL, AVX512_LEVEL, is_x86_64, processor_features

NAMES = processor_features() if is_x86_64() else frozenset()
needs_x86 = pytest.mark.skipif(not is_x86_64(), reason="no x86-64 processor")
needs_avx = pytest.mark.skipif("avx" not in NAMES, reason="the processor has no AVX")
needs_avx2 = pytest.mark.skipif(not AVX2_LEVEL <= NAMES, reason="the processor has no AVX2 and FMA")
needs_avx512 = pytest.mark.skipif(not AVX512_LEVEL <= NAMES, reason="the processor has no AVX-512")
