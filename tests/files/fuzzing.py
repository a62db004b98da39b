"""Changed model files for the fuzzers: bytes, header and metadata, by a seeded generator."""

import json
from random import Random

from baregrad.data.preprocess import Preprocessor
from baregrad.data.table import Table
from baregrad.errors import BaregradError, ModelFileError
from baregrad.files.model import load_model, save_model
from baregrad.nn.embedding import EmbeddedFeatures
from baregrad.nn.layers import BatchNorm1d, Dropout, LayerNorm, Sequential
from baregrad.nn.mlp import MLP, Layer

TABLE = Table(
    {
        "number": [1, 2, None, 6],
        "colour": ["red", "green", "red", None],
        "day": ["2024-01-01", "2024-02-03", "2025-01-01", "2023-04-05"],
        "class": ["a", "b", "c", "a"],
        "price": [1.5, 2, 3, 8],
    }
)

ODD = [
    *(None, True, False, 0, 1, -1, 2**31, 2**53, 2**63, 2**64, 10**400, 0.5, -0.0, 1e300),
    *("", "F32", "I64", "BOOL", "MLP", "Linear", "Dropout", "relu", "softmax", "layer", "float64"),
    *("number", "code", "standard", "quantile", "\0", "\ud800", "é" * 50, [], {}, [[]], [0, 4]),
]
TEXTS = ("NaN", "Infinity", "1e999", "[" * 2000, '{"a":1,"a":2}', "\\", '"', "", "9" * 5000)


def originals(path):
    """Model files of every kind of part, as bytes."""
    quantile = Preprocessor.fit(TABLE, "price", scaling="quantile")
    codes = Preprocessor.fit(TABLE, "class", categories="embedding")
    front = EmbeddedFeatures(codes.inputs, codes.embeddings, 2, seed=0)
    models = [
        (MLP(2, [3, 1], seed=0), None),
        (MLP(quantile.inputs, [2, 1], "relu", norm="batch", dropout=0.5, seed=0), quantile),
        (Sequential(front, LayerNorm(front.outputs), MLP(front.outputs, [3], seed=0)), codes),
        (Sequential(Layer(3, 2, "selu"), BatchNorm1d(2), Sequential(Dropout())), None),
    ]
    for model, preprocessor in models:
        save_model(path, model, preprocessor, {"epochs": 3, "loss": "mse", "best": [0.5, None]})
        yield path.read_bytes()


def mutated(content, random):
    """A file with a few changes, at one of three levels: bytes, header, metadata."""
    level = random.randrange(4)
    if level == 0:
        return changed_bytes(content, random)
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    if level == 1:
        change(header, random)
    else:
        metadata = header["__metadata__"]
        name = random.choice(["architecture", "preprocessor", "training"])
        part = json.loads(metadata.get(name, "{}"))
        for _ in range(random.randint(1, 3)):
            change(part, random)
        metadata[name] = with_odd_text(json.dumps(part), random)
    text = with_odd_text(json.dumps(header), random) if level == 1 else json.dumps(header)
    encoded = text.encode("utf-8", "surrogatepass")
    return len(encoded).to_bytes(8, "little") + encoded + data


def changed_bytes(content, random):
    changed = bytearray(content)
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(changed) + 1)
        match random.randrange(4):
            case 0:
                changed[place : place + 1] = random.randbytes(1)
            case 1:
                changed[place:place] = random.randbytes(random.randint(1, 8))
            case 2:
                del changed[place : place + random.randint(1, 8)]
            case 3:
                del changed[random.randrange(len(changed) + 1) :]
    return bytes(changed)


def change(value, random):
    """Changes one place of a JSON value, at any depth, in place."""
    while isinstance(value, dict | list) and value:
        places = list(value) if isinstance(value, dict) else range(len(value))
        place = random.choice(places)
        if isinstance(value[place], dict | list) and value[place] and random.random() < 0.7:
            value = value[place]
            continue
        match random.randrange(5):
            case 0:
                del value[place]
            case 1 if isinstance(value, dict):
                value[str(random.choice(ODD))] = value[place]
            case 1:
                value.append(value[place])
            case 2 if isinstance(value[place], int | float):
                value[place] = value[place] * random.choice([-1, 0, 2, 2**32, 2**61])
            case _:
                value[place] = random.choice(ODD)
        return


def with_odd_text(text, random):
    """Now and then, what `json.dumps` does not write."""
    if random.random() < 0.9:
        return text
    place = random.randrange(len(text) + 1)
    return text[:place] + random.choice(TEXTS) + text[place + random.randint(0, 9) :]


def check_mutations(path, count, seed):
    """Loads `count` changed files: each is a model, or refused by one clear exception.

    Returns:
        How many were models: 0 or `count` would say that the fuzzer tests nothing.
    """
    random, good = Random(seed), 0
    files = list(originals(path))
    for _ in range(count):
        content = mutated(random.choice(files), random)
        path.write_bytes(content)
        try:
            good += is_model(path)
        except BaseException as error:
            error.add_note(f"the file was {content!r}")
            raise
    return good


def is_model(path):
    """Whether a file is a model, which can then be used; if not, the message is short."""
    try:
        model, preprocessor, _ = load_model(path)
    except ModelFileError as error:
        text = str(error)
    else:
        if preprocessor is not None:
            use(model, preprocessor)
        return True
    assert str(path) in text
    assert len(text) < 1500 + len(str(path))
    return False


def use(model, preprocessor):
    """Predicts from a table, which may well not be one for this preprocessor."""
    try:
        output = model(preprocessor.transform(TABLE))
        preprocessor.predictions(output)
        if preprocessor.classes:
            preprocessor.probabilities(output)
    except BaregradError:
        return
