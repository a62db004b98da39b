"""ONNX Runtime: predictions only."""

import numpy as np
import onnx
import onnxruntime
from harness.tasks import SAMPLES, Run, Task, samples
from onnx import TensorProto, helper, numpy_helper

VERSION = f"onnxruntime {onnxruntime.__version__}"


def graph(task: Task) -> onnx.ModelProto:
    """The network as Gemm and activation nodes."""
    kind = "Tanh" if task.activation == "tanh" else "Relu"
    nodes, constants = [], []
    for k, ((inputs, outputs), pair) in enumerate(zip(task.layers, task.weights(), strict=True)):
        weight, bias = (np.frombuffer(values, np.float32) for values in pair)
        constants.append(numpy_helper.from_array(weight.reshape(outputs, inputs), f"w{k}"))
        constants.append(numpy_helper.from_array(bias, f"b{k}"))
        nodes.append(helper.make_node("Gemm", [f"x{k}", f"w{k}", f"b{k}"], [f"z{k}"], transB=1))
        nodes.append(helper.make_node(kind, [f"z{k}"], [f"x{k + 1}"]))
    last = nodes[-2].output[0]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["samples", width])
        for name, width in (("x0", task.sizes[0]), (last, task.sizes[-1]))
    ]
    whole = helper.make_graph(nodes[:-1], "mlp", ends[:1], ends[1:], constants)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def session(task: Task, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        graph(task).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def predict_one(task: Task, threads: int) -> Run:
    """From a list of numbers to a number."""
    run = session(task, threads).run
    sample = list(task.inputs()[: task.sizes[0]])

    def steps(count: int) -> float:
        for _ in range(count):
            found = run(None, {"x0": np.array([sample], np.float32)})[0].item()
        return found

    return Run(steps)


def predict_many(task: Task, threads: int) -> Run:
    """From an array of samples to an array."""
    run = session(task, threads).run
    x = np.frombuffer(samples(task), np.float32).reshape(SAMPLES, -1)

    def steps(count: int) -> float:
        for _ in range(count):
            (found,) = run(None, {"x0": x})
        return float(found[0].sum())

    return Run(steps)
