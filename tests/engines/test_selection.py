import baregrad as bg
from baregrad.engines import selection
from baregrad.engines.array import Array, new


def test_the_engine_says_its_name():
    assert bg.engine() == selection.current().name == "reference"


def test_the_reference_engine_runs_the_forward_rule_with_inputs_and_attributes():
    class Doubling:
        name = "doubling"

        @staticmethod
        def forward(x: Array, times: int) -> Array:
            return new([value * 2 * times for value in x.data], x.shape, x.dtype)

    result = selection.ReferenceEngine().evaluate(
        Doubling(), [new([1, 2], (2,), "int64")], {"times": 3}
    )
    assert result.data.tolist() == [6, 12]


def test_engines_take_turns():
    class Constant(selection.Engine):
        name = "constant"

        def evaluate(self, operation, inputs, attributes):
            return inputs[0]

    with selection.using(Constant()):
        assert bg.engine() == "constant"
        assert (bg.Tensor(1.0) + 1).item() == 1
    assert bg.engine() == "reference"
