"""What all optimizers do: groups, options, steps, and states that can be saved."""

import math

import pytest

import baregrad as bg
from baregrad import (
    ArgumentError,
    DTypeError,
    GradientError,
    ModelFileError,
    Tensor,
    no_grad,
    zeros,
)
from baregrad.optim.adam import Adam, AdamW
from baregrad.optim.adaptive import Adagrad, RMSprop
from baregrad.optim.lbfgs import LBFGS
from baregrad.optim.named import OPTIMIZERS, optimizer_named
from baregrad.optim.optimizer import Optimizer
from baregrad.optim.sgd import SGD

FIRST_ORDER = [SGD, RMSprop, Adagrad, Adam, AdamW]


def parameter(*values, dtype="float32"):
    return Tensor(list(values), dtype, requires_grad=True)


def descend(optimizer, *parameters):
    """One step on Σ (θ - 3)²."""
    optimizer.zero_grad()
    for p in parameters:
        ((p - 3) ** 2).sum().backward()
    optimizer.step()


# --- of one's own ---------------------------------------------------------------------------------


class Descent(Optimizer):
    """The least there is to an optimizer."""

    def __init__(self, parameters, lr=0.1):
        super().__init__(parameters, lr=lr)

    @staticmethod
    def rule(parameter, gradient, state, lr):
        return parameter - lr * gradient, {}


class Smoothed(Descent):
    """One that remembers something."""

    @staticmethod
    def buffers(**options):
        return {"mean": 0.0}

    @staticmethod
    def rule(parameter, gradient, state, lr):
        mean = 0.5 * state["mean"] + 0.5 * gradient
        return parameter - lr * mean, {"mean": mean}


@pytest.mark.parametrize(("kind", "expected"), [(Descent, [1.4, 1.72]), (Smoothed, [1.2, 1.48])])
@pytest.mark.parametrize("compiled", [False, True])
def test_an_optimizer_of_ones_own_is_its_rule(kind, expected, compiled):
    p = parameter(1.0)
    optimizer = kind([p])

    def step():
        descend(optimizer, p)

    run = bg.compile(step) if compiled else step
    found = []
    for _ in expected:
        run()
        found.append(p.item())
    assert found == pytest.approx(expected, rel=1e-6)


def test_an_optimizer_without_a_rule_or_a_learning_rate_says_so():
    with pytest.raises(ArgumentError, match="Optimizer has no learning rate"):
        Optimizer([parameter(1.0)])
    p = parameter(1.0)
    with pytest.raises(NotImplementedError, match="must define rule"):
        descend(Optimizer([p], lr=0.1), p)


def test_the_repr_shows_the_options_of_each_group():
    first, second = parameter(1.0), parameter(2.0)
    optimizer = SGD([{"parameters": [first], "lr": 0.5}, {"parameters": [second]}], momentum=0.9)
    rest = "momentum=0.9, dampening=0.0, weight_decay=0.0, nesterov=False"
    assert repr(optimizer) == f"SGD(1 parameters, lr=0.5, {rest}; 1 parameters, lr=0.001, {rest})"


# --- steps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FIRST_ORDER)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_keeps_the_data_type_and_records_no_graph(kind, dtype):
    p = parameter(1.0, 2.0, dtype=dtype)
    optimizer = kind([p])
    descend(optimizer, p)
    assert p.dtype == dtype
    assert p.op is None
    assert p.requires_grad
    assert p.tolist() != [1.0, 2.0]
    for name, tensor in optimizer.state[p].items():
        if name != "step":
            assert (tensor.op, tensor.dtype, tensor.requires_grad) == (None, dtype, False)


@pytest.mark.parametrize("kind", FIRST_ORDER)
def test_the_rule_is_pure(kind):
    p = parameter(1.0, 2.0)
    optimizer = kind([p])
    descend(optimizer, p)
    group = optimizer.groups[0]
    options = {name: value for name, value in group.items() if name != "parameters"}
    state = optimizer.state[p] | {"step": 2}
    before = dict(state)
    with no_grad():
        first = optimizer.rule(p, p.grad, state, **options)
        second = optimizer.rule(p, p.grad, state, **options)
    assert first[0].tolist() == second[0].tolist()
    assert first[1].keys() == optimizer.buffers(**options).keys()
    assert state == before


