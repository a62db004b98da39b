"""An operation of one's own: a function, its gradient rule, a check, and a use.

The snake x + sin²(x) is an activation for things that repeat (L. Ziyin, T. Hartwig and M. Ueda,
"Neural networks fail to learn periodic functions and how to fix it", NeurIPS 2020, with a = 1).
"""

import math

import baregrad as bg

snake = bg.elementwise(
    "snake",
    lambda x: x + math.sin(x) ** 2,  # the value, of one Python number
    lambda g, y, x: g * (1 + (2 * x).sin()),  # the gradient, in tensor operators
)

x = bg.Tensor([-2.0, -0.5, 0.0, 1.0, 3.0], "float64", requires_grad=True)
bg.gradcheck(snake, [x], order=2)  # raises if a rule is wrong
print("snake: first and second derivatives agree with differences")

# Two networks see a sine between -6 and 6, and are then asked about what comes after.
seen = bg.linspace(-6, 6, 32).reshape(32, 1)
unseen = bg.linspace(6, 12, 32).reshape(32, 1)

print("\nactivation   error from -6 to 6   error from 6 to 12")
for name, activation in [("tanh", "tanh"), ("snake", snake)]:
    model = bg.MLP(1, [8, 1], activation, seed=1)
    optimizer = bg.Adam(model.parameters(), lr=0.02)
    bg.fit(model, seen, seen.sin(), "mse", optimizer, epochs=300, batch_size=32, seed=1)
    errors = [bg.evaluate(model, x, x.sin(), "mse")["loss"] for x in (seen, unseen)]
    print(f"{name:10} {errors[0]:20.5f} {errors[1]:20.5f}")
