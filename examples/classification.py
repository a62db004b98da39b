"""Classification of a table: which of three species a penguin belongs to.

The file has numbers, categories and missing values. The model is saved, loaded, and then asked
about penguins that it has not seen.
"""

from pathlib import Path

import baregrad as bg

table = bg.read_table(Path(__file__).parent / "data" / "penguins.csv")
train, test = bg.train_test_split(table, test_size=0.25, seed=0, stratify=table["species"])
preprocessor = bg.Preprocessor.fit(train, "species", ignore=["island"])  # that would be too easy
print(preprocessor.describe(), end="\n\n")

model = bg.MLP(preprocessor.inputs, [8, preprocessor.outputs], activation="relu", seed=0)
history = bg.fit(
    model,
    preprocessor.transform(train),
    preprocessor.target(train),
    loss="cross_entropy",
    optimizer=bg.Adam(model.parameters(), lr=0.01),
    epochs=30,
    metrics=["accuracy"],
    seed=0,
)
print(history, end="\n\n")

bg.save_model("penguins.safetensors", model, preprocessor)
model, preprocessor, _ = bg.load_model("penguins.safetensors")
predicted = preprocessor.predictions(bg.predict(model, preprocessor.transform(test)))

classes = preprocessor.classes
pairs = list(zip(test["species"], predicted, strict=True))
print(f"{sum(a == p for a, p in pairs)} of {len(pairs)} unseen penguins are named correctly.\n")
print("actual    \\ predicted " + "".join(f"{name:>11}" for name in classes))
for actual in classes:
    counts = (pairs.count((actual, name)) for name in classes)
    print(f"{actual:22}" + "".join(f"{count:11}" for count in counts))
