"""A fitted scikit-learn pipeline as a candidate. A pickle runs code when it is read: read your own alone."""

import joblib


class Pipeline:
    def __init__(self, path: str) -> None:
        self.pipeline = joblib.load(path)
        self.classes = list(self.pipeline.classes_)

    def classify(self, texts: list[str], labels: list[str]) -> list[list[float]]:
        """Log-probabilities in the order of the task's labels, which need not be the pipeline's."""
        order = [self.classes.index(label) for label in labels]
        return self.pipeline.predict_log_proba(texts)[:, order].tolist()

    def parameters_count(self) -> int:
        return self.pipeline[-1].coef_.size + self.pipeline[-1].intercept_.size

    def weights_bytes(self) -> int:
        return self.pipeline[-1].coef_.nbytes + self.pipeline[-1].intercept_.nbytes
