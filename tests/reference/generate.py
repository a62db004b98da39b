"""Writes the figures that losses, optimizers and schedules are compared with.

They were made with PyTorch 2.13.0 on a CPU, in float64. To make them again, from the root of the
repository, with torch installed:

    python tests/reference/generate.py

The tests themselves read the JSON files beside this script, and need no PyTorch.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as f

HERE = Path(__file__).parent
F64 = torch.float64


def tensor(data):
    return torch.tensor(data, dtype=F64)


# --- losses -------------------------------------------------------------------------------------

PREDICTION = [[0.5, -1.25, 2.0], [3.0, 0.1, -0.7], [-2.2, 1.6, 0.0], [40.0, -35.0, 1.5]]
VALUES = [[1.0, -1.0, 0.5], [0.25, 0.1, -3.0], [-2.0, 4.5, 1.0], [39.0, -30.0, 1.25]]
COUNTS = [[0, 1, 5], [2, 0, 1], [3, 1, 0], [0, 0, 2]]
ANSWERS = [[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 1]]
CHANCES = [[0.9, 0.2, 1.0], [0.0, 0.5, 0.3], [1.0, 0.7, 0.1], [0.4, 0.0, 0.8]]
CLASSES = [2, 0, 1, 1]
DISTRIBUTIONS = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.25, 0.5, 0.25], [0.0, 0.9, 0.1]]
SAMPLE_WEIGHT = [1.0, 0.5, 0.0, 2.0]
CLASS_WEIGHT = [0.5, 2.0, 1.25]
COLUMN_WEIGHT = [[1.0, 1.0, 1.0], [3.0, 0.25, 2.0]]


def pinball(p, t, reduction, quantile=0.5):
    """PyTorch has no such loss; its gradient is PyTorch's."""
    losses = torch.maximum(quantile * (t - p), (quantile - 1) * (t - p))
    return {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[reduction]


def poisson(p, t, reduction):
    return f.poisson_nll_loss(p, t, log_input=True, full=False, reduction=reduction)


def binary(p, t, reduction, pos_weight=None, smoothing=0.0):
    weight = None if pos_weight is None else tensor(pos_weight)
    t = (1 - smoothing) * t + smoothing / 2
    return f.binary_cross_entropy_with_logits(p, t, pos_weight=weight, reduction=reduction)


def several(p, t, reduction, weight=None, smoothing=0.0):
    weight = None if weight is None else tensor(weight)
    return f.cross_entropy(p, t, weight=weight, reduction=reduction, label_smoothing=smoothing)


def loss_cases():
    """(the loss's name, its options, the target, the same in PyTorch)."""
    yield "mse", {}, VALUES, lambda p, t, r: f.mse_loss(p, t, reduction=r)
    yield "mae", {}, VALUES, lambda p, t, r: f.l1_loss(p, t, reduction=r)
    for delta in (1.0, 0.3, 4.0):
        yield (
            "huber",
            {"delta": delta},
            VALUES,
            lambda p, t, r, delta=delta: f.huber_loss(p, t, reduction=r, delta=delta),
        )
    for q in (0.5, 0.1, 0.95):
        yield "quantile", {"quantile": q}, VALUES, lambda p, t, r, q=q: pinball(p, t, r, q)
    yield "poisson", {}, COUNTS, poisson
    for target in (ANSWERS, CHANCES):
        yield "binary_cross_entropy", {}, target, binary
        yield (
            "binary_cross_entropy",
            {"class_weight": COLUMN_WEIGHT},
            target,
            lambda p, t, r: binary(p, t, r, COLUMN_WEIGHT[1]),
        )
        yield (
            "binary_cross_entropy",
            {"class_weight": [1.0, 2.5], "label_smoothing": 0.2},
            target,
            lambda p, t, r: binary(p, t, r, 2.5, 0.2),
        )
    for target in (CLASSES, DISTRIBUTIONS):
        for weight in (None, CLASS_WEIGHT):
            for smoothing in (0.0, 0.15):
                options = {"label_smoothing": smoothing}
                if weight:
                    options["class_weight"] = weight
                yield (
                    "cross_entropy",
                    options,
                    target,
                    lambda p, t, r, w=weight, s=smoothing: several(p, t, r, w, s),
                )


def figures(function, target, reduction):
    """The value, and the gradient of its sum."""
    p = tensor(PREDICTION).requires_grad_()
    value = function(p, target, reduction)
    value.sum().backward()
    return {"value": value.tolist(), "gradient": p.grad.tolist()}


def weighted_mean(function, p, target):
    """By its definition, from the losses of the samples."""
    losses = function(p, target, "none")
    weight = tensor(SAMPLE_WEIGHT).reshape(-1, *[1] * (losses.ndim - 1)).expand(losses.shape)
    return (weight * losses).sum() / weight.sum()


def losses():
    cases = []
    for name, options, target, function in loss_cases():
        numbers = torch.tensor(target, dtype=torch.int64 if target is CLASSES else F64)
        case = {"loss": name, "options": options, "prediction": PREDICTION, "target": target}
        for reduction in ("mean", "sum", "none"):
            case[reduction] = figures(function, numbers, reduction)
        if not ("class_weight" in options and target is CLASSES):  # there, the divisor differs
            case["sample_weight"] = SAMPLE_WEIGHT
            case["weighted"] = figures(
                lambda p, t, r, function=function: weighted_mean(function, p, t), numbers, "mean"
            )
        cases.append(case)
    return cases


# --- optimizers ---------------------------------------------------------------------------------

X = [[0.5, -1.0], [1.5, 0.3], [-0.7, 0.8], [0.1, 1.2], [-1.4, -0.6]]
Y = [[0.3, -0.2], [0.9, 0.4], [-0.8, 0.1], [0.2, 0.7], [-0.5, -0.9]]
WEIGHT = [[0.4, -0.3], [0.2, 0.9]]
BIAS = [0.1, -0.2]
STEPS = 20

OPTIMIZERS = {
    "sgd": [
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.05},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05},
        {"lr": 0.1, "momentum": 0.8, "nesterov": True},
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {},
    ],
    "rmsprop": [
        {},
        {"lr": 0.02, "alpha": 0.9, "eps": 1e-4},
        {"weight_decay": 0.1},
        {"momentum": 0.7},
        {"centered": True},
        {"centered": True, "momentum": 0.5, "weight_decay": 0.05, "alpha": 0.8},
    ],
    "adagrad": [
        {},
        {"lr": 0.1, "lr_decay": 0.2},
        {"weight_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-5},
    ],
    "adam": [
        {},
        {"lr": 0.1},
        {"lr": 0.05, "betas": [0.7, 0.9], "eps": 1e-3},
        {"lr": 0.05, "weight_decay": 0.1},
        {"lr": 0.3, "amsgrad": True, "betas": [0.5, 0.6]},
    ],
    "adamw": [
        {},
        {"lr": 0.1, "weight_decay": 0.2},
        {"lr": 0.3, "amsgrad": True, "betas": [0.5, 0.6]},
        {"lr": 0.05, "weight_decay": 0.0},
    ],
}
CLASSES_OF = {
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def one_layer():
    weight, bias = tensor(WEIGHT).requires_grad_(), tensor(BIAS).requires_grad_()

    def loss():
        return ((torch.tanh(tensor(X) @ weight.T + bias) - tensor(Y)) ** 2).mean()

    return weight, bias, loss


def run(optimizer, weight, bias, loss):
    """The parameters after each of 20 steps."""
    path = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        path.append([*weight.flatten().tolist(), *bias.tolist()])
    return path


def first_order():
    cases = []
    for name, settings in OPTIMIZERS.items():
        for options in settings:
            weight, bias, loss = one_layer()
            optimizer = CLASSES_OF[name]([weight, bias], **options)
            path = run(optimizer, weight, bias, loss)
            cases.append({"optimizer": name, "options": options, "path": path})
    return cases


def groups():
    """One group with an own learning rate and decay, one without."""
    weight, bias, loss = one_layer()
    optimizer = torch.optim.SGD(
        [{"params": [weight], "lr": 0.02, "weight_decay": 0.1}, {"params": [bias]}],
        lr=0.2,
        momentum=0.5,
    )
    return run(optimizer, weight, bias, loss)


LBFGS = [
    {"max_iter": 2, "lr": 0.5},
    {"max_iter": 4, "lr": 0.1, "history_size": 3},
    {"max_iter": 1, "line_search_fn": "strong_wolfe"},
    {"max_iter": 3, "line_search_fn": "strong_wolfe", "history_size": 2},
    {"max_iter": 4, "line_search_fn": "strong_wolfe", "max_eval": 4},
    {"max_iter": 2, "line_search_fn": "strong_wolfe", "lr": 8.0, "max_eval": 30},
    {"max_iter": 2, "line_search_fn": "strong_wolfe", "lr": 0.01, "max_eval": 30},
]


def lbfgs():
    cases = []
    for options in LBFGS:
        weight, bias, loss = one_layer()
        optimizer = torch.optim.LBFGS([weight, bias], **options)

        def closure(loss=loss, optimizer=optimizer):
            optimizer.zero_grad()
            value = loss()
            value.backward()
            return value

        path = []
        losses = []
        for _ in range(STEPS):
            losses.append(optimizer.step(closure).item())
            path.append([*weight.flatten().tolist(), *bias.tolist()])
        evaluations = optimizer.state[weight]["func_evals"]
        cases.append(
            {"options": options, "path": path, "losses": losses, "evaluations": evaluations}
        )
    return cases


def optimizers():
    return {
        "x": X,
        "y": Y,
        "weight": WEIGHT,
        "bias": BIAS,
        "first_order": first_order(),
        "groups": groups(),
        "lbfgs": lbfgs(),
    }


# --- clipping -----------------------------------------------------------------------------------


def clipping():
    """Gradients of two parameters, clipped in several ways."""
    gradients = [[[0.5, -3.0], [2.0, 0.1]], [1.5, -0.25]]
    cases = []
    for norm_type in (2.0, 1.0, 3.5, float("inf")):
        for max_norm in (1.0, 100.0):
            parameters = [tensor(g).requires_grad_() for g in gradients]
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = tensor(gradient)
            norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm, norm_type)
            cases.append(
                {
                    "norm_type": str(norm_type),
                    "max_norm": max_norm,
                    "norm": norm.item(),
                    "clipped": [p.grad.tolist() for p in parameters],
                }
            )
    return {"gradients": gradients, "cases": cases}


