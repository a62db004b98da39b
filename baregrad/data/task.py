"""The two kinds of problems."""

from typing import Literal, TypeAlias

Task: TypeAlias = Literal["regression", "classification"]
