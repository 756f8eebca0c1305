"""What was loaded is what was saved, and a message that says how to save it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from bench.candidates.loading import LoadReport
from bench.errors import AdmissionError
from tests.admission import scenes
from tests.admission.scenes import WRITES, recorded

NAMES = ("encoder.layer.0.weight", "encoder.layer.1.weight", "classifier.weight")


@pytest.mark.parametrize(
    ("prefix", "says"),
    [
        ("module.", "DataParallel"),
        ("_orig_mod.", "compiled module"),
        ("_fsdp_wrapped_module.", "FSDP"),
        ("net.", "wrapper.net.state_dict()"),
        ("student.network.", "wrapper.student.network.state_dict()"),
    ],
)
def test_a_wrapper_around_the_names_of_weights_is_named(prefix: str, says: str) -> None:
    report = LoadReport(NAMES, tuple(prefix + name for name in NAMES), ())
    with pytest.raises(AdmissionError) as caught:
        report.check("m", "folder", ("a.weight", "b.weight", "c.weight"))
    assert f"begin with '{prefix}'" in str(caught.value) and says in str(caught.value)


def test_other_weights_are_no_wrapper() -> None:
    report = LoadReport(NAMES, ("cls.predictions.bias",), ())
    with pytest.raises(AdmissionError) as caught:
        report.check("m", "folder", ("a.weight", "b.weight", "c.weight"))
    assert "begin with" not in str(caught.value)


def padded_beyond(folder: Path) -> Any:
    """A decoder whose padding token was added to the tokenizer alone, as is usual with LLaMA."""
    module = scenes.decoder(folder)
    words = scenes.tokenizer()
    words.add_special_tokens({"pad_token": "[PAD]"})
    assert words.pad_token_id == module.get_input_embeddings().num_embeddings
    scenes.save(folder, module, words)
    return module


def test_a_padding_token_without_an_embedding_is_masked_and_does_no_harm(tmp_path: Path) -> None:
    module = padded_beyond(tmp_path)
    record = recorded(tmp_path, WRITES)
    words = scenes.tokenizer()
    for row, text in zip(record.samples, scenes.TEXTS, strict=True):
        ids = torch.tensor([words(text)["input_ids"]])
        written = module.generate(ids, max_new_tokens=6, do_sample=False, pad_token_id=0)[0, ids.shape[1] :]
        assert row.prediction == words.decode(written, skip_special_tokens=True).strip()


def test_a_text_that_holds_that_token_is_an_error(tmp_path: Path) -> None:
    padded_beyond(tmp_path)
    with pytest.raises(AdmissionError, match="a text holds '\\[PAD\\]'"):
        recorded(tmp_path, WRITES, ("red", "blue [PAD] green"))
