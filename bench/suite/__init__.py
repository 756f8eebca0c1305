"""The suite file: what a user writes, read and checked once; the frozen models of every section."""

from bench.suite.adapting import AdapterSpec
from bench.suite.endpoint import BudgetSpec, EndpointSpec, LaunchSpec, TokenPriceSpec
from bench.suite.job import CellJob
from bench.suite.load import LoadSpec
from bench.suite.prompting import AnswerSpec, GenerationSpec, Shot, ShotsSpec
from bench.suite.sections import DecisionSpec, NightlySpec, PriceSpec, RaceSpec
from bench.suite.shrinking import ShrinkSpec
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
    "AdapterSpec",
    "AnswerSpec",
    "BudgetSpec",
    "CellJob",
    "DataSpec",
    "DecisionSpec",
    "Defaults",
    "EndpointSpec",
    "FitSpec",
    "GenerationSpec",
    "LaunchSpec",
    "LoadSpec",
    "MeasureSpec",
    "ModelSpec",
    "NightlySpec",
    "PriceSpec",
    "RaceSpec",
    "Scoring",
    "Shot",
    "ShotsSpec",
    "ShrinkSpec",
    "Suite",
    "TaskSpec",
    "TokenPriceSpec",
    "VariantSpec",
]
