"""``baregrad inspect``: what is in a model file."""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from typing import Any

from baregrad.cli.model_file import model_path
from baregrad.cli.printable import aligned, printable
from baregrad.data.preprocess import Preprocessor
from baregrad.errors import counted
from baregrad.files.architecture import described
from baregrad.files.model import SavedModel, model_of
from baregrad.files.safetensors import load_tensors

SHOWN = 25  # columns or settings
LETTERS = 80  # of a value


def run(arguments: Namespace) -> int:
    """Prints it."""
    path = model_path(arguments.model)
    tensors, metadata = load_tensors(path)
    saved = model_of(path, tensors, metadata)
    facts = {
        "file": str(path),
        "bytes": path.stat().st_size,
        "format_version": metadata["version"],
        "baregrad": metadata.get("baregrad"),
        **contents(saved),
    }
    print(json.dumps(facts) if arguments.json else as_text(facts, saved))
    return 0


def contents(saved: SavedModel) -> dict[str, Any]:
    """Architecture, parameters, preprocessing and training."""
    named = dict(saved.model.named_tensors())
    return {
        "parameters": sum(tensor.size for tensor in saved.model.parameters()),
        "architecture": described(saved.model),
        "tensors": {n: {"dtype": t.dtype, "shape": t.shape} for n, t in named.items()},
        "preprocessing": saved.preprocessor and preprocessing(saved.preprocessor),
        "training": saved.training,
    }


def preprocessing(preprocessor: Preprocessor) -> dict[str, Any]:
    """What is predicted from which columns."""
    return {
        "task": preprocessor.task,
        "target": preprocessor.target_column.name,
        "classes": preprocessor.classes,
        "columns": {
            column.name: {"kind": preprocessor.kinds[column.name], "features": column.features()}
            for column in preprocessor.columns
        },
        "left_out": preprocessor.dropped,
    }


def as_text(facts: dict[str, Any], saved: SavedModel) -> str:
    """The facts in sections."""
    kinds = Counter(tensor["dtype"] for tensor in facts["tensors"].values())
    head = {
        "file": f"{facts['file']}, {facts['bytes']:,} bytes",
        "written by": f"baregrad {facts['baregrad']}, format version {facts['format_version']}",
        "numbers": f"{facts['parameters']:,} parameters, {', '.join(kinds) or 'no tensors'}",
    }
    sections = [_pairs(head), saved.model.summary()]
    if found := facts["preprocessing"]:
        sections.append(_preprocessing(found))
    if facts["training"]:
        values = {n: json.dumps(v, ensure_ascii=False) for n, v in facts["training"].items()}
        sections.append("training\n" + _pairs(values, "  "))
    return "\n\n".join(sections)


def _preprocessing(found: dict[str, Any]) -> str:
    classes = f", classes {', '.join(found['classes'])}" if found["classes"] else ""
    columns = {
        name: f"{column['kind']}, {counted(len(column['features']), 'feature')}"
        for name, column in found["columns"].items()
    }
    left = {name: f"left out: {reason}" for name, reason in found["left_out"].items()}
    title = _short(f"{found['task']} of {found['target']!r}{classes}")
    return f"{title}\n{_pairs(columns | left, '  ')}"


def _pairs(pairs: dict[str, str], indent: str = "") -> str:
    rows = [(indent + _short(name), _short(text)) for name, text in pairs.items()]
    more = len(rows) - SHOWN
    rows = [*rows[:SHOWN], (f"{indent}...", f"{more} more; --json has all")] if more > 0 else rows
    return aligned(rows)


def _short(text: str) -> str:
    """What fits into a line, of text that may come from anybody."""
    length = LETTERS
    return printable(text if len(text) <= length else f"{text[:length]} ...")
