"""The smallest whole story: a network, a picture of its graph, a training loop written by hand.

Four points with three features each are to be told apart: is the target -1 or 1?
"""

import baregrad as bg

x = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
targets = [[1.0], [-1.0], [-1.0], [1.0]]

model = bg.MLP(3, [2, 3, 1], seed=1)
print(model.summary())

# How the loss of the first point comes about, number by number, with all gradients.
loss = bg.losses.mse(model(x[0]), targets[0])
loss.backward()
drawing = bg.draw_graph(loss, zoom="scalars")
drawing.save("mission-graph.dot")
try:
    drawing.save("mission-graph.svg")
except bg.MissingExtraError as error:
    print(error)

print("\nstep       loss")
for step in range(101):
    loss = bg.losses.mse(model(x), targets)  # forward
    for parameter in model.parameters():
        parameter.grad = None
    loss.backward()  # backward
    for parameter in model.parameters():  # a step downhill
        parameter.assign(parameter - 0.1 * parameter.grad)
    if step % 20 == 0:
        print(f"{step:4}   {loss:.6f}")

print("\ntarget   prediction")
for (target,), (prediction,) in zip(targets, model(x).tolist(), strict=True):
    print(f"{target:6.0f} {prediction:12.4f}")
