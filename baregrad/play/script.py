"""The Python code that makes and trains the network of a playground."""

from __future__ import annotations

from baregrad.data.table import Table
from baregrad.optim.named import OPTIMIZERS
from baregrad.play.problem import MOST_ROWS, TARGET, TEST, Problem
from baregrad.play.settings import CSV, DRAWN, Settings
from baregrad.play.trainer import Trainer

EPOCHS = 100  # if training has not begun
_WITH_COMPANY = """\
counts = Counter(table[{0!r}])  # a class of one row cannot be in both parts
table = table.take([i for i, label in enumerate(table[{0!r}]) if counts[label] > 1])"""


def script(settings: Settings, problem: Problem, trainer: Trainer, table: Table | None) -> str:
    """The code; it trains to the end of the present epoch.

    Args:
        settings: those of the playground.
        problem: what is learned.
        trainer: by whom.
        table: that was loaded, if one was.
    """
    seed, target = settings.seed, settings.target if settings.data == CSV else TARGET
    epochs = -(-trainer.step // trainer.steps_per_epoch) or EPOCHS
    task, schedule = problem.preprocessor.task, "schedule=rate, " if len(trainer.rates) > 1 else ""
    stratified = f", stratify=table[{target!r}]" if task == "classification" else ""
    lines = [
        '"""The network of a baregrad playground, trained anew."""\n',
        *(["from collections import Counter\n"] if problem.single else []),
        "import baregrad as bg\n",
        *_data(settings, table),
        *(_WITH_COMPANY.format(target) if problem.single else "").splitlines(),
        f"train, test = bg.train_test_split(table, test_size={TEST}, seed={seed}{stratified})",
        f"preprocessor = bg.Preprocessor.fit(train, {target!r}, {task!r})",
        "x, y = preprocessor.transform(train), preprocessor.target(train)",
        "x_test, y_test = preprocessor.transform(test), preprocessor.target(test)",
        *_targets(problem, trainer.loss),
        "",
        "model = bg.MLP(",
        f"    {problem.preprocessor.inputs},",
        f"    {[*settings.hidden, problem.outputs(trainer.loss)]},",
        f"    activation={list(settings.activations)},",
        f"    dropout={settings.dropout},",
        f"    seed={seed},",
        ")",
        f"optimizer = bg.{OPTIMIZERS[settings.optimizer].__name__}(",
        "    model.parameters(),",
        f"    lr={trainer.rates[0][1]},",
        *(f"    {name}={value!r}," for name, value in settings.options.items()),
        ")",
        *_rates(trainer),
        "history = bg.fit(",
        f"    model, x, y, {trainer.loss!r}, optimizer, epochs={epochs},",
        f"    batch_size={trainer.batch}, {schedule}validation_data=(x_test, y_test),",
        f"    seed={seed}, verbose=True",
        ")",
        'bg.save_model("playground.safetensors", model, preprocessor)',
        "print(f\"loss in the test: {history['val_loss'][-1]:.4f}\")",
    ]
    return "\n".join(lines) + "\n"


def _data(settings: Settings, table: Table | None) -> list[str]:
    if settings.data == CSV and table is not None:
        few = f"[i * len(table) // {MOST_ROWS} for i in range({MOST_ROWS})]"
        return [
            f"table = bg.read_table({table.source!r})",
            *([f"table = table.take({few})"] if len(table) == MOST_ROWS else []),
            f"table = table.drop_missing({settings.target!r})",
        ]
    if settings.data == DRAWN:
        points = "\n".join(f"    {point}," for point in settings.points)
        return [
            f"points = [\n{points}\n]",
            "x1, x2, classes = zip(*points)",
            f'names = [f"class {{c + 1}}" for c in classes]\n'
            f'table = bg.Table({{"x1": x1, "x2": x2, {TARGET!r}: names}})',
        ]
    return [
        f"data = bg.dataset_named({settings.data!r}, {settings.samples}, "
        f"noise={settings.noise}, seed={settings.seed})",
        "columns = dict(zip(data.features, zip(*data.x.tolist())))",
        f"table = bg.Table({{**columns, {TARGET!r}: data.y.flatten().tolist()}})",
    ]


def _targets(problem: Problem, loss: str) -> list[str]:
    """The lines that do what `Problem.for_loss` does."""
    classes = len(problem.preprocessor.classes)
    if not classes or loss == "cross_entropy":
        return []
    if classes > 2:
        change = f"t.one_hot({classes})"
    else:
        column = 't.reshape(-1, 1).astype("float32")'
        change = column if loss == "binary_cross_entropy" else f"2 * {column} - 1"
    return [f"y, y_test = ({change} for t in (y, y_test))"]


def _rates(trainer: Trainer) -> list[str]:
    if len(trainer.rates) == 1:
        return []
    return [
        "\n",
        "def rate(step, lr):",
        '    """The learning rate, as it was changed in the playground."""',
        f"    rates = {trainer.rates}",
        "    return [rate for first, rate in rates if first <= step][-1]\n\n",
    ]
