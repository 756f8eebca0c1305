"""An encoder's other heads, and pairs of texts: what transformers itself computes, one text at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from bench.candidates import FAMILIES
from bench.candidates.interface import Context
from bench.candidates.pairs import Pair
from bench.errors import UnsupportedError
from bench.fit.job import FitTask
from bench.fit.session import fit
from bench.suite import DataSpec, ModelSpec, TaskSpec, VariantSpec
from bench.tasks import KINDS
from tests.checkpoints import LABELS, TEXTS
from tests.fit.jobs import make_job, rows

PAIRS = [Pair.of(f"{a}\n{b}", a, b) for a, b in zip(TEXTS, TEXTS[::-1], strict=True)]


def made(folder: Path, source: Path, kind: str, **config: Any) -> tuple[Path, Any, Any]:
    """Write a tiny encoder with another head; return its folder, the network and its tokenizer."""
    torch.manual_seed(3)
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    own = transformers.BertConfig.from_pretrained(source)
    own.update(config)
    net = getattr(transformers, kind)(own).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.3)
    net.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]  # as BERT's own says
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder, net, tokenizer


def loaded(folder: Path, ability: str, labels: tuple[str, ...] = ()) -> Any:
    spec = ModelSpec(name="tiny", family="encoder", checkpoint=str(folder))
    return FAMILIES["encoder"].load(spec, VariantSpec(), Context("cpu", ability, labels, labels))


def logits(net: Any, tokenizer: Any, *texts: Any, **options: bool) -> torch.Tensor:
    with torch.no_grad():
        return net(**tokenizer(*texts, return_tensors="pt", **options)).logits[0]


def test_a_pair_is_read_as_two_texts(tmp_path, checkpoints) -> None:
    folder, net, tokenizer = made(tmp_path, checkpoints["encoder"], "BertForSequenceClassification")
    model = loaded(folder, "classify", LABELS)
    answers = model.classify(PAIRS)
    for pair, answer in zip(PAIRS, answers, strict=True):
        right = logits(net, tokenizer, pair.first, pair.second, return_token_type_ids=True).log_softmax(-1)
        assert answer.scores == pytest.approx(right.tolist(), abs=1e-4)
    alone = model.classify([str(PAIRS[0])])[0]
    assert alone.scores != pytest.approx(answers[0].scores, abs=1e-4)
    assert answers[0].input_tokens == model.length(PAIRS[0]) > model.length(PAIRS[0].first)


def test_each_label_by_itself(tmp_path, checkpoints) -> None:
    problem = {"problem_type": "multi_label_classification"}
    folder, net, tokenizer = made(tmp_path, checkpoints["encoder"], "BertForSequenceClassification", **problem)
    answers = loaded(folder, "mark", LABELS[::-1]).mark(TEXTS)
    for text, answer in zip(TEXTS, answers, strict=True):
        right = torch.nn.functional.logsigmoid(logits(net, tokenizer, text))
        assert answer.scores == pytest.approx(right.tolist()[::-1], abs=1e-4)


def test_a_number_and_an_order(tmp_path, checkpoints) -> None:
    one = {"num_labels": 1, "problem_type": "regression"}
    folder, net, tokenizer = made(tmp_path, checkpoints["encoder"], "BertForSequenceClassification", **one)
    rated = loaded(folder, "rate").rate([TEXTS[0], TEXTS[1]])
    assert rated[0].value == pytest.approx(float(logits(net, tokenizer, TEXTS[0])), abs=1e-4)
    ranked = loaded(folder, "rank").rank([TEXTS[0]], [TEXTS[1:]])[0]
    right = [float(logits(net, tokenizer, TEXTS[0], text, return_token_type_ids=True)) for text in TEXTS[1:]]
    assert ranked.scores == pytest.approx(right, abs=1e-4)


def test_a_tag_is_that_of_a_tokens_first_piece(tmp_path, checkpoints) -> None:
    names = {"id2label": {0: "O", 1: "B-PER", 2: "I-PER"}}
    folder, net, tokenizer = made(tmp_path, checkpoints["encoder"], "BertForTokenClassification", **names)
    sentence = TEXTS[2].split()
    tagged = loaded(folder, "tag", ("O", "B-PER", "I-PER")).tag([sentence])[0]
    encoded = tokenizer(sentence, is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        best = net(input_ids=encoded["input_ids"]).logits[0].argmax(-1).tolist()
    firsts = [encoded.word_ids().index(place) for place in range(len(sentence))]
    assert tagged.tags == tuple(names["id2label"][best[place]] for place in firsts)
    assert not tagged.truncated
    cut = loaded(folder, "tag", ("O", "B-PER", "I-PER")).tag([sentence * 30])[0]
    assert cut.truncated and len(cut.tags) < 30 * len(sentence)


@pytest.mark.parametrize(
    ("ability", "message"), [("mark", "problem_type"), ("rate", "has 3 outputs"), ("rank", "has 3 outputs")]
)
def test_a_head_for_something_else_is_refused(ability: str, message: str, checkpoints) -> None:
    with pytest.raises(UnsupportedError, match=message):
        loaded(checkpoints["encoder"], ability, LABELS if ability == "mark" else ())


def test_pairs_are_learnt_as_two_texts(tmp_path) -> None:
    data = rows("classification")
    examples = tuple(
        type(example)(
            example.index,
            example.id,
            {"text": str(example.columns["text"]), "text_pair": "", "label": "yes"}
            | ({"text_pair": "red", "label": "no"} if example.index % 2 else {"text_pair": "green"}),
        )
        for example in data.examples
    )
    data = type(data)(examples, "pairs", "made here")
    spec = TaskSpec(name="pairs", kind="sentence-pairs", data=DataSpec(path=Path("x.jsonl")))
    task = FitTask(spec, KINDS["sentence-pairs"].prompts["input"], data, data, ("no", "yes"))
    job = make_job("encoder", tmp_path / "out", steps=60)
    provenance = fit(
        type(job)(job.model, job.recipe, (task,), job.output, job.id, "d", job.recipe_hash, threads=1), lambda _: None
    )
    assert provenance["final_validation_accuracy"] > 0.9