def test_parameters_without_a_gradient_stay():
    used, unused = parameter(1.0), parameter(1.0)
    optimizer = SGD([used, unused], lr=0.5, momentum=0.5)
    descend(optimizer, used)
    assert (used.item(), unused.item()) == (3.0, 1.0)
    assert unused not in optimizer.state


def test_a_step_without_any_gradient_is_refused():
    with pytest.raises(GradientError, match=r"call loss.backward\(\) before"):
        SGD([parameter(1.0)]).step()


def test_zero_grad_forgets_gradients():
    p = parameter(1.0)
    p.sum().backward()
    SGD([p]).zero_grad()
    assert p.grad is None


def test_a_closure_is_called_once_and_its_loss_returned():
    p = parameter(1.0)
    optimizer = SGD([p], lr=0.25)
    calls = []

    def closure():
        calls.append(p.item())
        optimizer.zero_grad()
        loss = ((p - 3) ** 2).sum()
        loss.backward()
        return loss

    with no_grad():  # the closure records a graph nevertheless
        assert optimizer.step(closure).item() == 4
    assert calls == [1.0]
    assert p.item() == 2.0


def test_a_graph_made_before_the_step_cannot_be_used_after():
    p = parameter(1.0)
    loss = (p * p).sum()
    p.grad = zeros(1)
    SGD([p]).step()
    with pytest.raises(GradientError, match="was assigned a new value"):
        loss.backward()


def test_an_option_can_be_changed_between_steps():
    p = parameter(1.0)
    optimizer = SGD([p], lr=0.25)
    descend(optimizer, p)
    optimizer.groups[0]["momentum"] = 0.5
    descend(optimizer, p)
    assert p.item() == 2.5
    assert optimizer.state[p]["velocity"].tolist() == [-2.0]


def test_lr_is_that_of_the_first_group_and_sets_all():
    optimizer = SGD([{"parameters": [parameter(1.0)], "lr": 0.1}, {"parameters": [parameter(2.0)]}])
    assert optimizer.lr == 0.1
    optimizer.lr = 0.02
    assert [group["lr"] for group in optimizer.groups] == [0.02, 0.02]
    with pytest.raises(ArgumentError, match="lr must be a number"):
        optimizer.lr = -1


def test_centred_rmsprop_survives_a_constant_gradient():
    p = parameter(0.1)
    optimizer = RMSprop([p], alpha=0.5, centered=True)
    for _ in range(200):  # the variance is 0 by then, and by rounding could be less
        p.grad = Tensor([0.1])
        optimizer.step()
    assert math.isfinite(p.item())


# --- what is refused ----------------------------------------------------------------------------


def test_no_parameters_are_refused():
    with pytest.raises(ArgumentError, match="at least one parameter, and the list is empty"):
        SGD([])


@pytest.mark.parametrize("wrong", [parameter(1.0), 3, None])
def test_what_is_no_list_is_refused(wrong):
    with pytest.raises(DTypeError, match=r"needs a list of tensors, such as model.parameters\(\)"):
        SGD(wrong)


def test_what_is_no_tensor_is_refused():
    with pytest.raises(DTypeError, match="parameter 1 is 'w', not a tensor"):
        SGD([parameter(1.0), "w"])


def test_a_tensor_that_requires_no_gradient_is_refused():
    with pytest.raises(GradientError, match=r"parameter 0, .*has requires_grad=False"):
        SGD([zeros(2)])


def test_the_result_of_an_operation_is_refused():
    with pytest.raises(GradientError, match=r"parameter 0 .*multiply.*only leaves"):
        SGD([parameter(1.0) * 2])


def test_a_parameter_listed_twice_is_refused():
    p = parameter(1.0)
    p.name = "weight"
    with pytest.raises(ArgumentError, match="parameter 1, 'weight', is listed before"):
        SGD([p, p])
    with pytest.raises(ArgumentError, match="is listed before"):
        SGD([{"parameters": [p]}, {"parameters": [p]}])


def test_an_unknown_option_of_a_group_is_refused():
    with pytest.raises(ArgumentError, match=r"group 0.*'momentun'; did you mean 'momentum'"):
        SGD([{"parameters": [parameter(1.0)], "momentun": 0.9}])


