"""The suite file: YAML in, frozen models out, and for every mistake its line, its column and the nearest valid name.

This module checks what the file alone can tell. What needs the data, the checkpoints or the metrics is checked by
`bench.planning`, with `Source.where` for the position. Nothing here imports torch or transformers.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from bench.errors import InputError, nearest
from bench.suite.adapting import AdapterSpec
from bench.suite.endpoint import EndpointSpec
from bench.suite.fields import Constraints, MemoryLimit
from bench.suite.limits import parse_memory
from bench.suite.load import LoadSpec
from bench.suite.machines import MachinesSpec
from bench.suite.prompting import AnswerSpec, GenerationSpec, ShotsSpec
from bench.suite.runtimes import DEFAULT_RUNTIME, Runtimes, multiplied
from bench.suite.sections import DecisionSpec as DecisionSpec
from bench.suite.sections import NightlySpec as NightlySpec
from bench.suite.sections import PriceSpec as PriceSpec
from bench.suite.sections import RaceSpec as RaceSpec
from bench.suite.shrinking import ShrinkSpec
from bench.units import format_cpus, parse_cpus

Scoring = Literal["head", "likelihood", "likelihood-per-token", "likelihood-per-byte", "generated"]
"""How one of a few answers is chosen: by a head over labels; by the log-likelihood of each answer's text, whole or per
token or UTF-8 byte of it; by the text that is written."""
Name = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern=r"^[^\s/\\\x00-\x1f]([^/\\\x00-\x1f]*[^\s/\\\x00-\x1f])?$"),
]


BatchSize = Annotated[int, Field(ge=1)] | Literal["auto"]


class Unhashed:
    """Marks a key of a model or a task that the ids of cells leave out.

    It changes no answer, or something else that is hashed stands for it: the weights, the data, the resolved job.
    """


@cache
def unhashed(model: type[BaseModel]) -> set[str]:
    """List the keys of a section that are marked as `Unhashed`."""
    fields = model.model_fields.items()
    return {name for name, field in fields if any(isinstance(mark, Unhashed) for mark in field.metadata)}


DEFAULT_BATCH_SIZE = 16
"""Large enough to use a CPU's cores, small enough for the memory of any machine that holds the model."""


class _Strict(BaseModel):
    """Frozen, and no unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def _one_batch_limit(size: int | str | None, tokens: int | None) -> None:
    if size is not None and tokens is not None:
        raise ValueError("give 'batch_size' or 'batch_tokens', not both")


class FitSpec(_Strict):
    """How a model's weights are made, when they are not simply loaded."""

    recipe: Path
    """YAML file of a recipe: of a network's training, or of what a family's solver takes."""
    output: Path | None = None
    """Where the fitted checkpoint lives; by default the results folder, under the recipe's and data's hash."""
    teacher: str | None = None
    """Model of the suite to learn from, over the recipe's own `teacher`."""
    adapter: Literal["lora"] | None = None
    """Learn low-rank changes of the checkpoint's layers (the recipe's `lora`), and keep those alone."""
    shrink: ShrinkSpec | None = None
    """Take layers or neurons out of the checkpoint before it learns, so that it recovers what that cost."""


class VariantSpec(_Strict):
    """One way to run the same weights."""

    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Number format of the weights and of the arithmetic."""
    compile: bool = False
    """Run the model through `torch.compile`; compiling is part of loading."""
    quantise: Literal["int8", "int4"] | None = None
    """`int8`: the linear layers' weights in 8 bits, and on a CPU what they read; `int4`: in 4 bits, on GPUs alone. The
    record says which library made it (torch, torchao)."""
    prune: float | None = Field(default=None, gt=0, lt=1)
    """Share of each linear layer's weights set to zero by magnitude. It saves nothing, neither time nor memory: it
    shows what quality would be lost."""
    shrink: ShrinkSpec | None = None
    """Take whole layers, heads or neurons out (structured pruning): the network is smaller and faster."""
    sparsity: Literal["2:4"] | None = None
    """`2:4`: two of every four weights are zero, and GPUs that can (Ampere and later) multiply them faster."""
    runtime: str = DEFAULT_RUNTIME
    """What executes the network, for this variant alone; by default the model's `runtime`."""

    @property
    def label(self) -> str:
        """A short name, unique for each setting: `bfloat16+compiled`."""
        parts: list[str] = [self.dtype] if self.dtype != "float32" else []
        if self.quantise:
            parts.append(self.quantise)
        if self.prune is not None:
            parts.append(f"pruned{self.prune:g}")
        if self.shrink is not None:
            parts += [f"{name}-{share:g}" for name, share in self.shrink.shares.items()]
        if self.sparsity is not None:
            parts.append(self.sparsity)
        if self.compile:
            parts.append("compiled")
        if self.runtime != DEFAULT_RUNTIME:
            parts.append(self.runtime)
        return "+".join(parts) or "float32"


