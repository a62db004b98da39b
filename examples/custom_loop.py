"""A training loop of one's own: mini-batches, a penalty, clipped gradients, a schedule.

Two interlocking half circles are to be told apart. The loop adds to the loss a penalty on the
size of the weights, which `fit` would not, and draws what the network has learned.
"""

import baregrad as bg

data = bg.dataset_named("moons", samples=200, seed=0)
targets = data.y.astype("float32").reshape(200, 1)
model = bg.MLP(2, [8, 8, 1], seed=0)
optimizer = bg.Adam(model.parameters(), lr=0.03)
EPOCHS, BATCH_SIZE = 30, 20
steps = EPOCHS * len(targets) // BATCH_SIZE
schedule = bg.schedules.Schedule(optimizer, bg.schedules.cosine(steps))

for epoch in range(EPOCHS):
    for indices in bg.batches(len(targets), BATCH_SIZE, seed=0, epoch=epoch):
        logits = model(data.x.take(indices))
        penalty = sum((layer.weight**2).sum() for layer in model.layers)
        loss = bg.losses.binary_cross_entropy(logits, targets.take(indices)) + 1e-4 * penalty
        optimizer.zero_grad()
        loss.backward()
        norm = bg.clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    if epoch % 10 == 9:
        with bg.no_grad():
            right = ((model(data.x) > 0) == (targets > 0.5)).mean()
        print(f"epoch {epoch + 1}   loss {loss:.4f}   gradient norm {norm:.3f}   right {right:.1%}")

# The plane, 56 characters wide: where the network says the second class, and the points.
width, height = 56, 20
cells = [(x, y) for y in range(height) for x in range(width)]
plane = [[-1.5 + 4 * (x + 0.5) / width, 1.25 - 2 * (y + 0.5) / height] for x, y in cells]
with bg.no_grad():
    picture = [":" if logit > 0 else " " for (logit,) in model(plane).tolist()]
for (x, y), label in zip(data.x.tolist(), data.y.tolist(), strict=True):
    column, row = int((x + 1.5) / 4 * width), int((1.25 - y) / 2 * height)
    if 0 <= column < width and 0 <= row < height:
        picture[row * width + column] = "o#"[label]
print()
for row in range(height):
    print("".join(picture[row * width : (row + 1) * width]))
