"""Modules find their parameters, name them, save and load them."""

from array import array

import pytest

import baregrad as bg
from baregrad.errors import ArgumentError, DTypeError, GradientError, ModelFileError, ShapeError
from baregrad.nn.layers import BatchNorm1d, Dropout, Linear, Sequential
from baregrad.nn.module import Module
from baregrad.tensor.autograd import topological_order
from baregrad.tensor.tensor import Tensor


class Pair(Module):
    """Two layers, one of them in a list, and a tensor of each kind."""

    def __init__(self):
        self.first = Linear(2, 3, seed=0)
        self.others = [Linear(3, 1, seed=1), "not a module"]
        self.scale = Tensor([2.0], requires_grad=True)
        self.count = Tensor([7.0])

    def forward(self, x):
        return self.others[0](self.first(x)) * self.scale


def test_parameters_are_found_in_attributes_and_lists_with_their_paths():
    model = Pair()
    names = [name for name, _ in model.named_parameters()]
    assert names == ["first.weight", "first.bias", "others.0.weight", "others.0.bias", "scale"]
    assert model.parameters() == [tensor for _, tensor in model.named_parameters()]


def test_parameters_carry_their_path_as_name():
    outer = Sequential(Pair(), Linear(1, 1))
    assert all(tensor.name == path for path, tensor in outer.named_tensors())
    assert outer[0].scale.name == "modules.0.scale"


def test_a_tensor_shared_by_two_modules_is_one_parameter():
    model = Sequential(Linear(2, 2, seed=0), Linear(2, 2, seed=1))
    model[1].weight = model[0].weight
    assert len(model.parameters()) == 3


def test_modules_are_found_with_their_paths():
    model = bg.Sequential(bg.Linear(1, 2), bg.Sequential("relu"))
    paths = ["", "modules.0", "modules.1", "modules.1.modules.0"]
    assert [path for path, _ in model.named_modules()] == paths
    assert dict(model.named_modules())["modules.0"] is model[0]


def test_a_module_is_no_part_of_itself():
    outer, inner = Sequential(Linear(1, 1)), Linear(1, 1)
    outer.parts = {"first": [inner]}
    for value in (outer, [inner, {"all": outer}]):
        with pytest.raises(ArgumentError, match="parent would make this Linear part of itself"):
            inner.parent = value


def test_tensors_that_need_no_gradient_are_saved_but_not_trained():
    model = Pair()
    assert "count" in model.state_dict()
    assert "count" not in dict(model.named_parameters())


def test_a_result_that_forward_keeps_is_no_parameter():
    class Curious(Module):
        def __init__(self):
            self.layer = Linear(2, 1)

        def forward(self, x):
            self.seen = self.layer(x)
            return self.seen

    model = Curious()
    model([1.0, 2.0])
    assert [name for name, _ in model.named_tensors()] == ["layer.weight", "layer.bias"]
    assert model.seen.name is None


def test_parameters_are_found_at_any_depth_of_lists_and_dicts():
    model = Module()
    model.towers = {"left": [Linear(1, 1), (bg.ones(1, requires_grad=True),)], "right": 3}
    names = [name for name, _ in model.named_parameters()]
    assert names == ["towers.left.0.weight", "towers.left.0.bias", "towers.left.1.0"]


def test_a_parameter_is_not_replaced_by_what_nothing_would_train():
    layer = Linear(2, 1)
    for value in (bg.ones(1, 2), layer.weight - 1):
        with pytest.raises(GradientError, match=r"weight of this Linear .* weight\.assign"):
            layer.weight = value
    assert len(layer.parameters()) == 2
    layer.weight = bg.ones(1, 2, requires_grad=True)
    layer.bias = None
    assert layer([2.0, 3.0]).tolist() == [5.0]


def test_a_frozen_parameter_may_be_replaced():
    layer = Linear(2, 1)
    layer.bias.requires_grad = False
    layer.bias = bg.ones(1)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_train_and_eval_reach_every_module():
    model = Sequential(Dropout(0.5), Sequential(BatchNorm1d(2)))
    model.eval()
    assert not model[0].training
    assert not model[1][0].training
    assert model.train()[1][0].training


