"""Changed files for the fuzzer: from flipped bits to well-formed files of other meaning.

A safetensors file is the length of its header, 8 bytes; the header, JSON; and the tensors' bytes.
The metadata in the header holds JSON texts of its own.
"""

import json
import re
from copy import deepcopy

UNFIT = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
PARTS = ("architecture", "preprocessor", "training", "state")

ODD = [
    *(None, True, False, 0, 1, -1, 2**31, 2**53, 2**63, 2**64, 10**400, 0.5, -0.0, 1e300, 5e-324),
    *("", "F32", "I64", "BOOL", "MLP", "Linear", "Dropout", "Sequential", "relu", "softmax"),
    *("layer", "float64", "number", "code", "standard", "quantile", "date", "category"),
    *(
        "\0",
        "\ud800",
        "\u2028",
        "é" * 50,
        "<script>",
        "a\nb",
        [],
        {},
        [[]],
        [0, 4],
        {"kind": "MLP"},
    ),
]
TEXTS = ("NaN", "Infinity", "1e999", "-0", "[" * 2000, '{"a":1,"a":2}', "\\", '"', "", "9" * 5000)
NUMBERS = ("0", "1", "-1", "7", "1.5", "1e999", "-0", "00", "9" * 5000, str(2**63), str(2**64 - 1))
BYTES = (b"", b"\0", b"\xff", b"\x80", b"{", b'"', b"}", b"\0\0\x80\x7f", b"\xff\xff\xff\xff")


def mutated(files, random):
    """One of some files with a few changes, mostly of one sort."""
    content = random.choice(files)
    for _ in range(1 if random.random() < 0.8 else 2):
        (change,) = random.choices(CHANGES, WEIGHTS)
        try:
            content = change(content, files, random)
        except UNFIT:
            content = changed_bytes(content, files, random)
    return content


# --- bytes ------------------------------------------------------------------------------------


def changed_bytes(content, files, random):
    """Flips bits, inserts, deletes, cuts off, and copies pieces from here and from other files."""
    changed = bytearray(content)
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(changed) + 1)
        match random.randrange(7):
            case 0 if place < len(changed):
                changed[place] ^= 1 << random.randrange(8)
            case 1:
                changed[place : place + 1] = random.choice(BYTES)
            case 2:
                changed[place:place] = random.randbytes(random.randint(1, 8))
            case 3:
                del changed[place : place + random.randint(1, 8)]
            case 4:
                del changed[random.randrange(len(changed) + 1) :]
            case 5:
                changed[place:place] = piece(bytes(changed), random)
            case 6:
                new = piece(random.choice(files), random)
                changed[place : place + len(new)] = new
    return bytes(changed)


def piece(content, random):
    begin = random.randrange(len(content) + 1)
    return content[begin : begin + random.randint(1, 64)]


def changed_length(content, files, random):
    """Only what the file says of the length of its header."""
    length = int.from_bytes(content[:8], "little")
    changes = (length + random.randint(-9, 9), length * 256, random.getrandbits(64), len(content))
    return (random.choice(changes) % 2**64).to_bytes(8, "little") + content[8:]


# --- the header -------------------------------------------------------------------------------


def split(content):
    """The header and the tensors' bytes."""
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def joined(header, data):
    """A file with this header, an object or a text."""
    text = header if isinstance(header, str) else json.dumps(header)
    encoded = text.encode("utf-8", "surrogatepass")
    return len(encoded).to_bytes(8, "little") + encoded + data


def changed_numbers(content, files, random):
    """Numbers anywhere in the header, the metadata included, are others."""
    end = 8 + int.from_bytes(content[:8], "little")
    text = content[8:end].decode()
    found = list(re.finditer(r"\d+", text))
    for match in sorted(random.sample(found, min(2, len(found))), key=lambda m: -m.start()):
        near = str(max(0, int(match[0][:20]) + random.choice([-1, 1, 4, 256])))
        number = random.choice([near, near, *NUMBERS])
        text = text[: match.start()] + number + text[match.end() :]
    return joined(text, content[end:])


