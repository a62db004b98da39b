"""A matrix product that is measured, and its matrices: the same bytes for every contender."""

from array import array
from random import Random
from typing import NamedTuple


class Product(NamedTuple):
    """C = A · B, of float32, where a factor may lie in memory as its transpose.

    Attributes:
        rows: of A and C.
        columns: of B and C.
        depth: columns of A, rows of B.
        form: a letter for each factor: ``N`` as it is, ``T`` transposed.
    """

    rows: int
    columns: int
    depth: int
    form: str

    @property
    def task(self) -> str:
        """Its name, as the contenders' processes are given it."""
        return f"{self.rows}×{self.columns}×{self.depth} {self.form}"

    @property
    def flops(self) -> int:
        """Multiplications and additions."""
        return 2 * self.rows * self.columns * self.depth

    @property
    def shapes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Of both factors as they lie in memory."""
        left, right = (self.rows, self.depth), (self.depth, self.columns)
        return (
            left[::-1] if self.form[0] == "T" else left,
            right[::-1] if self.form[1] == "T" else right,
        )

    def factors(self) -> tuple[array, array]:
        """Both, in the order of memory, with elements between -1 and 1."""
        random = Random(self.task)
        left, right = [
            array("f", [random.uniform(-1, 1) for _ in range(m * n)]) for m, n in self.shapes
        ]
        return left, right


def read_task(task: str) -> Product:
    """The product of this name."""
    sizes, form = task.split()
    rows, columns, depth = map(int, sizes.split("×"))
    return Product(rows, columns, depth, form)
