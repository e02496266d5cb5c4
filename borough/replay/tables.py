"""Rows of CSV, NDJSON and Parquet files, one by one, with the line they stand on. Files may be gzip or zstd."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from borough.errors import UsageError

#: (line, cells by column). Cells of CSV are text; a cell that is missing is not there.
Row = tuple[int, dict[str, Any]]

#: Lines of NDJSON that are looked at for the names of the columns.
_SAMPLE = 100
_PARQUET_ROWS = 8192


class Table:
    """One file. ``columns`` are its headings (of NDJSON: the keys of its first lines); an empty one is
    called ``column 1`` and so on by its place.

    ``read`` counts the bytes taken from the disk so far, of ``size``: how far a reader has come. Raises UsageError
    (file, line, reason) where the file cannot be read as what its name says.
    """

    def __init__(self, path: Path, delimiter: str = ",") -> None:
        self.path = path
        self.delimiter = delimiter
        self.kind = _kind(path)
        self._file: IO[bytes] | None = None
        self._done = 0
        try:
            self.size = path.stat().st_size
            self.columns = self._columns()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or f'cannot be read: {error}'}") from None

    @property
    def read(self) -> int:
        """Bytes read so far."""
        if self._file is None or self._file.closed:
            return self._done
        return self._file.tell()

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """All rows; of Parquet only ``columns``, which are then all that is read."""
        try:
            if self.kind == "parquet":
                yield from self._parquet_rows(columns)
            else:
                with self._text() as text:
                    yield from self._csv_rows(text) if self.kind == "csv" else self._json_rows(text)
            self._done = self.size
        except UnicodeDecodeError:
            raise UsageError(f"{self.path}: is not UTF-8 text") from None
        except (OSError, EOFError, zstandard.ZstdError, pa.ArrowInvalid) as error:
            raise UsageError(f"{self.path}: cannot be read: {str(error).splitlines()[0]}") from None

    @contextmanager
    def _text(self) -> Iterator[IO[str]]:
        with self.path.open("rb") as raw:
            self._file = raw
            if self.path.suffix == ".gz":
                with gzip.open(raw) as plain, io.TextIOWrapper(plain, encoding="utf-8-sig", newline="") as text:
                    yield text
            elif self.path.suffix == ".zst":
                with (
                    zstandard.ZstdDecompressor().stream_reader(raw, closefd=False) as unpacked,
                    io.TextIOWrapper(unpacked, encoding="utf-8-sig", newline="") as text,
                ):
                    yield text
            else:
                with io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
                    yield text

    def _columns(self) -> list[str]:
        if self.kind == "parquet":
            try:
                return list(pq.read_schema(self.path).names)
            except pa.ArrowInvalid as error:
                raise UsageError(f"{self.path}: is no Parquet file ({str(error).splitlines()[0]})") from None
        if self.kind == "ndjson":
            keys: dict[str, None] = {}
            for count, (_, row) in enumerate(self.rows()):
                keys.update(dict.fromkeys(row))
                if count == _SAMPLE:
                    break
            return list(keys)
        try:
            with self._text() as text:
                header = next(csv.reader(text, delimiter=self.delimiter), None)
        except UnicodeDecodeError:
            raise UsageError(f"{self.path}: is not UTF-8 text") from None
        except (EOFError, zstandard.ZstdError, csv.Error) as error:
            raise UsageError(f"{self.path}: cannot be read: {error}") from None
        if not header:
            raise UsageError(f"{self.path}, line 1: has no headings")
        twice = next((name for name in header if name and header.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"{self.path}, line 1: the heading {twice!r} stands there twice")
        return [name or f"column {number}" for number, name in enumerate(header, 1)]

    def _csv_rows(self, text: IO[str]) -> Iterator[Row]:
        reader = csv.reader(text, delimiter=self.delimiter)
        next(reader)
        columns, width = self.columns, len(self.columns)
        try:
            for cells in reader:
                if len(cells) == width:
                    yield reader.line_num, dict(zip(columns, cells, strict=True))
                elif cells:
                    # a row of another length would put values under the wrong heading
                    raise UsageError(f"{self.path}, line {reader.line_num}: {len(cells)} cells under {width} headings")
        except csv.Error as error:
            raise UsageError(f"{self.path}, line {reader.line_num}: {error}") from None

    def _json_rows(self, text: IO[str]) -> Iterator[Row]:
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise UsageError(f"{self.path}, line {number}: no valid JSON: {error}") from None
            if not isinstance(row, dict):
                raise UsageError(f"{self.path}, line {number}: is no JSON object")
            yield number, row

    def _parquet_rows(self, columns: Sequence[str] | None) -> Iterator[Row]:
        number = 0
        with pq.ParquetFile(self.path) as file:
            total = max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(_PARQUET_ROWS, columns=None if columns is None else list(columns)):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: _plain(cell) for name, cell in row.items()}
                self._done = self.size * number // total


def _kind(path: Path) -> str:
    suffixes = [suffix for suffix in path.suffixes if suffix not in (".gz", ".zst")]
    kind = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}.get((suffixes or [""])[-1])
    if kind is None:
        raise UsageError(f"{path}: its name ends in none of .csv, .ndjson, .jsonl, .parquet (.gz and .zst after them)")
    return kind


def _plain(cell: Any) -> Any:
    """A Parquet cell as JSON would hold it."""
    if isinstance(cell, (datetime, date)):
        return cell.isoformat()
    return float(cell) if isinstance(cell, Decimal) else cell
