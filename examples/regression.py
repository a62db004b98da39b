"""Regression on a table: how far a car of the 1970s goes on a gallon of petrol.

The file has numbers, a category (where the car was made), six missing values, and a column of no
use (the car's name). The preprocessor deals with all of them.
"""

from pathlib import Path

import baregrad as bg

table = bg.read_table(Path(__file__).parent / "data" / "mpg.csv")
train, test = bg.train_test_split(table, test_size=0.2, seed=0)
preprocessor = bg.Preprocessor.fit(train, "mpg")  # sees the training rows only
print(preprocessor.describe(), end="\n\n")

model = bg.MLP(preprocessor.inputs, [16, 1], seed=0)
bg.fit(
    model,
    preprocessor.transform(train),
    preprocessor.target(train),
    loss="huber",  # outliers pull less than with "mse"
    optimizer=bg.AdamW(model.parameters(), lr=0.01, weight_decay=0.01),
    epochs=40,
    validation_split=0.1,
    metrics=["r2"],
    callbacks=[bg.Progress(lines=8)],
    seed=0,
)

predicted = preprocessor.predictions(bg.predict(model, preprocessor.transform(test)))
actual = [float(value) for value in test["mpg"]]
errors = [abs(p - a) for p, a in zip(predicted, actual, strict=True)]
print(f"\nOn {len(test)} cars it has not seen, the model is off by {sum(errors) / len(errors):.2f}")
print("miles per gallon on average. The first five:\n")
print("actual   predicted   car")
for a, p, name in list(zip(actual, predicted, test["name"], strict=True))[:5]:
    print(f"{a:6.1f} {p:11.1f}   {name}")
