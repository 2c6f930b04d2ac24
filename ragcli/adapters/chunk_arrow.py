"""The rows of the chunk table as Arrow holds them: from rows, back to rows, and the schema between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ragcli.adapters.chunk_rows import PLAIN_COLUMNS, Row
from ragcli.types import Vector

COLUMNS = [*PLAIN_COLUMNS, "vector"]


def table_schema(dimension: int) -> pa.Schema:
    text, number, optional = pa.string(), pa.int64(), pa.int32()
    kinds = {"ordinal": number, "start": number, "end": number, "heading": pa.list_(text), "lead": number}
    kinds |= dict.fromkeys(("first_line", "last_line", "page"), optional)
    # Half precision: half the disk and a faster scan, and finer than what a quantized or bfloat16 embedder computes.
    kinds["vector"] = pa.list_(pa.float16(), dimension)
    return pa.schema([pa.field(name, kinds.get(name, text), nullable=kinds.get(name) is optional) for name in COLUMNS])


def stored_vector(vector: Vector, dimension: int) -> bytes:
    """The vector as it is kept. Raises ValueError unless it has that many finite numbers that are not all zero."""
    stored = np.asarray(vector, dtype=np.float32).astype(np.float16)
    if stored.shape != (dimension,) or not np.isfinite(stored).all() or not stored.any():
        raise ValueError(f"a vector must have {dimension} finite numbers that are not all zero")
    return stored.tobytes()


def as_table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    vectors = np.frombuffer(b"".join(row["vector"] for row in rows), dtype=np.float16)
    columns = [pa.array([row[name] for row in rows], schema.field(name).type) for name in PLAIN_COLUMNS]
    columns.append(pa.FixedSizeListArray.from_arrays(pa.array(vectors), schema.field("vector").type.list_size))
    return pa.Table.from_arrays(columns, schema=schema)


def as_rows(found: pa.Table) -> list[Row]:
    columns = [_plain(found[name]) for name in PLAIN_COLUMNS]
    vectors = [vector.tobytes() for vector in matrix(found)]
    return [dict(zip(COLUMNS, values, strict=True)) for values in zip(*columns, vectors, strict=True)]


def matrix(found: pa.Table) -> np.ndarray[Any, Any]:
    """The vectors of the rows, one beside the other: (rows, dimension), of half precision."""
    column = found["vector"].combine_chunks()
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), column.type.list_size)


def _plain(column: pa.ChunkedArray) -> list[Any]:
    # Rotten bytes need not be text any more. They shall fail the seal of their row, not the reading of all the others.
    if pa.types.is_string(column.type):
        return [_decoded(value) for value in column.cast(pa.binary()).to_pylist()]
    if pa.types.is_list(column.type):
        return [[_decoded(value) for value in values] for values in column.cast(pa.list_(pa.binary())).to_pylist()]
    return column.to_pylist()


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", "replace")
