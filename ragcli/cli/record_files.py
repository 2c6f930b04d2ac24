"""Where the records of many files go: standard output, or a file that a later run goes on with."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from ragcli.cli.record_shapes import PLACES, columns_of, extracted_shape, table_rows
from ragcli.cli.session import Session
from ragcli.cli.showing import json_shapes
from ragcli.errors import SourceError, UsageError
from ragcli.steps.cleaning import clean
from ragcli.types import Extracted

Form = Literal["ndjson", "csv"]
KEPT = frozenset({"filled", "nothing"})
"""Outcomes that are final as long as the file is as it was; what was skipped or failed is tried again."""


def job_of(schema: Mapping[str, Any], about: str) -> str:
    """A name for what was asked, the same for the same schema and words."""
    return hashlib.sha256(json.dumps([schema, about.strip()], sort_keys=True).encode()).hexdigest()[:16]


class RecordFile:
    """Takes one record after another. ``done`` are those that are there already, by path and digest."""

    def __init__(self, write: Any, form: Form, schema: Mapping[str, Any], job: str, done: frozenset[tuple[str, str]]) -> None:
        self.done = done
        self.written = 0
        self._write, self._form, self._job = write, form, job
        self._columns = columns_of(schema)
        if form == "csv":
            self._write(_csv_line([*PLACES, *self._columns]))

    def add(self, event: Extracted) -> None:
        """The record is written."""
        self.written += 1
        if self._form == "csv":
            for row in table_rows(event, self._columns):
                self._write(_csv_line(row))
        else:
            self._write(json_shapes.dump(extracted_shape(event, self._job), ascii_only=True) + "\n")


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    # Tables have no way to escape what a terminal would obey, and people look at them there.
    csv.writer(line, lineterminator="\r\n").writerow(map(clean, cells))
    return line.getvalue()


@contextmanager
def open_output(session: Session, file: Path | None, form: Form, schema: Mapping[str, Any], job: str) -> Iterator[RecordFile]:
    """Raises UsageError ``bad-argument`` where the file holds something else; SourceError ``path-unreadable``."""
    if file is None:
        yield RecordFile(lambda text: session.say([text.removesuffix("\n").removesuffix("\r")]), form, schema, job, frozenset())
        return
    if form == "csv" and file.exists():
        hint = "choose another name; a run that writes ndjson can be gone on with"
        raise UsageError("bad-argument", f"there is a file {file} already", hint=hint)
    with _failures_told(file):
        kept = read_records(file, job) if file.exists() else {}
        stream = _written_anew(file, kept)

    def write(text: str) -> None:
        with _failures_told(file):
            stream.write(text)
            stream.flush()

    done = frozenset((path, line["digest"]) for path, (line, _) in kept.items())
    with stream:
        target = RecordFile(write, form, schema, job, done)
        try:
            yield target
        finally:
            if not (target.written or kept):
                file.unlink()  # as if it had never begun
    if form == "ndjson" and file.exists():
        with _failures_told(file):
            _written_anew(file, read_records(file, job, every=True)).close()


@contextmanager
def _failures_told(file: Path) -> Iterator[None]:
    """What the system refuses becomes SourceError ``path-unreadable``."""
    try:
        yield
    except OSError as error:
        hint = "choose another place with --output"
        raise SourceError("path-unreadable", f"{file} cannot be written: {error.strerror}", hint=hint) from error


def read_records(file: Path, job: str, *, every: bool = False) -> dict[str, tuple[dict[str, Any], str]]:
    """The last record of each path with its line; of those that are final, unless ``every``. A line cut short is left out.

    Raises UsageError ``bad-argument`` if the file holds anything but records of the job.
    """
    records: dict[str, tuple[dict[str, Any], str]] = {}
    for text in file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        if not text.endswith("\n"):
            continue
        record = _loaded(text)
        if record.get("job") != job:
            hint = "choose another file with --output, or give the same --schema and --about as before"
            raise UsageError("bad-argument", f"{file} holds something else than records of this schema", hint=hint)
        if every or record["outcome"] in KEPT:
            records[record["path"]] = (record, text)
    return records


def _loaded(text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _written_anew(file: Path, records: Mapping[str, tuple[dict[str, Any], str]]) -> IO[str]:
    """The file with these lines, put in its place at once, and open for more."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    stream = beside.open("x", encoding="utf-8", newline="")
    try:
        beside.chmod(0o600)
        stream.writelines(line for _, line in records.values())
        stream.flush()
        os.fsync(stream.fileno())
        beside.replace(file)
    except OSError:
        stream.close()
        beside.unlink(missing_ok=True)
        raise
    return stream