def _from(folder: Path, value: object) -> object:
    if isinstance(value, str) and value.startswith(("./", "../")):
        return str((folder / value).resolve())
    if isinstance(value, list):
        return [_from(folder, item) for item in value]
    if isinstance(value, dict):
        return {key: _from(folder, item) for key, item in value.items()}
    return value


class ModelSpec(_Strict):
    """One candidate."""

    name: Name
    """How the model is called in tables and on the command line."""
    family: str
    """What kind of model it is; `bench ls models` lists the families."""
    checkpoint: Annotated[str | None, Unhashed()] = None
    """A folder, a Hub name, `package:NAME` for files inside an installed package, or an address (`s3://…`)."""
    revision: str | None = None
    """Commit, tag or branch of a checkpoint on the Hub; without one, what is newest there."""
    gguf_file: str | None = None
    """Name of a GGUF file in the checkpoint, whose weights are unpacked and loaded."""
    subfolder: str | None = None
    """Folder of the checkpoint that holds the model."""
    factory: str | None = None
    """`package.module:function` that makes the model, for a family that asks for one."""
    strategy: str | None = None
    """Which rule, for a family of rules."""
    options: dict[str, Any] = {}
    """Keyword arguments of the factory: texts that begin with `./` or `../` are paths from the suite's folder. For a
    causal-lm, switches of its chat template, such as `enable_thinking`."""
    server: Annotated[EndpointSpec | None, Unhashed()] = None
    """Of a model that is served: where it answers, and how it is asked."""
    serve: Annotated[bool, Unhashed()] = False
    """Put the model behind a small local server for `load`, so that it is loaded as one behind an API is."""
    tasks: Annotated[Annotated[list[str], Field(min_length=1)] | None, Unhashed()] = None
    """Names of the tasks that the model is for; by default all that it can do. On the others it is `unsupported`."""
    stateless: Annotated[bool, Unhashed()] = False
    """Of a factory: what it makes answers the same whatever it was asked before, so that one load may serve several
    tasks (`defaults.share_load`)."""
    adapter: Annotated[AdapterSpec | None, Unhashed()] = None
    """Of a checkpoint that is an adapter (PEFT, LoRA): how it is put on its base."""
    fit: Annotated[FitSpec | None, Unhashed()] = None
    """How to train the model when its checkpoint is missing."""
    variants: Annotated[list[VariantSpec], Field(min_length=1), Unhashed()] = [VariantSpec()]
    """In which forms the model is tried; each is a candidate of its own."""
    runtime: Annotated[Runtimes, Unhashed()] = DEFAULT_RUNTIME
    """What executes the network, or several of that, in each of which every variant is a candidate; `bench ls
    runtimes` lists them."""
    prompts: Annotated[dict[str, str | dict[str, str]], Unhashed()] = {}
    """Prompt template by task name, over the task's own. Or two and more prompts by names of their own, each a
    candidate `model·name`: a template for all tasks, or one by task name."""
    system: Annotated[str, Field(min_length=1)] | None = None
    """What stands before everything else: the system's turn of a chat template, or a paragraph before the prompt."""
    shots: ShotsSpec | None = None
    """Solved examples before each question."""
    answer: Annotated[AnswerSpec | None, Unhashed()] = None
    """Which part of what this model writes is its answer, over the task's own."""
    generation: GenerationSpec | None = None
    """How this model writes, over its checkpoint's `generation_config.json`."""
    head_labels: dict[str, str] = {}
    """Label of each output of a classification head, by its number or its own name, where the checkpoint's names are
    not the task's: `{0: negative, 1: positive}`."""
    chat_template: bool = False
    """Wrap the prompt in the tokenizer's chat template."""
    trust_remote_code: bool = False
    """Run the Python code that a checkpoint brings along."""
    allow_pickle: bool = False
    """Load weights that are pickled; a pickle can run any code."""

    def with_paths_from(self, folder: Path) -> ModelSpec:
        """Make the texts of `options` that begin with `./` or `../`, and the folder of a server's launch, paths from a
        folder, the suite's."""
        updates: dict[str, object] = {"options": {key: _from(folder, value) for key, value in self.options.items()}}
        if self.server is not None:
            updates["server"] = self.server.with_folder_from(folder)
        return self.model_copy(update=updates)

    @property
    def secrets(self) -> frozenset[str]:
        """Name the environment variables that hold the model's secrets."""
        key = None if self.server is None else self.server.api_key_env
        return frozenset() if key is None else frozenset({key})

    @property
    def candidates(self) -> list[VariantSpec]:
        """List the candidates that the model makes: its variants in its runtimes."""
        return multiplied(self.variants, self.runtime)

    def is_for(self, task: str) -> bool:
        """Tell whether the model is to be tried on a task."""
        return self.tasks is None or task in self.tasks

    @model_validator(mode="after")
    def _distinct_variants(self) -> ModelSpec:
        labels = [variant.label for variant in self.candidates]
        if len(set(labels)) < len(labels):
            raise ValueError(f"two variants are the same: {', '.join(labels)}")
        return self


