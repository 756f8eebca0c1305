"""Rows as Parquet."""

from dataclasses import fields

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import StoreError
from bench.record import Sample, Timing
from bench.store.parquet import SCHEMAS, from_bytes, to_bytes, to_table

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
COUNT = st.integers(0, 2**40)
SAMPLES = st.builds(
    Sample,
    index=COUNT,
    example_id=TEXT,
    reference=TEXT,
    prediction=st.none() | TEXT,
    scores=st.none() | st.lists(st.floats(allow_nan=False)).map(tuple),
    nll=st.none() | st.floats(allow_nan=False),
    scored_tokens=st.none() | COUNT,
    scored_bytes=st.none() | COUNT,
    input_tokens=COUNT,
    output_tokens=COUNT,
    truncated=st.booleans(),
    group=st.none() | TEXT,
)


@given(st.lists(SAMPLES, max_size=4))
def test_samples_come_back_as_they_were(samples):
    assert from_bytes(to_bytes(samples, Sample), Sample, "a.parquet") == tuple(samples)


def test_columns_are_the_fields_in_their_order():
    for kind, schema in SCHEMAS.items():
        assert schema.names == [field.name for field in fields(kind)]


def test_what_is_written_is_compressed():
    content = to_bytes([Timing("latency", 0, 0, (1,), 5)], Timing)
    assert pq.ParquetFile(pa.BufferReader(content)).metadata.row_group(0).column(0).compression == "ZSTD"


def test_no_rows_make_a_table_with_the_columns():
    assert to_table([], Timing).num_rows == 0
    assert to_table([], Timing).schema == SCHEMAS[Timing]


def changed(change):
    """Returns a file of samples whose table was changed."""
    sink = pa.BufferOutputStream()
    pq.write_table(change(to_table([Sample(0, "0", "x", "y")], Sample)), sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"PAR1 no", "cannot be read"),
        (b"", "cannot be read"),
        (to_bytes([Sample(0, "0", "x", "y")], Sample)[:-20], "cannot be read"),
        (changed(lambda table: table.drop_columns(["reference"])), "no column 'reference'"),
        (changed(lambda table: table.select(["index"])), "no column 'example_id'"),
        (changed(lambda table: table.set_column(0, "index", pa.array(["a"]))), "string in the column 'index'"),
        (to_bytes([Timing("latency", 0, 0, (1,), 5)], Timing), "no column 'index'"),
    ],
)
def test_what_is_no_file_of_such_rows_says_what_to_do(content, why):
    with pytest.raises(StoreError, match=rf"a\.parquet.*{why}.*--rerun"):
        from_bytes(content, Sample, "rows/a.parquet")


def test_a_column_of_a_later_version_may_be_missing():
    content = changed(lambda table: table.drop_columns(["answers"]))
    assert from_bytes(content, Sample, "a.parquet") == (Sample(0, "0", "x", "y"),)
