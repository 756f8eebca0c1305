"""Train a spaCy text classifier on the mails, and keep it as spaCy does."""

import json
import random
from pathlib import Path

import spacy
from spacy.training import Example

HERE = Path(__file__).parent
ROWS = [json.loads(line) for line in (HERE.parent / "data" / "mails" / "train.jsonl").read_text().splitlines()]

spacy.util.fix_random_seed(1)
order = random.Random(1)
nlp = spacy.blank("en")
classifier = nlp.add_pipe("textcat")
labels = sorted({row["label"] for row in ROWS})
for label in labels:
    classifier.add_label(label)
examples = [
    Example.from_dict(nlp.make_doc(row["text"]), {"cats": {label: float(label == row["label"]) for label in labels}})
    for row in ROWS
]
optimizer = nlp.initialize(lambda: examples)
for _ in range(12):
    order.shuffle(examples)
    for start in range(0, len(examples), 8):
        nlp.update(examples[start : start + 8], sgd=optimizer)
nlp.to_disk(HERE / "model")
