"""ONNX Runtime: a model of one Gemm node, both factors being its inputs."""

import numpy as np
import onnxruntime
from harness.tasks import Run
from onnx import TensorProto, helper

from contenders.products.product import Product, read_task

__all__ = ["VERSION", "multiply", "read_task"]
VERSION = f"onnxruntime {onnxruntime.__version__}"


def model(product: Product) -> bytes:
    """The file of the model."""
    transposed = {f"trans{x}": int(f == "T") for x, f in zip("AB", product.form, strict=True)}
    node = helper.make_node("Gemm", ["a", "b"], ["c"], **transposed)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in zip("ab", product.shapes, strict=True)
    ]
    output = helper.make_tensor_value_info("c", TensorProto.FLOAT, (product.rows, product.columns))
    graph = helper.make_graph([node], "product", inputs, [output])
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()


def multiply(product: Product, threads: int) -> Run:
    """With inputs and output bound to memory made once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model(product), options, providers=["CPUExecutionProvider"]
    )
    binding = session.io_binding()
    kept = []
    for name, x, shape in zip("ab", product.factors(), product.shapes, strict=True):
        kept.append(
            onnxruntime.OrtValue.ortvalue_from_numpy(np.array(x, np.float32).reshape(shape))
        )
        binding.bind_ortvalue_input(name, kept[-1])
    result = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
        (product.rows, product.columns), np.float32
    )
    binding.bind_ortvalue_output("c", result)

    def steps(count: int) -> float:
        for _ in range(count):
            session.run_with_iobinding(binding)
        return float(result.numpy()[0, 0])

    return Run(steps)
