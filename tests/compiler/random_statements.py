"""The statements of random programs: each does something to the tensors that a run has.

What does not fit is an error, which is as good; what would be too large, or is not there, is left
out.
"""

from array import array
from math import prod

import baregrad as bg
from baregrad import Tensor
from baregrad.tensor.graph import recording

SIZES = [1, 2, 3, 5, 8, 17]
MOST = 1200  # elements of a tensor
LARGEST = 1 << 20  # of numbers that are exact still when some are added

# Of exact numbers: the function, and by how much the bound grows.
EXACT = {
    "neg": (lambda x: -x, 1),
    "scale": (lambda x: 2 * x, 2),
    "detach": (lambda x: x.detach(), 1),
    "abs": (abs, 1),
    "relu": (lambda x: x.relu(), 1),
    "sign": (lambda x: x.sign(), 1),
    "clip": (lambda x: x.clip(-2, 2), 1),
}
LINEAR = ["neg", "scale", "detach"]
SMOOTH = {
    "tanh": lambda x: x.tanh(),
    "sigmoid": lambda x: x.sigmoid(),
    "exp": lambda x: x.exp(),
    "expm1": lambda x: x.expm1(),
    "log": lambda x: (x * x + 1).log(),
    "sqrt": lambda x: (x * x + 1).sqrt(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "erf": lambda x: x.erf(),
    "softplus": lambda x: x.softplus(),
    "power": lambda x: (x * x + 1) ** 1.5,
    "quotient": lambda x: x / (x * x + 1),
    "gelu": lambda x: x.gelu(),
    "softmax": lambda x: x.softmax() if x.ndim and x.shape[-1] else x.tanh(),
}


def shape(run):
    while True:
        found = tuple(run.draw.choice(SIZES) for _ in range(run.draw.randint(1, 3)))
        if prod(found) <= MOST:
            return found


# --- from nothing ---------------------------------------------------------------------------------


def leaf(run):
    sizes = shape(run)
    if run.draw.random() < 0.05:
        sizes = (*sizes[:-1], 0)
    code = "d" if run.draw.random() < 0.04 else "f"
    data = array(code, [run.draw.randint(-3, 3) for _ in range(prod(sizes))])
    if run.draw.random() < 0.2 and data:
        x = bg.from_buffer(memoryview(data).cast("B").cast(code, sizes))
        run.borrowed.append(data)
    else:
        x = Tensor(data).reshape(sizes).detach()
    x.requires_grad = run.draw.random() < 0.6
    run.add("leaf", x, 3)


def integers(run):
    sizes = shape(run)[:2]
    data = array("q", [run.draw.randint(0, 4) for _ in range(prod(sizes))])
    run.add("integers", Tensor(data).reshape(sizes), 4)


# --- arithmetic -----------------------------------------------------------------------------------


def unary(run):
    m = run.floats()
    if m is None:
        return
    if run.draw.random() < 0.5:
        m = run.small(m)
        name = run.draw.choice(sorted(SMOOTH))
        run.add(f"{name}({m})", SMOOTH[name](m.tensor), None)
        return
    name = run.draw.choice(LINEAR if m.bound is None else sorted(EXACT))
    function, factor = EXACT[name]
    if m.bound is not None and m.bound * factor > LARGEST:
        m = run.squashed(m)
    run.add(f"{name}({m})", function(m.tensor), m.bound and m.bound * factor)


def meets(x, y):
    pairs = [*zip(x.shape[::-1], y.shape[::-1], strict=False)]
    return all(a == b or 1 in (a, b) for a, b in pairs) and prod(map(max, pairs)) <= MOST


def two(run, most):
    """Two tensors of small numbers, which nearly always can be broadcast."""
    a = run.floats()
    b = a and run.pick(lambda m: run.draw.random() < 0.01 or meets(a.tensor, m.tensor))
    if b is None or prod(a.tensor.shape) * prod(b.tensor.shape) > MOST**2:
        return None, None, None
    a, b = run.small(a, most), run.small(b, most)
    return a, b, None if None in (a.bound, b.bound) else max(a.bound, b.bound)


def arithmetic(run):
    a, b, bound = two(run, 256)
    if a is None:
        return
    name = run.draw.choice(["add", "sub", "mul"])
    found = getattr(a.tensor, f"__{name}__")(b.tensor)
    run.add(f"{a} {name} {b}", found, bound and (bound * bound if name == "mul" else 2 * bound))


def comparison(run):
    a, b, bound = two(run, LARGEST)
    if bound is None:
        return
    name = run.draw.choice(["maximum", "minimum", "__lt__", "__eq__", "__ge__"])
    found = getattr(a.tensor, name)(b.tensor)
    run.add(f"{a} {name} {b}", found, 1 if found.dtype == "bool" else bound)


def where(run):
    a, b, bound = two(run, LARGEST)
    c = a and run.pick(lambda m: m.tensor.dtype == "bool" and meets(m.tensor, a.tensor))
    if c is not None:
        run.add(f"{c}.where({a}, {b})", c.tensor.where(a.tensor, b.tensor), bound)


def product(run):
    a = run.pick(lambda m: m.tensor.dtype == "float32" and m.tensor.ndim >= 2)
    if a is None:
        return
    depth = a.tensor.shape[-1]
    b = run.pick(lambda m: m.tensor.dtype == "float32" and m.tensor.shape[:-1] == (depth,))
    a = run.small(a)
    b = a if b is None else run.small(b)
    bound = a.bound and b.bound and a.bound * b.bound * max(1, depth)
    right = a.tensor.mT if b is a else b.tensor
    run.add(f"{a} @ {b}", a.tensor @ right, bound)


def reduction(run):
    m = run.floats()
    if m is None:
        return
    axis = run.draw.choice([None, *range(m.tensor.ndim)])
    name = run.draw.choice(["sum", "mean", "logsumexp", "max", "argmax"][: 3 + 2 * bool(m.bound)])
    if name == "logsumexp" or (m.bound or 0) * m.tensor.size > LARGEST:
        m = run.small(m)
    keeps = run.draw.random() < 0.5
    found = getattr(m.tensor, name)(axis, keepdims=keeps)
    size = max(1, m.tensor.size)
    bounds = {"sum": m.bound and m.bound * size, "max": m.bound, "argmax": size}
    run.add(f"{m}.{name}({axis}, {keeps})", found, bounds.get(name))


def cast(run):
    m = run.pick(lambda m: m.bound is not None)
    dtype = run.draw.choice(["float32", "float32", "float32", "int64", "float64", "bool"])
    if m is not None:
        run.add(f"{m}.astype({dtype})", m.tensor.astype(dtype), m.bound)


def chain(run):
    """A long one of small steps."""
    m = run.floats()
    if m is None:
        return
    x, length = m.tensor, run.draw.choice([5, 30, 130])
    for step in range(length):
        if step % 3 == 0 and x.ndim == 2:
            x = x.reshape(x.shape[::-1]).T
        x = 0 - x
    run.add(f"chain({m}, {length})", x, m.bound)


# --- shapes and choice ----------------------------------------------------------------------------

VIEWS = {
    "turned": lambda run, x: x.reshape(x.shape[::-1]),
    "flat": lambda run, x: x.reshape(-1),
    "permuted": lambda run, x: x.permute(*run.draw.sample(range(x.ndim), x.ndim)) if x.ndim else x,
    "expanded": lambda run, x: x.expand(2, *x.shape),
    "sliced": lambda run, x: x[run.draw.randint(0, 3) :: run.draw.randint(1, 2)],
    "flipped": lambda run, x: x[..., ::-1],
    "row": lambda run, x: x[run.draw.randint(-1, 3)],
    "twice": lambda run, x: bg.concat([x, x], run.draw.randint(0, 1)),
}


def view(run):
    m = run.pick(lambda m: m.tensor.size * 2 <= MOST)
    name = run.draw.choice(sorted(VIEWS))
    if m is not None:
        run.add(f"{name}({m})", VIEWS[name](run, m.tensor), m.bound)


def concat(run):
    a = run.pick(lambda m: m.tensor.ndim and m.tensor.size * 2 <= MOST)
    if a is None:
        return
    b = run.pick(lambda m: m.tensor.shape == a.tensor.shape and m.tensor.dtype == a.tensor.dtype)
    axis = run.draw.randrange(a.tensor.ndim)
    bound = None if None in (a.bound, b.bound) else max(a.bound, b.bound)
    run.add(f"concat({a}, {b}, {axis})", bg.concat([a.tensor, b.tensor], axis), bound)


def take(run):
    m = run.pick(lambda m: m.tensor.ndim)
    if m is None:
        return
    axis = run.draw.randrange(m.tensor.ndim)
    size = m.tensor.shape[axis]
    given = run.pick(lambda i: i.tensor.dtype == "int64" and i.tensor.size * m.tensor.size <= MOST)
    chosen = [
        [run.draw.randint(-size, size) for _ in range(3)],
        Tensor([], dtype="int64"),
        Tensor([run.draw.random() < 0.5 for _ in range(size)], dtype="bool"),
        [0] if given is None else given.tensor,
    ]
    run.add(f"{m}.take(…, {axis})", m.tensor.take(run.draw.choice(chosen), axis), m.bound)


def scatter(run):
    i = run.pick(lambda i: i.tensor.dtype == "int64" and i.tensor.ndim == 1 and i.bound < 30)
    m = i and run.pick(lambda m: m.tensor.shape[:1] == i.tensor.shape and "f" in m.tensor.dtype)
    if m is None:
        return
    m = run.small(m)
    found = m.tensor.scatter_add(i.tensor, 0, i.bound + 1)
    run.add(f"{m}.scatter_add({i})", found, m.bound and m.bound * max(1, i.tensor.size))


def one_hot(run):
    i = run.pick(lambda i: i.tensor.dtype == "int64" and i.tensor.size <= 40)
    if i is not None:
        run.add(f"{i}.one_hot(31)", i.tensor.one_hot(31), 1)  # may be an error


# --- gradients ------------------------------------------------------------------------------------


def loss(run):
    """A scalar of some tensors; None if there are none."""
    parts = [run.floats() for _ in range(run.draw.randint(1, 3))]
    if parts[0] is None:
        return None
    run.note(f"loss of {', '.join(map(str, parts))}")
    tensors = [m.tensor.tanh() if m.bound is None else m.tensor for m in parts]
    return sum((x * 0.5).sum() for x in tensors)


def backward(run):
    with recording(True):
        found = loss(run)
    for _ in range(run.draw.choice([0, 1, 1, 1, 2]) if found is not None else 0):
        found.backward()
    if found is not None and run.draw.random() < 0.3:
        run.add("loss", found, None)


def backward_from(run):
    m = run.floats()
    if m is not None:
        run.note(f"{m}.backward(…)")
        m.tensor.backward(m.tensor.detach() * 2 if run.draw.random() < 0.5 else m.tensor * 0 + 1)


def gradient(run):
    with recording(True):
        found, m = loss(run), run.pick(lambda m: m.tensor.requires_grad)
        if found is None or m is None:
            return
        creates = run.draw.random() < 0.5
        (g,) = bg.grad(found, m.tensor, create_graph=creates)
        run.add(f"grad(loss, {m})", g, None)
        if creates and g.requires_grad:
            g.tanh().sum().backward()


def gradient_of(run):
    m = run.pick(lambda m: m.tensor.grad is not None)
    if m is not None:
        run.add(f"{m}.grad", m.tensor.grad, None)


def zero_grad(run):
    run.note("zero_grad")
    for m in run.made:
        m.tensor.grad = None


def optimize(run):
    leaves = {m.tensor for m in run.made if m.tensor.requires_grad and m.tensor.op is None}
    ordered = sorted(leaves, key=lambda x: x.serial)
    if not ordered:
        return
    if run.draw.random() < 0.5:
        bg.SGD(ordered, lr=0.125, momentum=0.5).step()
    else:
        bg.Adam(ordered, lr=0.125, eps=0.5).step()
    run.note("optimizer.step()")
    with bg.no_grad():
        for x in ordered:
            x.assign(x.tanh())
            run.assigned(x, None)


def in_place(run):
    m = run.pick(lambda m: m.tensor.requires_grad and m.tensor.op is None)
    if m is None:
        return
    run.note(f"{m} -= 1")
    x = m.tensor
    with bg.no_grad():
        x -= 1
    run.assigned(x, m.bound and m.bound + 1)


def assign(run):
    m = run.floats()
    if m is None:
        return
    other = run.pick(lambda o: o.tensor.shape == m.tensor.shape)
    run.note(f"{m}.assign({other})")
    m.tensor.assign(other.tensor)  # may be an error
    run.assigned(m.tensor, other.bound)


# --- all else -------------------------------------------------------------------------------------


def drop(run):
    if len(run.made) > 3:
        run.note(f"del {run.made.pop(run.draw.randrange(len(run.made)))}")


def mode(run):
    run.is_recorded = not run.is_recorded
    run.note(f"recording: {run.is_recorded}")


def owner_writes(run):
    if run.borrowed:
        run.note("an owner writes")
        data = run.draw.choice(run.borrowed)
        data[::2] = array(data.typecode, [2]) * len(data[::2])


def show(run):
    m = run.pick()
    if m is not None:
        run.note(f"{m} is shown to others")
        m.tensor.__dlpack__()


# How often there is each.
STATEMENTS = {
    leaf: 3, integers: 1, unary: 8, arithmetic: 6, comparison: 2, where: 2, product: 4,
    reduction: 4, cast: 1, chain: 1, view: 6, concat: 2, take: 3, scatter: 1, one_hot: 1,
    backward: 3, backward_from: 1, gradient: 1, gradient_of: 2, zero_grad: 1, optimize: 2,
    in_place: 1, assign: 1, drop: 6, mode: 1, owner_writes: 1, show: 1,
}  # fmt: skip
