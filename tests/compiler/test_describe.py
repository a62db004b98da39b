"""A fused program in words, and what its kernels cost."""

import baregrad as bg
from baregrad import Tensor
from baregrad.compiler.capture import capture
from baregrad.compiler.cost import flops, traffic
from baregrad.compiler.describe import describe
from baregrad.compiler.fusion import fuse
from baregrad.compiler.memory import plan_memory
from baregrad.compiler.simplify import simplify


def described(step, *arguments):
    program = simplify(capture(step, *arguments))
    fused = fuse(program)
    return describe(program, fused, plan_memory(fused))


def kernels_of(step, *arguments):
    return fuse(simplify(capture(step, *arguments))).kernels


def test_a_step_is_described_from_values_to_memory():
    weight = bg.ones(2, 3)
    weight.name = "weight"

    def step(x):
        y = x @ weight.T + 0.5
        weight.assign(weight * 2)
        return y

    assert described(step, bg.ones(4, 3)).splitlines() == [
        "Program: 8 values",
        "  %0 = input 'argument 0': 4 × 3 float32",
        "  %1 = input 'weight': 2 × 3 float32",
        "  %2 = 2: scalar float32",
        "  %3 = multiply(%1, %2): 2 × 3 float32",
        "  %4 = permute(%1, axes=(1, 0)): 3 × 2 float32",
        "  %5 = matmul(%0, %4): 4 × 2 float32",
        "  %6 = 0.5: scalar float32",
        "  %7 = add(%5, %6): 4 × 2 float32",
        "  'weight' becomes %3",
        "  returns %7",
        "",
        "Kernels: 2, 62 FLOP, 152 bytes read and written",
        "  1. contraction to 4 × 2 over 3: 56 FLOP, 104 bytes",
        "       0 = sum over k of #0[3r + k] · #1[k + 3c]",
        "       1 = constant 0.5",
        "       2 = add(0, 1)",
        "       #3[2r + c] = 2",
        "  2. map of 1 × 6: 6 FLOP, 48 bytes",
        "       0 = #1[c]",
        "       1 = constant 2",
        "       2 = multiply(0, 1)",
        "       #2[c] = 2",
        "",
        "Memory: 192 bytes, for 128 in 4 buffers",
        "  #0 argument 0: 12 float32 at 0, read by 1",
        "  #1 weight: 6 float32 at 64, read by 1, 2",
        "  #2 multiply: 6 float32 at 64, in place of #1, written by 2",
        "  #3 add: 8 float32 at 128, written by 1",
    ]


def test_reductions_say_what_they_run_over():
    text = described(lambda x: (x.sum(0), x.max(1), x.sum()), bg.ones(3, 5))
    assert "sum of 0 over the rows" in text
    assert "max of 0 over the columns" in text
    assert "sum of 0 over all" in text
    assert "#2[r] = " in text
    assert "#3[0] = " in text


def test_offsets_are_in_the_index():
    assert "#0[14r + c + 9]" in described(lambda x: x[1::2, 2:5].exp(), bg.ones(5, 7))


def test_copies_name_their_parts():
    text = described(lambda x: bg.concat([x, bg.ones(1)]), bg.ones(2))
    assert "  1. copy operation concat: 0 FLOP, 20 bytes\n" in text
    assert "#1 = concat(#0, 1)\n" in text


def test_batches_of_products_say_their_sizes():
    text = described(lambda x, y: x @ y, bg.ones(4, 2, 3), bg.ones(4, 3, 5))
    assert "  1. batch of 4 products to 2 × 5 over 3: 240 FLOP, 496 bytes\n" in text
    assert "#2 = matmul(#0, #1)\n" in text


def test_random_numbers_name_their_start():
    text = described(lambda: bg.Generator(1).rand(7))
    assert ". 7 random numbers: 7 FLOP, 36 bytes\n" in text
    assert " = uniform(#0)\n" in text


def test_index_operations_name_their_buffers():
    text = described(lambda x, i: (x.take(i), x.argmax(1)), bg.ones(4, 3), Tensor([0]))
    assert "index operation argmax: 12 FLOP, 80 bytes" in text
    assert " = argmax(#0)" in text


def test_copies_at_the_end_are_listed():
    tensor = bg.ones(2, 3)
    text = described(lambda: tensor.assign(tensor.flatten()[::-1].reshape(2, 3)))
    assert "  #1 is copied to #0 after the last kernel\n" in text


def test_a_program_may_return_nothing():
    tensor = bg.ones(2)
    assert "returns" not in described(lambda: tensor.assign(tensor * 2))


def test_work_and_traffic_are_counted():
    (kernel,) = kernels_of(lambda x, b: (x + b).tanh().sum(1), bg.ones(4, 8), bg.ones(8))
    assert flops(kernel) == 3 * 32
    assert traffic(kernel) == 4 * (32 + 8 + 4)
    (kernel,) = kernels_of(lambda x, y: x @ y, bg.ones(4, 8), bg.ones(8, 2))
    assert flops(kernel) == 2 * 4 * 8 * 2
    assert traffic(kernel) == 4 * (32 + 16 + 8)


def test_only_the_additions_of_index_operations_are_work():
    table = bg.ones(4, 3)
    table.requires_grad = True
    kernels = kernels_of(lambda i: bg.grad(table.take(i).exp().sum(), table)[0], Tensor([1, 1]))
    works = {kernel.op: flops(kernel) for kernel in kernels if hasattr(kernel, "op")}
    assert works["take"] == 0
    assert works["scatter_add"] == 6