def changed_header(content, files, random):
    header, data = split(content)
    change(header, random)
    return joined(with_odd_text(json.dumps(header), random), data)


def changed_metadata(content, files, random):
    """The JSON of a part of the metadata, at a few places."""
    header, data = split(content)
    name = random.choice([part for part in PARTS if part in header["__metadata__"]])
    part = json.loads(header["__metadata__"][name])
    for _ in range(random.randint(1, 3)):
        change(part, random)
    header["__metadata__"][name] = with_odd_text(json.dumps(part), random)
    return joined(header, data)


def exchanged_metadata(content, files, random):
    """Parts of the metadata are those of another file."""
    (header, data), (other, _) = split(content), split(random.choice(files))
    for name in random.sample(PARTS, random.randint(1, 2)):
        header["__metadata__"].pop(name, None)
        if name in other["__metadata__"]:
            header["__metadata__"][name] = other["__metadata__"][name]
    return joined(header, data)


def change(value, random):
    """Changes one place of a JSON value, at any depth, in place."""
    while isinstance(value, dict | list) and value:
        place = random.choice(list(value) if isinstance(value, dict) else range(len(value)))
        inner = value[place]
        if isinstance(inner, dict | list) and inner and random.random() < 0.7:
            value = inner
            continue
        match random.randrange(6):
            case 0:
                del value[place]
            case 1 if isinstance(value, dict):
                value[str(random.choice(ODD))] = deepcopy(inner)
            case 1:
                value[place:place] = [deepcopy(inner)] * random.choice([1, 1, 2, 70])
            case 2 if isinstance(inner, int | float):
                value[place] = inner * random.choice([-1, 0, 2, 2**32, 2**61])
            case 3 if isinstance(inner, int):
                value[place] = random.choice([inner + 1, inner - 1, float(inner), str(inner)])
            case 4:
                value[place] = nested(deepcopy(inner), random)
            case _:
                value[place] = deepcopy(random.choice(ODD))
        return


def nested(value, random):
    """A value in a list, or in many."""
    as_modules = random.random() < 0.5
    for _ in range(random.choice([1, 1, 1, 60, 400])):
        value = {"kind": "Sequential", "modules": [value]} if as_modules else [value]
    return value


def with_odd_text(text, random):
    """Now and then, what `json.dumps` does not write."""
    if random.random() < 0.9:
        return text
    place = random.randrange(len(text) + 1)
    return text[:place] + random.choice(TEXTS) + text[place + random.randint(0, 9) :]


# --- tensors ----------------------------------------------------------------------------------


def other_tensors(content, files, random):
    """A well-formed file in which a tensor is missing, doubled, renamed, or of another shape."""
    header, data = split(content)
    tensors = {
        name: (info["dtype"], info["shape"], data[slice(*info["data_offsets"])])
        for name, info in header.items()
        if name != "__metadata__"
    }
    name = random.choice(list(tensors))
    dtype, shape, numbers = tensors[name]
    match random.randrange(6):
        case 0:
            del tensors[name]
        case 1:
            tensors[random.choice([*tensors, "x", ""]) + random.choice(["", "0", "."])] = tensors[
                name
            ]
        case 2:
            tensors[name] = dtype, [*shape, 1], numbers
        case 3:
            tensors[name] = dtype, shape[::-1], numbers
        case 4 if shape:
            tensors[name] = dtype, [shape[0] * 2, *shape[1:]], numbers * 2
        case _:
            tensors[name] = dtype, shape, random.choice(BYTES[-2:]) * (len(numbers) // 4)
    return relaid(header.get("__metadata__", {}), tensors)


def relaid(metadata, tensors):
    header, data = {"__metadata__": metadata}, b""
    for name, (dtype, shape, numbers) in tensors.items():
        places = [len(data), len(data) + len(numbers)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": places}
        data += numbers
    return joined(header, data)


CHANGES, WEIGHTS = zip(
    (changed_bytes, 25),
    (changed_length, 2),
    (changed_numbers, 10),
    (changed_header, 15),
    (changed_metadata, 35),
    (exchanged_metadata, 5),
    (other_tensors, 8),
    strict=True,
)
