"""Files, columns, limits, and what a wrong row says."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.data import stored
from bench.data.source import load, overlap
from bench.errors import DataError
from bench.suite import DataSpec
from bench.tasks import KINDS

ROWS = [{"text": f"note {index}", "label": index % 3, "id": f"n{index}", "group": "g"} for index in range(10)]


def jsonl(folder: Path, rows: list[dict[str, Any]] = ROWS, name: str = "data.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    return path


def load_file(path: Path, kind: str = "classification", **options: Any) -> Any:
    columns = options.pop("columns", {})
    return load(DataSpec(path=path, columns=columns), KINDS[kind].columns, base=Path(), **options)


def test_the_same_rows_from_every_format(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS)
    frame.to_csv(tmp_path / "data.csv", index=False)
    frame.to_csv(tmp_path / "data.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "data.parquet")
    expected = load_file(jsonl(tmp_path))
    assert expected.examples[4].columns == {"text": "note 4", "label": "1"}
    assert expected.examples[4].id == "n4" and expected.examples[4].group == "g"
    for name in ("data.csv", "data.tsv", "data.parquet"):
        assert load_file(tmp_path / name).hash == expected.hash


def test_a_folder_of_splits(tmp_path: Path) -> None:
    jsonl(tmp_path, ROWS[:3], "test.jsonl")
    jsonl(tmp_path, ROWS[3:], "train.jsonl")
    assert len(load(DataSpec(path=tmp_path), KINDS["classification"].columns, base=Path()).examples) == 3
    with pytest.raises(DataError, match="did you mean 'train'"):
        load(DataSpec(path=tmp_path, split="trian"), KINDS["classification"].columns, base=Path())


def test_columns_are_mapped_and_dots_reach_inside(tmp_path: Path) -> None:
    path = jsonl(tmp_path, [{"translation": {"en": "a", "de": "b"}}])
    data = load_file(path, "translation", columns={"source": "translation.en", "target": "translation.de"})
    assert data.examples[0].columns == {"source": "a", "target": "b"}


def test_a_nested_column_that_is_missing_names_its_neighbours(tmp_path: Path) -> None:
    path = jsonl(tmp_path, [{"item": {"description": "a"}, "short": "b"}])
    with pytest.raises(DataError, match=r"no column 'item.desc' \(it has: item.description\); did you mean 'item.desc"):
        load_file(path, "summarisation", columns={"document": "item.desc", "summary": "short"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"text": "a", "label": "x"}\n{"text": "b", "label": }\n', r"data.jsonl:2:24: this row is not JSON"),
        ("[1]\n", r"data.jsonl:1:1: this row is a list"),
        (
            '{"text": "a", "lable": "x"}\n',
            r"row 1 has no column 'label' \(it has: text, lable\); did you mean 'lable'",
        ),
        ('{"text": "a", "label": null}\n', "'label' is empty"),
        ('{"text": {"a": 1}, "label": "x"}\n', r"'text' is a dict, not a text; name a part of it, such as 'text.a'"),
        ("", "no rows"),
        ('{"text": "a", "label": "x"}\n' + "[" * 100_000 + "\n", r"data.jsonl:2: this row is nested too deep"),
        (
            '{"text": "a", "label": ' + "9" * 5_000 + "}\n",
            r"data.jsonl:1: .* more than 4300 digits; write",
        ),
        ('{"text": "a", "label": "x", "text": "b"}\n', r"data.jsonl:1: the name 'text' of an object is there 2 times"),
        ('{"text": "half \\ud83d", "label": "x"}\n', r"row 1: 'text' holds half of a character at position 6"),
        ('{"text": "a", "label": "x", "id": "\\ud83d"}\n', r"row 1: 'id' holds half of a character"),
        ('{"text": "a\x01", "label": "x"}\n', r"data.jsonl:1:12: this row is not JSON \(Invalid control character"),
    ],
)
def test_wrong_rows_say_where_and_what_to_do(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        load_file(path)


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    jsonl(tmp_path)
    with pytest.raises(DataError, match=r"did you mean 'data.jsonl'"):
        load_file(tmp_path / "dta.jsonl")
    (tmp_path / "data.xlsx").write_text("x")
    with pytest.raises(DataError, match=r"cannot read '.xlsx' files"):
        load_file(tmp_path / "data.xlsx")
    (tmp_path / "bad.parquet").write_text("x")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        load_file(tmp_path / "bad.parquet")
    (tmp_path / "short.csv").write_text("text,label\na\n")
    with pytest.raises(DataError, match=r"short.csv:2: this row has 1 field and the header 2"):
        load_file(tmp_path / "short.csv")


def test_a_limit_is_a_seeded_sample_in_the_datas_order(tmp_path: Path) -> None:
    path = jsonl(tmp_path)
    first = load_file(path, max_examples=4, seed=1)
    ids = [int(example.id[1:]) for example in first.examples]
    assert ids == sorted(ids) and len(ids) == 4
    assert [example.index for example in first.examples] == [0, 1, 2, 3]
    assert load_file(path, max_examples=4, seed=1).hash == first.hash
    assert load_file(path, max_examples=4, seed=2).hash != first.hash
    assert first.notes["rows_available"] == 10


def test_duplicates_and_empty_references_are_counted(tmp_path: Path) -> None:
    rows = [
        {"document": "a", "summary": "x"},
        {"document": "a", "summary": " "},
        {"document": "b", "summary": "y"},
    ]
    data = load_file(jsonl(tmp_path, rows), "summarisation")
    assert data.notes["duplicates"] == 1
    assert data.notes["empty_references"] == 1


def test_ids_that_are_not_one_row_s_are_counted(tmp_path: Path) -> None:
    rows = [{"text": str(place), "label": "x", "id": name} for place, name in enumerate("aab")]
    assert load_file(jsonl(tmp_path, rows)).notes["duplicate_ids"] == 1
    assert load_file(jsonl(tmp_path)).notes["duplicate_ids"] == 0


def test_overlap_counts_shared_inputs(tmp_path: Path) -> None:
    first, second = (
        load_file(jsonl(tmp_path, ROWS[:6], "a.jsonl")),
        load_file(jsonl(tmp_path, ROWS[4:], "b.jsonl")),
    )
    assert overlap(first, second, KINDS["classification"].columns) == 2


def test_what_is_stored_is_read_back(tmp_path: Path) -> None:
    data = load_file(jsonl(tmp_path))
    path = stored.write(data, tmp_path / "results")
    assert stored.read(path) == data
    assert stored.write(data, tmp_path / "results") == path


def test_pydocs_has_three_disjoint_configurations() -> None:
    for config, kind in (
        ("summary", "summarisation"),
        ("package", "classification"),
        ("text", "language-modelling"),
    ):
        parts = [
            load(DataSpec(builtin="pydocs", config=config, split=split), KINDS[kind].columns, base=Path())
            for split in ("train", "validation", "test")
        ]
        assert all(len(part.examples) > 50 for part in parts)
        assert overlap(parts[0], parts[2], KINDS[kind].columns) == 0
        assert parts[0].notes["python_version"]


def test_pydocs_masks_the_package_that_is_asked_for() -> None:
    data = load(DataSpec(builtin="pydocs", config="package"), KINDS["classification"].columns, base=Path())
    labels = {example.columns["label"] for example in data.examples}
    assert 8 <= len(labels) <= 12
    for example in data.examples:
        assert example.columns["label"].lower() not in example.columns["text"].lower().replace("_", " ").split()


def test_the_hub_without_a_network_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.errors import HubError

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(HubError, match=r"no such data set|cannot be reached"):
        load(DataSpec(hub="nobody/nothing-at-all"), KINDS["classification"].columns, base=Path())


def test_a_dotted_path_reaches_into_a_list(tmp_path: Path) -> None:
    path = jsonl(tmp_path, [{"text": "q", "answers": {"text": ["first", "second"]}}])
    data = load_file(path, "classification", columns={"label": "answers.text.1"})
    assert data.examples[0].columns["label"] == "second"


def test_a_mapped_name_that_the_kind_does_not_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="maps 'txt', which this kind of task does not use; did you mean 'text'"):
        load_file(jsonl(tmp_path), columns={"txt": "body"})


def test_groups_are_for_all_rows_or_for_none(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": "x", "group": "g"}, {"text": "b", "label": "x"}, {"text": "c", "label": "x"}]
    with pytest.raises(DataError, match="row 2 has no 'group', and 1 of 3 rows have one; give every row a group"):
        load_file(jsonl(tmp_path, rows))
    frame = pd.DataFrame({"text": ["a", "b"], "label": ["x", "x"], "group": [1.0, None]})
    frame.to_parquet(tmp_path / "data.parquet")
    with pytest.raises(DataError, match="row 2 has no 'group'"):
        load_file(tmp_path / "data.parquet")


@pytest.mark.parametrize(("kind", "name"), [("classification", "group"), ("question-answering", "context")])
def test_a_column_that_may_be_missing_must_be_there_once_it_is_mapped(tmp_path: Path, kind: str, name: str) -> None:
    row = {"text": "a", "label": "x", "question": "q", "answers": ["x"], "customer": "c"}
    with pytest.raises(DataError, match=f"no row has the column 'custmer', which 'columns' maps to '{name}'.*customer"):
        load_file(jsonl(tmp_path, [row]), kind, columns={name: "custmer"})
    assert load_file(jsonl(tmp_path, [row]), kind, columns={name: "customer"}).examples


def test_not_a_number_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('{"text": "a", "label": NaN}\n')
    with pytest.raises(DataError, match="'label' is empty"):
        load_file(tmp_path / "data.jsonl")


def test_two_files_of_one_split_are_not_chosen_between(tmp_path: Path) -> None:
    for name in ("test.jsonl", "test.json"):
        jsonl(tmp_path, ROWS[:2], name)
    with pytest.raises(DataError, match=r"several files for the split 'test' \(test.json, test.jsonl\)"):
        load_file(tmp_path)


def test_a_csv_field_may_be_a_whole_document(tmp_path: Path) -> None:
    path, document = tmp_path / "data.csv", "word " * 40_000
    path.write_text(f"document,summary\n{document},short\n")
    assert load_file(path, "summarisation").examples[0].columns["document"] == document


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    expected = load_file(jsonl(tmp_path)).hash
    marked = tmp_path / "marked.jsonl"
    marked.write_text(jsonl(tmp_path).read_text(), encoding="utf-8-sig")
    assert load_file(marked).hash == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.csv", b"text;label\na;x\n", "with semicolons in it, where commas are expected between fields; save it"),
        ("data.csv", b"text\tlabel\na\tx\n", r"with tabs in it, where commas are expected .* name it '.tsv'"),
        ("data.tsv", b"text,label\na,x\n", "with commas in it, where tabs are expected between fields"),
        ("data.csv", b"text,label,text\na,x,b\n", r"data.csv:1: the column 'text' of the header is there 2 times"),
        ("data.csv", b"text,label,,\na,x,,\n", r"data.csv:1: 2 columns of the header have no name; .* delete them"),
        ("data.csv", b"text,label\r\na,x\r\n,\r\n", r"data.csv:3: every field of this row is empty.*; delete the row"),
        ("data.csv", b"text,label\na,x\nb,caf\xe9\n", r"data.csv:3: not UTF-8 text \(byte 0xe9\); .*WINDOWS-1252"),
        ("data.csv", "text,label\na,x\n".encode("utf-16"), r"data.csv:1: not UTF-8 text .*iconv -f UTF-16"),
        ("data.jsonl", b'{"text": "a", "label": "x"}\n{"text": "\xe9"}\n', r"data.jsonl:2: not UTF-8 text"),
        ("data.csv", b'text,label\n"a,x\n', r"data.csv:2: unexpected end of data; check the quotes"),
    ],
)
def test_a_file_of_another_shape_names_the_place_and_the_remedy(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_file(tmp_path / name)


def test_parquet_with_dates_that_python_has_none_for_and_with_columns_of_one_name(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    late = pa.table({"text": ["a"], "label": ["x"], "day": pa.array([2**30], pa.date32())})
    pq.write_table(late, tmp_path / "late.parquet")
    with pytest.raises(DataError, match=r"the column 'day' \(date32\[day\]\) cannot be read: .*; write it as text"):
        load_file(tmp_path / "late.parquet")
    pq.write_table(pa.table([["a"], ["x"], ["y"]], names=["text", "label", "label"]), tmp_path / "twice.parquet")
    with pytest.raises(DataError, match="the column 'label' of the table is there 2 times"):
        load_file(tmp_path / "twice.parquet")


def test_fields_of_a_csv_may_hold_line_ends(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b'text,label\r\n"a\r\nb",x\r\n\r\n')
    (example,) = load_file(tmp_path / "data.csv").examples
    assert example.columns == {"text": "a\r\nb", "label": "x"}


def test_a_large_file_gives_what_a_small_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"text": f"note {number % 40}", "label": "ab"[number % 2], "id": f"n{number}"} for number in range(50)]
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "data.csv", index=False)
    for path in (jsonl(tmp_path, rows), tmp_path / "data.csv"):
        for limit in (None, 30):
            held = load_file(path, max_examples=limit)
            monkeypatch.setattr("bench.data.examples.HELD", 9)
            read = load_file(path, max_examples=limit)
            monkeypatch.undo()
            assert isinstance(held.examples, tuple) and not isinstance(read.examples, tuple)
            assert (read.hash, read.notes, read.origin) == (held.hash, held.notes, held.origin)
            assert tuple(read.examples) == tuple(read.examples) == held.examples
            assert read.examples[7] == held.examples[7] and read.examples[-1] == held.examples[-1]
            assert read.examples[:5] == held.examples[:5] and read.examples[10:2:-3] == held.examples[10:2:-3]
            assert len(read.examples) == len(held.examples)
            with pytest.raises(IndexError):
                read.examples[50]
            columns = KINDS["classification"].columns
            assert held.expected_texts(columns) == replace(held, expected=None).expected_texts(columns) == {"a", "b"}


def test_a_file_is_never_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.data.examples.HELD", 100)
    path = jsonl(tmp_path, [{"text": f"{number} {'x' * 500}", "label": "a"} for number in range(6000)])
    for limit in (None, 50):
        load_file(path, max_examples=limit)  # what is imported stays
        tracemalloc.start()
        load_file(path, max_examples=limit)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < path.stat().st_size / 2


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.data.examples.HELD", 3)
    path = jsonl(tmp_path)
    data = load_file(path)
    jsonl(tmp_path, ROWS[:9])
    with pytest.raises(DataError, match="changed while"):
        tuple(data.examples)
