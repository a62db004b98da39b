"""Second derivatives: the Hessian by two backward passes, and Newton's method with it.

Rosenbrock's function is a curved valley whose floor falls slowly to the minimum at (1, 1).
Gradient descent creeps along it; Newton's method, which knows the curvature, takes a few steps.
"""

import baregrad as bg


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def gradient_and_hessian(function, x):
    """The first pass records the gradient; a second pass through each element gives a row."""
    (gradient,) = bg.grad(function(x), x, create_graph=True)
    rows = [bg.grad(element, x)[0] for element in gradient]
    return gradient, bg.stack(rows)


def newton_step(gradient, hessian):
    """Solves hessian @ step = -gradient, two equations, by Cramer's rule."""
    (a, b), (c, d) = hessian
    determinant = a * d - b * c
    g0, g1 = gradient
    return bg.stack([b * g1 - d * g0, c * g0 - a * g1]) / determinant


x = bg.Tensor([-1.2, 1.0], "float64", requires_grad=True)
gradient, hessian = gradient_and_hessian(rosenbrock, x)
print(f"at {x.tolist()} the gradient is {[round(g, 1) for g in gradient.tolist()]}")
print(f"and the Hessian [[{hessian[0, 0]:.1f}, {hessian[0, 1]:.1f}],")
print(f"                 [{hessian[1, 0]:.1f}, {hessian[1, 1]:.1f}]]")

print("\nstep         x0         x1   function")
for step in range(7):
    print(f"{step:4} {x[0]:10.6f} {x[1]:10.6f}   {rosenbrock(x):.3e}")
    gradient, hessian = gradient_and_hessian(rosenbrock, x)
    x.assign(x + newton_step(gradient, hessian))
