"""The efficiency readings that bench knows: name, base unit, direction and one-line definition, declared once.

Quality metrics declare the same of themselves in `bench/metrics/`. Everything that ranks, charts or limits a reading
looks here. A reading is derived from stored raw facts by `bench.summary`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.plugins import Table


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reading means."""

    name: str
    """Quantity, statistic, unit: `latency_p95_s`."""
    unit: str
    """Base unit, a key of `bench.units.FACTORS`."""
    higher_is_better: bool
    title: str
    """For people, without the unit."""
    definition: str
    """One sentence."""


_ALL = (
    Reading("latency_p50_s", "s", False, "Latency, median",
            "Median time of one request at batch size 1, from text in to answer out, device synchronised."),
    Reading("latency_p95_s", "s", False, "Latency, 95th percentile",
            "95th percentile (nearest rank) of the time of one request at batch size 1."),
    Reading("latency_p99_s", "s", False, "Latency, 99th percentile",
            "99th percentile (nearest rank) of the time of one request at batch size 1."),
    Reading("latency_mean_s", "s", False, "Latency, mean", "Mean time of one request at batch size 1."),
    Reading("ttft_p50_s", "s", False, "Time to first token, median",
            "Median time from submission to the first generated token (TTFT), batch size 1."),
    Reading("ttft_p95_s", "s", False, "Time to first token, 95th percentile",
            "95th percentile of the time from submission to the first generated token, batch size 1."),
    Reading("tpot_p50_s", "s", False, "Time per output token, median",
            "Median over requests of (latency − TTFT) / (output tokens − 1); undefined below 2 tokens."),
    Reading("itl_p95_s", "s", False, "Inter-token latency, 95th percentile",
            "95th percentile of the single gaps between consecutive output tokens."),
    Reading("throughput_examples_per_s", "1/s", True, "Throughput, examples",
            "Examples answered per second of the batched window."),
    Reading("throughput_input_tokens_per_s", "1/s", True, "Throughput, input tokens",
            "Input tokens (padding not counted) read per second of the batched window."),
    Reading("throughput_output_tokens_per_s", "1/s", True, "Throughput, output tokens",
            "Output tokens generated per second of the batched window."),
    Reading("peak_rss_bytes", "bytes", False, "Peak memory (RSS)",
            "Highest resident set of the cell's process and its children over all phases."),
    Reading("load_rss_bytes", "bytes", False, "Peak memory while loading (RSS)",
            "Highest resident set of the process and its children while the model was loaded."),
    Reading("added_rss_bytes", "bytes", False, "Memory added by the model (RSS)",
            "Peak resident set less the resident set of the worker before it loaded the model."),
    Reading("peak_gpu_memory_bytes", "bytes", False, "Peak GPU memory (allocated)",
            "Highest memory allocated by torch on the GPU over all phases."),
    Reading("peak_gpu_reserved_bytes", "bytes", False, "Peak GPU memory (reserved)",
            "Highest memory reserved by torch's caching allocator on the GPU."),
    Reading("energy_per_example_j", "J", False, "Energy per example",
            "Energy of the energy pass divided by its examples; the source says how it was found."),
    Reading("energy_net_per_example_j", "J", False, "Net energy per example",
            "Energy per example less the idle power over the same time."),
    Reading("energy_per_output_token_j", "J", False, "Energy per output token",
            "Energy of the energy pass divided by its generated tokens."),
    Reading("flops_per_example", "FLOP", False, "Arithmetic per example",
            "Floating-point operations per example counted by torch.utils.flop_counter; exact, without noise."),
    Reading("parameters", "count", False, "Parameters", "Number of parameters, shared ones counted once."),
    Reading("weights_bytes", "bytes", False, "Weights", "Bytes of the parameters and buffers as loaded."),
    Reading("load_s", "s", False, "Load time", "Time from the start of loading to a model ready on its device."),
    Reading("first_request_s", "s", False, "First request",
            "Time of the first request after loading, before any warm-up (cold start)."),
    Reading("fit_s", "s", False, "Training time",
            "Wall time of the training that made the checkpoint; search, folds and teacher are not in it."),
    Reading("fit_energy_j", "J", False, "Training energy",
            "Energy of the training that made the checkpoint; search, folds and teacher are not in it."),
    Reading("fit_peak_memory_bytes", "bytes", False, "Peak memory of the training",
            "Highest memory while training: allocated by torch on a GPU, else the resident set (RSS)."),
    Reading("fit_examples_per_s", "1/s", True, "Training speed", "Examples trained on per second of the training."),
    Reading("fit_search_s", "s", False, "Search time", "Wall time of all trials of the hyper-parameter search."),
    Reading("fit_search_energy_j", "J", False, "Search energy", "Energy of all trials of the search."),
    Reading("fit_folds_s", "s", False, "Cross-validation time", "Wall time of the trainings on the folds."),
    Reading("fit_folds_energy_j", "J", False, "Cross-validation energy", "Energy of the trainings on the folds."),
    Reading("fit_teacher_s", "s", False, "Teacher's training time",
            "Wall time of all that made the checkpoint of the teacher."),
    Reading("fit_teacher_energy_j", "J", False, "Teacher's training energy",
            "Energy of all that made the checkpoint of the teacher."),
    Reading("fit_total_s", "s", False, "Training time, all",
            "Wall time of the training with its search, its folds and its teacher."),
    Reading("fit_total_energy_j", "J", False, "Training energy, all",
            "Energy of the training with its search, its folds and its teacher."),
    Reading("cost_per_1000", "currency", False, "Cost per 1000 examples",
            "Machine time and energy at the suite's prices for a thousand examples."),
    Reading("carbon_per_1000_g", "gCO2", False, "Carbon per 1000 examples",
            "Energy at the suite's carbon intensity for a thousand examples."),
)  # fmt: skip