def test_what_a_module_computes_is_marked_in_the_graph():
    model = Pair()
    y = model([1.0, 2.0])
    assert y.scope == ("Pair",)
    assert y.parents[0].scope == ("Pair", "others.0")


def test_the_data_given_to_a_module_is_outside_of_it():
    model = Linear(2, 1)
    product = model([1.0, 2.0]).parents[0]
    data = topological_order([product])[0]
    assert data.op is None
    assert data.scope == ()


def test_a_saved_state_does_not_follow_further_training():
    model = Linear(2, 1, seed=0)
    saved = model.state_dict()
    before = saved["weight"].tolist()
    model.weight.assign([[5.0, 5.0]])
    assert saved["weight"].tolist() == before
    model.load_state_dict(saved)
    assert model.weight.tolist() == before


def test_loading_converts_to_the_data_type_of_the_model():
    model = Linear(2, 1, dtype="float64")
    model.load_state_dict(Linear(2, 1, seed=3).state_dict())
    assert model.weight.dtype == "float64"
    assert model.weight.tolist() == Linear(2, 1, seed=3).weight.tolist()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s.pop("bias"), ModelFileError, r"missing \['bias'\], not known nothing"),
        (lambda s: s.update(extra=bg.ones(1)), ModelFileError, r"not known \['extra'\]"),
        (lambda s: s.update(bias=None), ModelFileError, r"'bias' is no tensor: data is None"),
        (lambda s: s.update(bias=bg.ones(2)), ShapeError, r"'bias' has shape \(2,\).*\(1,\)"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change, error, message):
    model = Linear(2, 1, seed=0)
    before = model.weight.tolist()
    state = Linear(2, 1, seed=1).state_dict()
    change(state)
    with pytest.raises(error, match=message):
        model.load_state_dict(state)
    assert model.weight.tolist() == before


def test_a_state_may_hold_lists_and_buffers():
    model = Linear(2, 1)
    model.load_state_dict({"weight": [[1, 2]], "bias": array("d", [3.0])})
    assert model.weight.tolist() == [[1.0, 2.0]]
    assert (model.bias.tolist(), model.bias.dtype) == ([3.0], "float32")


def test_a_module_may_take_several_inputs_and_options():
    class Blend(Module):
        def forward(self, x, y, share=0.5):
            return share * x + (1 - share) * y

    blend = Blend()
    assert blend([1.0], bg.Tensor([3.0])).tolist() == [2.0]
    assert blend([1.0], [3.0], share=1).tolist() == [1.0]


def test_a_forward_without_a_return_says_so():
    class Forgetful(Module):
        def forward(self, x):
            x.tanh()

    with pytest.raises(DTypeError, match=r"Forgetful\.forward returned None: a return is missing"):
        Forgetful()([1.0])


def test_summary_lists_modules_shapes_and_counts():
    lines = bg.MLP(3, [4, 1], norm="layer").summary().splitlines()
    assert lines[1].split() == ["layers.0", "Layer", "4×3", "4", "16"]
    assert lines[2].split() == ["layers.0.norm", "LayerNorm", "4", "4", "8"]
    assert lines[-1].split() == ["total", "29"]


def test_summary_of_a_bare_layer_names_the_model_itself():
    assert "the model itself  Linear  1×2 1" in Linear(2, 1).summary()


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module must define forward"):
        Module()([1.0])


def test_repr_shows_the_structure():
    assert repr(bg.MLP(3, [4, 1])) == "MLP(3, [4, 1])"
    assert repr(Pair()) == "Pair(first=Linear(2, 3), others.0=Linear(3, 1))"
    assert repr(Sequential(Linear(2, 1, bias=False), Dropout(0.1), BatchNorm1d(1))) == (
        "Sequential(Linear(2, 1, bias=False), Dropout(0.1), BatchNorm1d(1))"
    )