class DataSpec(_Strict):
    """Where a task's examples come from: exactly one of `path`, `hub` and `builtin`."""

    path: Path | None = None
    """JSONL, CSV or Parquet file, or a directory of splits."""
    hub: str | None = None
    """Name of a Hugging Face data set."""
    builtin: Literal["waybills", "pydocs"] | None = None
    """An embedded corpus: generated freight notes, or the docstrings of Python's standard library."""
    config: str | None = None
    """Configuration of a data set on the Hub."""
    split: str = "test"
    """The split that is scored."""
    revision: str | None = None
    """Commit, tag or branch of a data set on the Hub; without one, what is newest there."""
    columns: dict[str, str] = {}
    """Column that bench expects → column of the data; dots reach into nested ones (`translation.en`)."""

    @model_validator(mode="after")
    def _one_source(self) -> DataSpec:
        if sum(value is not None for value in (self.path, self.hub, self.builtin)) != 1:
            raise ValueError("give exactly one of 'path', 'hub' and 'builtin'")
        return self


class TaskSpec(_Strict):
    """One thing that the models are tried on."""

    name: Name
    """How the task is called in tables and on the command line."""
    kind: str
    """What is asked and how it is scored; `bench ls tasks` lists the kinds."""
    data: Annotated[DataSpec, Unhashed()]
    """Where the examples come from."""
    metrics: list[str] = []
    """Empty: the kind's own. The first is the task's `quality`."""
    metric_options: dict[str, dict[str, str]] = {}
    """Settings of a metric, or of a group of them: `{bleu: {tokenize: zh}, rouge: {words: unicode}}`;
    `bench ls metrics` lists them."""
    answer: AnswerSpec | None = None
    """Which part of a written answer is scored; by default the whole."""
    labels: Annotated[list[str] | None, Unhashed()] = None
    """The labels in order, for a kind that has some; by default those of the data, sorted."""
    label_names: dict[str, str] = {}
    """By likelihood or written: what the model is to write for a label, where that differs."""
    scoring: Annotated[Scoring | dict[str, Scoring] | None, Unhashed()] = None
    """How an answer is chosen, or one way per family; by default by the head, or the whole likelihood without one."""
    prompt: Annotated[str | dict[str, str] | None, Unhashed()] = None
    """Template over the columns, or one per family; by default the kind's own (`bench.tasks`)."""
    max_examples: int | None = Field(default=None, ge=1)
    """At most so many examples; by default the suite's `max_examples`."""
    max_new_tokens: int = Field(default=64, ge=1)
    """Tokens after which a written answer ends."""
    max_input_tokens: int | None = Field(default=None, ge=8)
    """Tokens after which an input is cut, where the model itself would take more."""
    batch_size: Annotated[BatchSize | None, Unhashed()] = None
    """Examples answered together, or `auto`; by default the suite's."""
    batch_tokens: Annotated[int | None, Field(ge=1), Unhashed()] = None
    """Instead of `batch_size`: tokens of a batch at most, padding counted."""
    num_beams: int = Field(default=1, ge=1)
    """Beams of the search for a written answer; 1 is greedy."""
    length_penalty: float = 1.0
    """With beams: exponent of the length by which a text's log-probability is divided; above 0 favours long ones."""
    stop: list[Annotated[str, Field(min_length=1)]] = []
    """Texts at which a written answer ends; they are not part of it."""
    weight: Annotated[float, Field(ge=0), Unhashed()] = 1.0
    """Weight of this task's quality in a decision across tasks."""

    @field_validator("labels")
    @classmethod
    def _labels_once(cls, labels: list[str] | None) -> list[str] | None:
        twice = next((label for place, label in enumerate(labels or ()) if label in (labels or ())[:place]), None)
        if twice is not None:
            raise ValueError(f"the label '{twice}' is there twice; leave one of them out")
        return labels

    @model_validator(mode="after")
    def _one_limit(self) -> TaskSpec:
        _one_batch_limit(self.batch_size, self.batch_tokens)
        return self