READINGS: dict[str, Reading] = {reading.name: reading for reading in _ALL}
"""Every efficiency reading by its name."""

ALIASES: dict[str, str] = {"peak_memory_bytes": "peak_rss_bytes"}
"""Names a suite may use; on a GPU `peak_memory_bytes` is `peak_gpu_memory_bytes` (see `bench.summary`)."""

OFF = "off"
"""The measuring profile under which quality is scored alone; a record's notes name its profile."""
NOT_MEASURED = "not measured: measuring was off"
"""The reason of every reading that such a record lacks."""

METRICS = Table(
    "metric",
    "bench.metrics",
    {
        "accuracy": "bench.metrics.accuracy:Accuracy",
        "macro_f1": "bench.metrics.f1:MacroF1",
        "micro_f1": "bench.metrics.f1:MicroF1",
        "weighted_f1": "bench.metrics.f1:WeightedF1",
        "matthews": "bench.metrics.matthews:Matthews",
        "exact_match": "bench.metrics.exact_match:ExactMatch",
        "token_f1": "bench.metrics.token_f1:TokenF1",
        "bleu": "bench.metrics.bleu:Bleu",
        "chrf": "bench.metrics.chrf:ChrF",
        "ter": "bench.metrics.ter:Ter",
        "rouge1": "bench.metrics.rouge:Rouge1",
        "rouge2": "bench.metrics.rouge:Rouge2",
        "rougeL": "bench.metrics.rouge:RougeL",
        "rougeLsum": "bench.metrics.rouge:RougeLsum",
        "perplexity": "bench.metrics.perplexity:Perplexity",
        "bits_per_byte": "bench.metrics.bits_per_byte:BitsPerByte",
        "ece": "bench.metrics.calibration:CalibrationError",
    },
)
"""Quality metrics by name."""

METRIC_GROUPS: dict[str, tuple[str, ...]] = {"rouge": ("rouge1", "rouge2", "rougeL")}
"""Short names for several metrics at once."""

METRIC_TITLES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "micro_f1": "Micro F1",
    "weighted_f1": "Weighted F1",
    "matthews": "Matthews correlation",
    "exact_match": "Exact match",
    "token_f1": "Token F1",
    "bleu": "BLEU",
    "chrf": "chrF",
    "ter": "TER",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "rougeLsum": "ROUGE-Lsum",
    "perplexity": "Perplexity",
    "bits_per_byte": "Bits per byte",
    "ece": "Calibration error",
}
"""How the literature writes the built-in metrics; a plug-in's metric is shown by its name."""
