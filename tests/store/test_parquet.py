"""Rows as Parquet."""

from dataclasses import fields

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import StoreError
from bench.record import Sample, Timing
from bench.store.parquet import SCHEMAS, read_rows, to_table, write_rows

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
COUNT = st.integers(0, 2**40)
SAMPLES = st.builds(
    Sample,
    index=COUNT, example_id=TEXT, reference=TEXT, prediction=st.none() | TEXT,
    scores=st.none() | st.lists(st.floats(allow_nan=False)).map(tuple),
    nll=st.none() | st.floats(allow_nan=False),
    scored_tokens=st.none() | COUNT, scored_bytes=st.none() | COUNT,
    input_tokens=COUNT, output_tokens=COUNT, truncated=st.booleans(), group=st.none() | TEXT,
)  # fmt: skip


@given(st.lists(SAMPLES, max_size=4))
def test_samples_come_back_as_they_were(tmp_path_factory, samples):
    path = tmp_path_factory.mktemp("rows") / "a.parquet"
    write_rows(path, samples, Sample)
    assert read_rows(path, Sample) == tuple(samples)


def test_columns_are_the_fields_in_their_order():
    for kind, schema in SCHEMAS.items():
        assert schema.names == [field.name for field in fields(kind)]


def test_files_are_compressed_and_nothing_else_is_left(tmp_path):
    write_rows(tmp_path / "a.parquet", [Timing("latency", 0, 0, (1,), 5)], Timing)
    assert pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(0).column(0).compression == "ZSTD"
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_no_rows_make_a_table_with_the_columns():
    assert to_table([], Timing).num_rows == 0
    assert to_table([], Timing).schema == SCHEMAS[Timing]


def test_a_damaged_file_says_what_to_do(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(StoreError, match=r"a\.parquet cannot be read: .*--rerun"):
        read_rows(tmp_path / "a.parquet", Sample)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(StoreError, match=r"a\.parquet is missing"):
        read_rows(tmp_path / "a.parquet", Sample)
