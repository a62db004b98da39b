"""scikit-learn: `partial_fit` of its MLP on the batch."""

import numpy as np
import sklearn
from harness.tasks import LEARNING_RATE, SAMPLES, Run, Task, samples
from sklearn.neural_network import MLPClassifier, MLPRegressor

VERSION = f"scikit-learn {sklearn.__version__}"


def estimator(task: Task) -> MLPClassifier | MLPRegressor:
    """Its squared error is half of ours, so its gradient descent has twice the learning rate.

    For two classes it has one output with a logistic function instead of two with a softmax: that
    is less work, and another loss.
    """
    kind = MLPRegressor if task.loss == "mse" else MLPClassifier
    return kind(
        hidden_layer_sizes=task.sizes[1:-1],
        activation=task.activation,
        solver=task.optimizer,
        alpha=0.0,
        batch_size=task.batch,
        learning_rate_init=LEARNING_RATE * (2 if task.optimizer == "sgd" else 1),
        momentum=0.0,
        shuffle=False,
    )


def initial(task: Task) -> tuple[MLPClassifier | MLPRegressor, np.ndarray, np.ndarray]:
    """The model with the task's initial weights, as if it had made no step, and the batch."""
    model = estimator(task)
    x = np.frombuffer(task.inputs(), np.float32).reshape(task.batch, -1)
    if task.loss == "mse":
        y = np.frombuffer(task.targets(), np.float32)
        model.partial_fit(x, y)
    else:
        y = np.frombuffer(task.targets(), np.int64)
        model.partial_fit(x, y, classes=np.arange(task.sizes[-1]))
    for number, (weight, _) in enumerate(task.weights()):
        inputs, outputs = model.coefs_[number].shape
        matrix = np.frombuffer(weight, np.float32)[: inputs * outputs].reshape(outputs, inputs)
        model.coefs_[number] = np.ascontiguousarray(matrix.T)
        model.intercepts_[number] = np.zeros(outputs, np.float32)
    del model._optimizer  # the next step makes a new one
    return model, x, y


def partial_fit(task: Task, threads: int) -> Run:
    model, x, y = initial(task)

    def steps(count: int) -> float:
        for _ in range(count):
            model.partial_fit(x, y)
        return model.loss_ * (2 if task.loss == "mse" else 1)

    return Run(steps)


def predict_one(task: Task, threads: int) -> Run:
    """From a list of numbers to a number."""
    model, _, _ = initial(task)
    sample = list(task.inputs()[: task.sizes[0]])

    def steps(count: int) -> float:
        for _ in range(count):
            found = model.predict(np.array([sample], np.float32)).item()
        return found

    return Run(steps)


def predict_many(task: Task, threads: int) -> Run:
    """From an array of samples to an array."""
    model, _, _ = initial(task)
    x = np.frombuffer(samples(task), np.float32).reshape(SAMPLES, -1)

    def steps(count: int) -> float:
        for _ in range(count):
            found = model.predict(x)
        return float(found[0])

    return Run(steps)
