from __future__ import annotations

from pathlib import Path

import pytest

from bench.candidates.huggingface import tokenizer_hash
from tests.checkpoints import FAMILIES, load, make_checkpoint


@pytest.mark.parametrize("family", FAMILIES)
def test_facts_name_the_tokenizer_by_its_content(family: str, tmp_path: Path) -> None:
    kind = "classification" if family == "encoder" else "translation"
    model = load(family, make_checkpoint(family, tmp_path), kind)
    found = model.facts().notes["tokenizer_hash"]
    assert len(found) == 64
    assert found == tokenizer_hash(model.tokenizer)
    model.tokenizer.add_tokens(["freight-note"])
    assert tokenizer_hash(model.tokenizer) != found
