"""The suite file: what a user writes, read and checked once; the frozen models of every section."""

from bench.suite.job import CellJob
from bench.suite.prompting import AnswerSpec, GenerationSpec, Shot, ShotsSpec
from bench.suite.sections import DecisionSpec, NightlySpec, PriceSpec
from bench.suite.spec import (
    DEFAULT_BATCH_SIZE,
    DataSpec,
    Defaults,
    FitSpec,
    MeasureSpec,
    ModelSpec,
    Scoring,
    Suite,
    TaskSpec,
    VariantSpec,
)

__all__ = [
    "DEFAULT_BATCH_SIZE",
    "AnswerSpec",
    "CellJob",
    "DataSpec",
    "DecisionSpec",
    "Defaults",
    "FitSpec",
    "GenerationSpec",
    "MeasureSpec",
    "ModelSpec",
    "NightlySpec",
    "PriceSpec",
    "Scoring",
    "Shot",
    "ShotsSpec",
    "Suite",
    "TaskSpec",
    "VariantSpec",
]
