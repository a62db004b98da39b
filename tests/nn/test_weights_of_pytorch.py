"""Weights go to PyTorch and come from there, as docs/coming_from.md says."""

import pytest

import baregrad as bg

torch = pytest.importorskip("torch")

X = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]


@pytest.fixture
def theirs():
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))


@pytest.fixture(params=["MLP", "Sequential"])
def model(request):
    if request.param == "MLP":
        return bg.MLP(3, [8, 2], "relu", seed=0)
    return bg.Sequential(bg.Linear(3, 8, seed=0), "relu", bg.Linear(8, 2, seed=1))


def outputs(network):
    with torch.no_grad():
        return [pytest.approx(row, rel=1e-5, abs=1e-6) for row in network(torch.tensor(X)).tolist()]


def test_weights_go_to_pytorch(model, theirs):
    state = zip(theirs.state_dict(), model.state_dict().values(), strict=True)
    theirs.load_state_dict({name: torch.from_dlpack(ours) for name, ours in state})
    assert model(X).tolist() == outputs(theirs)


def test_weights_come_from_pytorch(model, theirs):
    model.load_state_dict(dict(zip(model.state_dict(), theirs.state_dict().values(), strict=True)))
    assert model(X).tolist() == outputs(theirs)
