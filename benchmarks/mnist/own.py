"""baregrad: half an epoch in one native call, which takes the batches from the samples itself."""

import sys
from pathlib import Path

import baregrad as bg
from mnist import recipe


def main(folder: str, threads: str) -> None:
    x, y, test_x, test_y = [
        bg.read_idx(Path(folder) / f"{part}-{kind}-ubyte.gz", scale=kind.startswith("images"))
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ]
    x, test_x = x.reshape(-1, recipe.SIZES[0]), test_x.reshape(-1, recipe.SIZES[0])
    model = bg.MLP(recipe.SIZES[0], recipe.SIZES[1:], activation="relu", seed=0)
    optimizer = bg.Adam(model.parameters(), lr=recipe.RATE)

    @bg.compile
    def step(batch: bg.Tensor) -> bg.Tensor:
        optimizer.zero_grad()
        loss = bg.losses.cross_entropy(model(x.take(batch)), y.take(batch))
        loss.backward()
        optimizer.step()
        return loss

    @bg.compile
    def right(x: bg.Tensor, y: bg.Tensor) -> bg.Tensor:
        return (model(x).argmax(1) == y).mean()

    def half_epoch(order: list[int]) -> None:
        batches = bg.Tensor(order).reshape(-1, recipe.BATCH)
        step.many(len(batches), batches)

    recipe.train(half_epoch, lambda: right(test_x, test_y).item())
    for compiled in (step, right):
        if compiled.fallback:
            raise NotImplementedError(f"not compiled: {compiled.fallback}")


if __name__ == "__main__":
    main(*sys.argv[1:])
