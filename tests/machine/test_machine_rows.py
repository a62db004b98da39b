"""Every row of the instruction tables against two disassemblers that know nothing of them."""

import re
import shutil
import subprocess

import pytest
from encoding_variants import all_variants, canonical, encoded, expected

from baregrad.machine import x86


@pytest.fixture(scope="module")
def variants():
    return [(v, encoded(v), expected(v)) for v in all_variants()]


def compare(variants, texts) -> None:
    """`texts`: disassembled text by address; every instruction must begin where ours does."""
    wrong, address, seen = [], 0, {}
    for variant, data, want in variants:
        got = texts.get(address)
        if got is None:
            wrong.append(f"{variant} ({data.hex()}): no instruction ends before {address:#x}")
        elif (seen.get(got) or seen.setdefault(got, canonical(got))) != want:
            wrong.append(f"{variant} ({data.hex()}): disassembled as {got}")
        address += len(data)
    assert len(texts) == len(variants)
    assert not wrong, "\n".join([f"{len(wrong)} differ", *wrong[:20]])


def test_every_row_decodes_to_itself_with_objdump(variants, tmp_path):
    objdump = shutil.which("objdump")
    if objdump is None:
        pytest.skip("objdump is not installed")
    blob = tmp_path / "code.bin"
    blob.write_bytes(b"".join(data for _, data, _ in variants))
    options = "-D -w -b binary -m i386:x86-64 -M intel --no-show-raw-insn"
    result = subprocess.run(
        [objdump, *options.split(), str(blob)], capture_output=True, text=True, check=False
    )
    if result.returncode:
        pytest.skip(f"objdump does not disassemble x86-64: {result.stderr.strip()}")
    texts = {}
    for line in result.stdout.splitlines():
        if match := re.match(r"\s*([0-9a-f]+):\s+(.*)", line):
            texts[int(match[1], 16)] = match[2]
    compare(variants, texts)


def test_every_row_decodes_to_itself_with_iced_x86(variants):
    iced = pytest.importorskip("iced_x86", reason="iced-x86 is not installed")
    formatter = iced.Formatter(iced.FormatterSyntax.INTEL)
    formatter.use_pseudo_ops = False
    formatter.hex_prefix, formatter.hex_suffix = "0x", ""
    formatter.memory_size_options = iced.MemorySizeOptions.ALWAYS
    formatter.rip_relative_addresses = True
    formatter.show_useless_prefixes = False
    texts = {}
    for instruction in iced.Decoder(64, b"".join(data for _, data, _ in variants)):
        text = formatter.format(instruction)
        texts[instruction.ip] = text
    compare(variants, texts)


def test_no_two_rows_of_an_instruction_are_the_same():
    for mnemonic in x86.mnemonics():
        rows = x86.rows(mnemonic)
        assert len(set(rows)) == len(rows), mnemonic


NEEDED = """
vmovups vmovaps vmovss vmovdqu32 vbroadcastss vpbroadcastd vaddps vsubps vmulps vdivps vmaxps vminps
vsqrtps vfmadd132ps vfmadd213ps vfmadd231ps vfnmadd231ps vfmsub213ps vfnmsub132ss vandps vorps
vxorps vandnps vpandd vpord vpxord vpandnd vpand vpor vpxor vpandn vpaddd vpsubd vpmulld vpmuludq
vpaddq vpsubq vpslld vpsrld vpsrad vpsllvd vpsrlvd vpsravd vpsrlq vpsllq vcvtps2dq vcvttps2dq
vcvtdq2ps vcvtudq2ps vcvtps2pd vcvtpd2ps vaddpd vfmadd231pd vsqrtpd vroundps vrndscaleps vscalefps
vgetexpps vgetmantps vcmpps vpcmpd vpcmpud vpcmpeqd vpcmpgtd vblendmps vblendvps vpblendmd
vpternlogd vmaskmovps vpermps vpermd vpermilps vshufps vperm2f128 vunpcklps vunpckhps vunpcklpd
vunpckhpd vshuff32x4 vpermt2ps vextractf128 vextractf32x4 vextractf64x4 vinsertf128 vinsertf64x4
vmovhlps vmovshdup vhaddps vgatherdps vpmovm2d vpmovd2m vpminsd vpmaxsd vrcp14ps vrsqrt14ps kmovw
kmovd kmovb kandw korw kxorw knotw kortestw kxnorw prefetcht0 prefetcht1 prefetchw vzeroupper
vmovntps sfence pause mov movzx movsxd lea add sub and or xor cmp test imul inc dec neg shl shr sar
push pop call ret jmp jne setb cmovl lock_xadd lock_cmpxchg xchg mfence cpuid xgetbv rdtsc stmxcsr
ldmxcsr nop
"""


@pytest.mark.parametrize("mnemonic", NEEDED.split())
def test_the_tables_have_what_the_compiler_needs(mnemonic):
    assert x86.rows(mnemonic)
