"""Plain values and tensors, nested as one likes, in one safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baregrad.arguments import is_number, python_number
from baregrad.data.source import FilePath
from baregrad.errors import ArgumentError, ModelFileError
from baregrad.files.safetensors import MAX_MESSAGE, load_tensors, save_tensors
from baregrad.tensor.borrowed import readable
from baregrad.tensor.tensor import Tensor

FORMAT = "baregrad state"
MARK = "$tensor"  # {MARK: name} stands for a tensor


def save_state(path: FilePath, state: Mapping[str, Any]) -> None:
    """Writes a state to a file that is there whole or not at all.

    Args:
        path: the file.
        state: None, bools, numbers, texts and tensors, in dicts, lists and tuples.

    Raises:
        ArgumentError: something else in it.
        FileWriteError: the file cannot be written.
    """
    import json  # files are written and read seldom

    tensors: dict[str, Tensor] = {}
    text = json.dumps(_packed(state, "", tensors))
    metadata = {"format": FORMAT, "state": text, "sha256": digest(text, tensors)}
    save_tensors(path, tensors, metadata)


def load_state(path: FilePath) -> dict[str, Any]:
    """What `save_state` wrote; tuples are lists now.

    Raises:
        ModelFileError: the file cannot be read, is damaged, or of another kind.
    """
    import json

    tensors, metadata = load_tensors(path)
    text = metadata.get("state", "")
    if metadata.get("format") != FORMAT or metadata.get("sha256") != digest(text, tensors):
        raise ModelFileError(f"{path!s} is damaged, or not a {FORMAT}: its digest is another")

    def unpacked(value: dict[str, Any]) -> Any:
        return tensors[value[MARK]] if value.keys() == {MARK} else value

    try:
        state = json.loads(text, object_hook=unpacked)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        reason = repr(error)[:MAX_MESSAGE]
        raise ModelFileError(f"{path!s} is not a {FORMAT}: {reason}") from None
    if not isinstance(state, dict):
        raise ModelFileError(f"{path!s} is not a {FORMAT}: it has no names")
    return state


def digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of a text and the numbers of some tensors, in hexadecimal."""
    from hashlib import sha256  # needs OpenSSL, which takes a while to load

    found = sha256(text.encode())
    for name in sorted(tensors):
        found.update(readable(tensors[name]))
    return found.hexdigest()


def _packed(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """What JSON can hold; the tensors go to `tensors`."""
    if isinstance(value, Tensor):
        if path in tensors:
            raise ArgumentError(f"two tensors of a state would be called {path!r}")
        tensors[path] = value
        return {MARK: path}
    prefix = f"{path}/" if path else ""
    names = isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    if names and MARK not in value:
        return {key: _packed(item, f"{prefix}{key}", tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(item, f"{prefix}{number}", tensors) for number, item in enumerate(value)]
    if value is None or isinstance(value, bool | str):
        return value
    if is_number(value):
        return python_number(value)
    raise ArgumentError(
        f"{path or 'a state'} cannot be saved: {value!r} is not a number, text, tensor, or a list "
        "or dict of them"
    )
