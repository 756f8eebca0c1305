"""A Keras 3 model on the torch backend as a candidate: a torch.nn.Module, which bench places and measures."""

import os

os.environ["KERAS_BACKEND"] = "torch"  # before keras is imported

import re
import zlib

import keras
import numpy as np
from torch import nn

LABELS = ["billing", "delivery", "returns"]
BUCKETS, LONGEST = 512, 32


def tokens(texts: list[str]) -> np.ndarray:
    """Hashed words, padded with 0 to one length: (texts, LONGEST)."""
    ids = np.zeros((len(texts), LONGEST), dtype="int32")
    for row, text in enumerate(texts):
        found = [1 + zlib.crc32(word.encode()) % (BUCKETS - 1) for word in re.findall(r"\w+", text.lower())]
        ids[row, : len(found[:LONGEST])] = found[:LONGEST]
    return ids


def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    read = keras.Input((LONGEST,), dtype="int32")
    states = keras.layers.Embedding(BUCKETS, 16, mask_zero=True)(read)
    pooled = keras.layers.GlobalAveragePooling1D()(states)  # the mask keeps the padding out of the mean
    return keras.Model(read, keras.layers.Dense(len(LABELS), activation="softmax")(pooled))


class KerasClassifier(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.model = keras.models.load_model(path)

    def classify(self, texts: list[str], labels: list[str]) -> list[list[float]]:
        """Log-probabilities in the order of the task's labels."""
        chances = keras.ops.convert_to_numpy(self.model(tokens(texts), training=False))
        return np.log(chances + 1e-9)[:, [LABELS.index(label) for label in labels]].tolist()