def test_a_group_that_is_no_dict_is_refused():
    with pytest.raises(ArgumentError, match='group 1 must be a dict with a list "parameters"'):
        SGD([{"parameters": [parameter(1.0)]}, parameter(1.0)])


@pytest.mark.parametrize(
    ("group", "found"),
    [({"params": [parameter(1.0)], "lr": 0.1}, "'params', 'lr'"), ({}, "nothing")],
)
def test_a_group_without_parameters_is_refused_by_its_keys(group, found):
    with pytest.raises(ArgumentError, match=f'tensors as "parameters", and has only {found}$'):
        SGD([{"parameters": [parameter(1.0)]}, group])


def test_the_parameters_of_a_group_must_be_a_list():
    with pytest.raises(DTypeError, match=r"group 0 needs a list of tensors, .* a single int"):
        SGD([{"parameters": 5}])


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (SGD, {"lr": -0.1}, "lr must be a number of at least 0 and finite, not -0.1"),
        (SGD, {"lr": math.nan}, "lr must be"),
        (SGD, {"lr": math.inf}, "lr must be"),
        (SGD, {"lr": "fast"}, "lr must be a number.* not 'fast'"),
        (SGD, {"lr": True}, "lr must be a number"),
        (SGD, {"momentum": 1.0}, "momentum must be a number of at least 0 and below 1, not 1.0"),
        (SGD, {"momentum": -0.5}, "momentum must be"),
        (SGD, {"dampening": 1.5}, "dampening must be"),
        (SGD, {"weight_decay": -1}, "weight_decay must be"),
        (SGD, {"nesterov": 1}, "nesterov must be True or False, not 1"),
        (SGD, {"nesterov": True}, "nesterov needs momentum above 0"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "and no dampening"),
        (Adam, {"betas": (0.9, 1.0)}, "each of betas must be a number.*not 1.0"),
        (Adam, {"betas": 0.9}, "betas must be two numbers, not 0.9"),
        (Adam, {"betas": (0.9,)}, "betas must be two numbers"),
        (Adam, {"eps": -1e-8}, "eps must be"),
        (AdamW, {"amsgrad": None}, "amsgrad must be True or False"),
        (RMSprop, {"alpha": 1}, "alpha must be"),
        (RMSprop, {"centered": 0}, "centered must be True or False"),
        (Adagrad, {"lr_decay": -1}, "lr_decay must be"),
        (Adagrad, {"initial_accumulator_value": -1}, "initial_accumulator_value must be"),
        (LBFGS, {"max_iter": 0}, "max_iter must be an integer of at least 1, not 0"),
        (LBFGS, {"max_iter": "a"}, "max_iter must be an integer of at least 1, not 'a'"),
        (LBFGS, {"history_size": 2.5}, "history_size must be an integer"),
        (LBFGS, {"max_eval": -1}, "max_eval must be an integer"),
        (LBFGS, {"tolerance_grad": -1}, "tolerance_grad must be"),
        (LBFGS, {"line_search_fn": "wolfe"}, "unknown line search 'wolfe'"),
    ],
)
def test_an_option_out_of_range_is_refused(kind, options, message):
    with pytest.raises(ArgumentError, match=message):
        kind([parameter(1.0)], **options)


def test_the_options_of_a_group_are_checked_too():
    with pytest.raises(ArgumentError, match="lr must be"):
        SGD([{"parameters": [parameter(1.0)], "lr": -1}])


# --- states -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SGD, {"momentum": 0.9}),
        (SGD, {}),
        (RMSprop, {"centered": True, "momentum": 0.5}),
        (Adagrad, {"lr_decay": 0.1}),
        (Adam, {"amsgrad": True, "betas": (0.8, 0.9)}),
        (AdamW, {}),
    ],
)
def test_training_goes_on_from_a_saved_state_as_if_uninterrupted(kind, options):
    p, unused = parameter(1.0, -2.0), parameter(0.0)
    optimizer = kind([p, unused], **options)
    for _ in range(3):
        descend(optimizer, p)
    saved, copy = optimizer.state_dict(), parameter(*p.tolist())
    for _ in range(3):
        descend(optimizer, p)
    other = kind([copy, parameter(0.0)], lr=0.7)
    other.load_state_dict(saved)
    assert other.groups[0]["lr"] == optimizer.groups[0]["lr"]
    for _ in range(3):
        descend(other, copy)
    assert copy.tolist() == p.tolist()


