"""Train a Keras model on the torch backend, and keep it as Keras does."""

import json
from pathlib import Path

import numpy as np
from keras_classifier import LABELS, network, tokens

HERE = Path(__file__).parent
ROWS = [json.loads(line) for line in (HERE.parent / "data" / "mails" / "train.jsonl").read_text().splitlines()]

model = network()
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
answers = [LABELS.index(row["label"]) for row in ROWS]
model.fit(tokens([row["text"] for row in ROWS]), np.array(answers), epochs=60, verbose=0)
model.save(HERE / "model.keras")
