"""A training with checkpoints: ``python checkpointed.py FOLDER COMPILED EPOCHS`` prints its end.

It has all that a checkpoint must keep: buffers, optimizer state, two generators, a schedule, early
stopping, metrics and a seed that is drawn.
"""

import sys
from hashlib import sha256

import baregrad as bg
from baregrad.optim.schedules import ReduceOnPlateau, cosine

EPOCHS = 4
STEPS = 5  # in an epoch, of which the last one is smaller


def adam(model):
    """The usual optimizer."""
    return bg.Adam(model.parameters(), lr=0.05)


def training(
    folder, compiled=False, epochs=EPOCHS, every=0.0, callbacks=(), patience=2, width=6, **options
):
    """A model after its training, and the history."""
    bg.manual_seed(3)
    numbers = bg.Generator(7)
    x = numbers.randn(46, 4)
    y = x.sum(1, keepdims=True).sin().detach()
    model = bg.Sequential(
        *(bg.Linear(4, width, seed=1), bg.BatchNorm1d(width), bg.Dropout(0.2)),
        *(bg.Linear(width, 1, seed=2), bg.Dropout(0.1, bg.Generator(5))),
    )
    loss, make = options.pop("loss", "huber"), options.pop("optimizer", adam)
    optimizer = make(model)
    if "plateau" in options:
        patience_of_rate = options.pop("plateau")
        options["schedule"] = ReduceOnPlateau(optimizer, 0.5, patience_of_rate)
    if "validation_data" in options:
        options["validation_split"] = 0.0
    settings = {
        "metrics": ["r2"],
        "validation_split": 0.2,
        "callbacks": [bg.EarlyStopping(patience=patience), *callbacks],
        "schedule": cosine(epochs * STEPS),
        "checkpoint": folder,
        "checkpoint_every": every,
        "compiled": compiled,
    }
    arguments = [model, x, y, loss, optimizer, epochs, 8]
    return model, bg.fit(*arguments, **settings | options)


def weights(model):
    """All numbers of a model."""
    return [value for tensor in model.state_dict().values() for value in tensor.flatten().tolist()]


if __name__ == "__main__":
    model, history = training(sys.argv[1], sys.argv[2] == "True", int(sys.argv[3]), patience=1000)
    print(sha256(repr((weights(model), history.history)).encode()).hexdigest())