class Defaults(_Strict):
    """What holds for every cell that does not say otherwise."""

    executor: str = "local"
    """Where cells run: `local` in fresh processes of this machine, `inline` in this process, `ray` or
    `ray://HOST:PORT` on the machines of a cluster, or a plug-in's."""
    device: str = "auto"
    """`cpu`, `cuda:0`, several GPUs as `cuda:0,cuda:1`; `auto` takes the first GPU, or the CPU."""
    seed: int = Field(default=42, ge=0, lt=2**32)
    """Of the order of examples, of sampling and of resampling."""
    batch_size: BatchSize | None = None
    """Examples answered together, by default 16. `auto`: as many as are of use and fit into memory; the record says how
    many that were."""
    batch_tokens: int | None = Field(default=None, ge=1)
    """Instead of `batch_size`: tokens of a batch at most, padding counted."""
    max_examples: int | None = Field(default=None, ge=1)
    """At most so many examples of each task; by default all."""
    timeout_s: float = Field(default=3600.0, gt=0)
    """Seconds after which a cell is stopped."""
    memory_limit: MemoryLimit | None = None
    """Private writable memory of a cell, such as `4 GiB`; the kernel enforces it."""
    threads: int | None = Field(default=None, ge=1)
    """Intra-op threads of torch; by default the CPUs this process may use."""
    cpus: str | None = None
    """CPUs that every process of the run is bound to, such as `0-3,8`; by default all that the run may use."""
    share_load: Literal["auto"] | bool = "auto"
    """Whether the tasks of a model variant share one process and one load. `auto`: unless an objective or a constraint
    is peak memory or a cold start, which only a fresh process shows."""

    @model_validator(mode="after")
    def _one_limit(self) -> Defaults:
        _one_batch_limit(self.batch_size, self.batch_tokens)
        return self

    @field_validator("cpus")
    @classmethod
    def _cpus(cls, text: str | None) -> str | None:
        try:
            return None if text is None else format_cpus(parse_cpus(text))
        except InputError as error:
            raise ValueError(str(error)) from error

    @property
    def memory_limit_bytes(self) -> int | None:
        """The memory limit in bytes."""
        return None if self.memory_limit is None else parse_memory(self.memory_limit)