def test_a_state_is_numbers_strings_lists_and_tensors():
    p = parameter(1.0)
    optimizer = Adam([{"parameters": [p], "lr": 0.5}, {"parameters": [parameter(2.0)]}])
    descend(optimizer, p)
    state = optimizer.state_dict()
    assert state["optimizer"] == "Adam"
    assert [group["parameters"] for group in state["groups"]] == [[0], [1]]
    assert [group["lr"] for group in state["groups"]] == [0.5, 1e-3]
    assert state["groups"][0]["betas"] == [0.9, 0.999]
    assert state["state"][0].keys() == {"step", "mean", "square"}
    assert state["state"][1] == {}


def test_later_steps_do_not_change_a_saved_state_nor_one_that_was_loaded():
    p = parameter(1.0, -2.0)
    optimizer, other = Adam([p]), Adam([parameter(0.0, 0.0)])
    descend(optimizer, p)
    saved = optimizer.state_dict()
    before = plain(saved)
    other.load_state_dict(saved)
    descend(optimizer, p)
    descend(other, *other.parameters())
    assert plain(saved) == before


def plain(value):
    """A state with lists in place of tensors."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.tolist() if isinstance(value, Tensor) else value


def saved_state():
    p = parameter(1.0, 2.0)
    optimizer = Adam([p, parameter(0.0)])
    descend(optimizer, p)
    return optimizer.state_dict()


def damaged(change):
    state = saved_state()
    change(state)
    return state


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (None, "must have keys"),
        ({}, "must have keys"),
        (damaged(lambda s: s.update(optimizer="SGD")), "an Adam's state"),
        (damaged(lambda s: s.update(groups=3)), "as many groups"),
        (damaged(lambda s: s["groups"].append({})), "as many groups"),
        (damaged(lambda s: s["state"].pop()), "as many states"),
        (damaged(lambda s: s["groups"][0].pop("eps")), r"options \["),
        (damaged(lambda s: s.update(groups=[7])), r"options \["),
        (damaged(lambda s: s["groups"][0].update(parameters=[1, 0])), r"parameters \[0, 1\]"),
        (damaged(lambda s: s["groups"][0].update(lr=-1)), "damaged: lr must be"),
        (damaged(lambda s: s["groups"][0].update(betas=3)), "damaged: betas must be"),
        (damaged(lambda s: s["state"].insert(0, s["state"].pop())), "'mean' of shape and dtype"),
        (damaged(lambda s: s.update(state=[1, 2])), "a dict for each parameter"),
        (damaged(lambda s: s["state"][0].pop("square")), r"\['step', 'mean', 'square'\] for"),
        (damaged(lambda s: s["state"][0].update(step=0)), "a step of at least 1"),
        (damaged(lambda s: s["state"][0].update(step=1.5)), "a step of at least 1"),
        (damaged(lambda s: s["state"][0].update(mean=zeros(3))), "'mean' of shape and dtype"),
        (
            damaged(lambda s: s["state"][0].update(mean=zeros(2, dtype="float64"))),
            "'mean' of shape and dtype",
        ),
        (damaged(lambda s: s["state"][0].update(square=[1, 2])), "'square' of shape and dtype"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_changes(state, message):
    p = parameter(1.0, 2.0)
    optimizer = Adam([p, parameter(0.0)], lr=0.5)
    descend(optimizer, p)
    before = plain(optimizer.state_dict())
    with pytest.raises(ModelFileError, match=message):
        optimizer.load_state_dict(state)
    assert plain(optimizer.state_dict()) == before


# --- names --------------------------------------------------------------------------------------


def test_optimizers_have_names():
    assert all(optimizer_named(name) is kind for name, kind in OPTIMIZERS.items())
    assert optimizer_named(Adam) is Adam


def test_an_unknown_optimizer_is_refused_with_the_nearest_name():
    with pytest.raises(ArgumentError, match="unknown optimizer 'adamm'; did you mean 'adam"):
        optimizer_named("adamm")
