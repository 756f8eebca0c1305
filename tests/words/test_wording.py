from __future__ import annotations

import pytest

from bench.decision.board import Column
from bench.words import wording
from tests.decision.boards import make_board


def test_names_as_they_are_spoken() -> None:
    assert wording.spoken("latency_p50_s") == "median latency"
    assert wording.spoken("energy_per_example_j") == "energy per example"
    assert wording.spoken("peak_gpu_memory_bytes") == "peak GPU memory (allocated)"
    assert (wording.spoken("bleu"), wording.spoken("accuracy"), wording.spoken("my_metric")) == (
        "BLEU",
        "accuracy",
        "my_metric",
    )


def test_sizes_and_directions() -> None:
    accuracy, latency = make_board([[0.9, 0.1]]).columns
    assert wording.difference(accuracy, -0.021) == "2.1 points lower accuracy"
    assert wording.difference(latency, 0.0204) == "20.4 ms higher p95 latency"
    assert wording.size(Column("bleu", "bleu", "score", True), -3.25) == "3.25"
    assert wording.size(accuracy, 0.0001) == "0.01 points"


def test_equal_objectives_are_left_out() -> None:
    board = make_board([[0.9, 0.10], [0.9, 0.05]])
    assert wording.differences(board, 1, 0) == "50.0 ms lower p95 latency"
    assert wording.differences(board, 1, 1) == "the same value in every objective"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "under a second"), (90, "about 90 s"), (600, "about 10 min"), (9000, "about 2 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


def test_lists_and_shares() -> None:
    assert (wording.listed([]), wording.listed(["a"]), wording.listed(["a", "b"])) == ("", "a", "a and b")
    assert (wording.percent(0.0), wording.percent(0.001), wording.percent(0.995)) == ("0 %", "under 1 %", "over 99 %")
