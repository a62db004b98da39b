"""PyTorch: eager, eager with its fused optimizer, and the whole step through `torch.compile`."""

from collections.abc import Callable

import torch
from harness.tasks import LEARNING_RATE, SAMPLES, Run, Task, samples
from torch.nn import functional

VERSION = f"torch {torch.__version__}"


def network(task: Task) -> torch.nn.Sequential:
    """The task's network, with its initial weights."""
    kind = torch.nn.Tanh if task.activation == "tanh" else torch.nn.ReLU
    parts: list[torch.nn.Module] = []
    for (inputs, outputs), (weight, bias) in zip(task.layers, task.weights(), strict=True):
        linear = torch.nn.utils.skip_init(torch.nn.Linear, inputs, outputs)
        linear.weight.data = torch.frombuffer(weight, dtype=torch.float32).view(outputs, inputs)
        linear.bias.data = torch.frombuffer(bias, dtype=torch.float32)
        parts += [linear, kind()]
    return torch.nn.Sequential(*parts[:-1])


def batch(task: Task) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.frombuffer(task.inputs(), dtype=torch.float32).view(task.batch, task.sizes[0])
    if task.loss == "mse":
        y = torch.frombuffer(task.targets(), dtype=torch.float32)
        return x, y.view(task.batch, task.sizes[-1])
    return x, torch.frombuffer(task.targets(), dtype=torch.int64)


def loss_of(task: Task) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    return functional.mse_loss if task.loss == "mse" else functional.cross_entropy


def optimizer_of(task: Task, model: torch.nn.Module, fused: bool) -> torch.optim.Optimizer:
    kind = torch.optim.SGD if task.optimizer == "sgd" else torch.optim.Adam
    return kind(model.parameters(), lr=LEARNING_RATE, fused=fused or None)


def loop(step: Callable[[], torch.Tensor]) -> Run:
    def steps(count: int) -> float:
        for _ in range(count):
            loss = step()
        return loss.item()

    return Run(steps)


def _eager(task: Task, threads: int, fused: bool) -> Run:
    torch.set_num_threads(threads)
    model, loss, (x, y) = network(task), loss_of(task), batch(task)
    optimizer = optimizer_of(task, model, fused)

    def step() -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    return loop(step)


def eager(task: Task, threads: int) -> Run:
    return _eager(task, threads, fused=False)


def fused(task: Task, threads: int) -> Run:
    return _eager(task, threads, fused=True)


def compiled(task: Task, threads: int) -> Run:
    """The step as a function of tensors, so that all of it is one graph, updated in place."""
    torch.set_num_threads(threads)
    torch._inductor.config.cpp.threads = threads
    loss, (x, y) = loss_of(task), batch(task)
    squash = torch.tanh if task.activation == "tanh" else torch.relu
    parameters = [parameter.detach() for parameter in network(task).parameters()]

    def value_of(parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        last = len(parameters) - 2
        for k in range(0, last, 2):
            x = squash(functional.linear(x, parameters[k], parameters[k + 1]))
        return loss(functional.linear(x, parameters[last], parameters[last + 1]), y)

    gradient = torch.func.grad_and_value(value_of)

    def sgd(parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        found, value = gradient(parameters, x, y)
        for parameter, slope in zip(parameters, found, strict=True):
            parameter.sub_(LEARNING_RATE * slope)
        return value

    def adam(
        parameters: list[torch.Tensor],
        x: torch.Tensor,
        y: torch.Tensor,
        means: list[torch.Tensor],
        squares: list[torch.Tensor],
        number: torch.Tensor,
    ) -> torch.Tensor:
        found, value = gradient(parameters, x, y)
        number.add_(1)
        rate = LEARNING_RATE / (1 - 0.9**number)
        scale = (1 - 0.999**number).rsqrt()
        for parameter, slope, mean, square in zip(parameters, found, means, squares, strict=True):
            mean.mul_(0.9).add_(slope, alpha=0.1)
            square.mul_(0.999).add_(slope * slope, alpha=0.001)
            parameter.sub_(rate * mean / (square.sqrt() * scale + 1e-8))
        return value

    state: list[object] = [parameters, x, y]
    if task.optimizer == "adam":
        state += [[torch.zeros_like(p) for p in parameters] for _ in range(2)]
        state.append(torch.zeros(()))
    step = torch.compile(sgd if task.optimizer == "sgd" else adam, fullgraph=True)
    return loop(torch.no_grad()(lambda: step(*state)))


def predict_one(task: Task, threads: int) -> Run:
    """From a list of numbers to a number."""
    torch.set_num_threads(threads)
    model = network(task).eval()
    sample = list(task.inputs()[: task.sizes[0]])

    @torch.inference_mode()
    def steps(count: int) -> float:
        for _ in range(count):
            found = model(torch.tensor(sample)).item()
        return found

    return Run(steps)


def predict_many(task: Task, threads: int) -> Run:
    """From a tensor of samples to a tensor."""
    torch.set_num_threads(threads)
    model = network(task).eval()
    x = torch.frombuffer(samples(task), dtype=torch.float32).view(SAMPLES, task.sizes[0])

    @torch.inference_mode()
    def steps(count: int) -> float:
        for _ in range(count):
            found = model(x)
        return found[0].sum().item()

    return Run(steps)
