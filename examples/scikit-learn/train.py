"""Train the pipeline on the mails, and keep it as scikit-learn's users do."""

import json
from pathlib import Path

import joblib
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

HERE = Path(__file__).parent
ROWS = [json.loads(line) for line in (HERE.parent / "data" / "mails" / "train.jsonl").read_text().splitlines()]

pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10.0))
pipeline.fit([row["text"] for row in ROWS], [row["label"] for row in ROWS])
joblib.dump(pipeline, HERE / "pipeline.joblib")