class MeasureSpec(_Strict):
    """How long and how often to measure; see `bench.measure.profiles` for what each profile sets."""

    profile: Literal["quick", "standard", "rigorous", "off"] = "standard"
    """`off`, or `measure: off` alone: quality is scored and nothing is measured."""
    processes: int | None = Field(default=None, ge=1)
    """Fresh processes in which a cell is measured; by default the profile's."""
    window_s: float | None = Field(default=None, gt=0)
    """Seconds of a timed pass; by default the profile's."""
    energy: Literal["auto", "off"] = "auto"
    """`auto`: the best source that works on this machine; `off`: none."""
    tdp_w: float | None = Field(default=None, gt=0)
    """Thermal design power of the CPU package in watts, for the estimate of energy."""

    @model_validator(mode="after")
    def _nothing_beside_off(self) -> MeasureSpec:
        others = [(name, field) for name, field in type(self).model_fields.items() if name != "profile"]
        extra_keys = [name for name, field in others if getattr(self, name) != field.get_default()]
        if self.profile == "off" and extra_keys:
            raise ValueError(f"measuring is off, so '{extra_keys[0]}' means nothing; leave it out, or name a profile")
        return self


def _spelt_out(value: object) -> object:
    return {"profile": "off"} if value == "off" else value


class Suite(_Strict):
    """A whole suite file."""

    name: Name
    """How the suite is called; its nights are found by it."""
    description: str = ""
    """One sentence for the report."""
    defaults: Defaults = Defaults()
    """Settings of every cell, where a model or a task does not say otherwise."""
    models: Annotated[list[ModelSpec], Field(min_length=1)]
    """The candidates."""
    tasks: Annotated[list[TaskSpec], Field(min_length=1)]
    """What they are tried on."""
    measure: Annotated[
        MeasureSpec, BeforeValidator(_spelt_out, json_schema_input_type=MeasureSpec | Literal["off"])
    ] = MeasureSpec()
    """How long and how often to measure."""
    objectives: Annotated[list[str], Field(min_length=2, max_length=6)] = [
        "quality",
        "latency_p95_s",
        "model_memory_bytes",
        "energy_per_example_j",
    ]
    """`quality` (each task's first metric), a metric, or a reading."""
    constraints: Constraints = {}
    """Reading or metric → limit, e.g. `latency_p95_s: "<= 50 ms"`."""
    decision: DecisionSpec = DecisionSpec()
    """By which rule a pick is made from the front, and how sure it must be."""
    race: RaceSpec | None = None
    """Whether the run stops as soon as the answer is decided, and goes on where it is open."""
    load: LoadSpec | None = None
    """How candidates that are served are loaded with requests; by default not at all."""
    machines: MachinesSpec | None = None
    """On which machines of a cluster it may be measured; see docs/machines.md."""
    prices: PriceSpec | None = None
    """What machine time and energy cost, for cost and carbon per thousand examples."""
    nightly: NightlySpec = NightlySpec()
    """How `bench nightly` runs the suite."""

    @field_validator("models", "tasks")
    @classmethod
    def _distinct_names(cls, items: list[ModelSpec] | list[TaskSpec]) -> list[ModelSpec] | list[TaskSpec]:
        seen: set[str] = set()
        for item in items:
            if item.name in seen:
                raise ValueError(f"two entries are named '{item.name}'; give each its own name")
            seen.add(item.name)
        return items

    def measures(self, profile: str | None) -> bool:
        """Tell whether anything is measured, and not only scored.

        Args:
            profile: in place of the suite's; None for its own.
        """
        return (profile or self.measure.profile) != "off"

    @property
    def secrets(self) -> frozenset[str]:
        """Name the environment variables that hold secrets."""
        return frozenset().union(*(model.secrets for model in self.models))

    @model_validator(mode="after")
    def _known_tasks(self) -> Suite:
        """Check the tasks that models name, and raise the mistakes of all at once."""
        names = [task.name for task in self.tasks]
        mistakes = [
            InitErrorDetails(type=_no_task(name, names), loc=("models", index, "tasks", place), input=name)
            for index, model in enumerate(self.models)
            for place, name in enumerate(model.tasks or ())
            if name not in names
        ]
        if mistakes:
            raise ValidationError.from_exception_data("tasks", mistakes)
        return self


def _no_task(name: str, names: list[str]) -> PydanticCustomError:
    error = f"no task of the suite is named '{name}'; {nearest(name, names)}"
    return PydanticCustomError("value_error", "{error}", {"error": error})