# --- schedules ----------------------------------------------------------------------------------

METRICS = [5.0, 4.0, 4.1, 3.9999, 4.2, 4.0, 3.0, 3.1, 3.2, 3.3, 3.4, 3.5, 2.0, 2.1, 2.2, 2.3, 2.4]


def rates(make, steps, metrics=None, lr=0.3):
    """The learning rate at each step, from 0."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    schedule = make(optimizer)
    found = [optimizer.param_groups[0]["lr"]]
    for step in range(steps):
        optimizer.step()
        schedule.step(*([] if metrics is None else [metrics[step]]))
        found.append(optimizer.param_groups[0]["lr"])
    return found


def warmed_cosine(optimizer, steps, warmup, minimum):
    s = torch.optim.lr_scheduler
    rise = s.LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
    fall = s.CosineAnnealingLR(optimizer, steps - warmup, minimum)
    return s.SequentialLR(optimizer, [rise, fall], [warmup])


def schedules():
    s = torch.optim.lr_scheduler
    cases = []

    def add(name, arguments, make, steps, metrics=None):
        found = rates(make, steps, metrics)
        cases.append({"schedule": name, "arguments": arguments, "metrics": metrics, "rates": found})

    add("step_decay", {"every": 3, "factor": 0.5}, lambda o: s.StepLR(o, 3, 0.5), 12)
    add("step_decay", {"every": 4}, lambda o: s.StepLR(o, 4), 12)
    add("exponential", {"factor": 0.9}, lambda o: s.ExponentialLR(o, 0.9), 12)
    add("cosine", {"steps": 10}, lambda o: s.CosineAnnealingLR(o, 10), 10)
    add(
        "cosine",
        {"steps": 10, "minimum": 0.05},
        lambda o: s.CosineAnnealingLR(o, 10, 0.05),
        10,
    )
    add(
        "cosine",
        {"steps": 12, "warmup": 4, "minimum": 0.01},
        lambda o: warmed_cosine(o, 12, 4, 0.01),
        12,
    )
    add("one_cycle", {"steps": 20}, lambda o: s.OneCycleLR(o, 0.3, 20), 19)
    add(
        "one_cycle",
        {"steps": 15, "rise": 0.4, "start": 10.0, "end": 100.0},
        lambda o: s.OneCycleLR(o, 0.3, 15, pct_start=0.4, div_factor=10.0, final_div_factor=100.0),
        14,
    )
    for arguments in (
        {"patience": 1},
        {"patience": 0, "factor": 0.5, "cooldown": 2},
        {"patience": 2, "factor": 0.2, "threshold": 0.3, "min_lr": 0.05},
    ):
        add(
            "plateau",
            arguments,
            lambda o, arguments=arguments: s.ReduceLROnPlateau(o, **arguments),
            len(METRICS),
            METRICS,
        )
    rising = [-metric + 6 for metric in METRICS]
    add(
        "plateau",
        {"patience": 1, "mode": "max"},
        lambda o: s.ReduceLROnPlateau(o, mode="max", patience=1),
        len(METRICS),
        rising,
    )
    return cases


if __name__ == "__main__":
    for name, make in (
        ("losses", losses),
        ("optimizers", optimizers),
        ("clipping", clipping),
        ("schedules", schedules),
    ):
        text = json.dumps(make(), indent=None, separators=(",", ":"))
        (HERE / f"{name}.json").write_text(text + "\n")
