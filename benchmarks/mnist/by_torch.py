"""PyTorch, eager with its fused Adam: compiling would take longer than training."""

import sys

import torch
from torch import nn

from mnist import arrays, recipe


def main(folder: str, threads: str) -> None:
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    x, y = map(torch.from_numpy, arrays.read(folder, "train"))
    test_x, test_y = map(torch.from_numpy, arrays.read(folder, "t10k"))
    a, b, c, d = recipe.SIZES
    model = nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Linear(b, c), nn.ReLU(), nn.Linear(c, d))
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.RATE, fused=True)

    def half_epoch(order: list[int]) -> None:
        for batch in torch.tensor(order).view(-1, recipe.BATCH):
            optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()

    @torch.inference_mode()
    def accuracy() -> float:
        return (model(test_x).argmax(1) == test_y).float().mean().item()

    recipe.train(half_epoch, accuracy)


if __name__ == "__main__":
    main(*sys.argv[1:])
