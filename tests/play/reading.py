"""Reading the binary messages of the playground."""

import json
from array import array


def unpacked(message):
    """The header of a frame, and its sections: surfaces as signed bytes, others as floats."""
    length = int.from_bytes(message[:4], "little")
    header = json.loads(message[4 : 4 + length])
    at, sections = 4 + length, {}
    for name, size in header["sections"].items():
        sections[name] = array("b" if name == "surfaces" else "f", message[at : at + size])
        at += size
    assert at == len(message)
    return header, sections


def weights(session):
    return [p.array.data.tolist() for p in session.trainer.model.parameters()]
