"""ROUGE-Lsum: the longest common subsequences, sentence by sentence, united over the summary."""

from __future__ import annotations

from bench.metrics.rouge import Rouge


class RougeLsum(Rouge):
    """ROUGE-L per sentence, united over the summary; sentences are lines, as rouge-score has it.

    So a text of one line is one sentence, and its value that of ROUGE-L.
    """

    name = "rougeLsum"
    title = "ROUGE-Lsum"
    definition = "ROUGE-L per line, united over the summary."
    sentences = "|sentences:lines"
