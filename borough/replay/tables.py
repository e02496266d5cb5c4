"""Rows of CSV, NDJSON and Parquet files, one by one, with the line they stand on. Files may be gzip or zstd.

Whatever a file holds, little of it is in memory: rows, cells, columns and what a packed file may become are bounded.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from borough.errors import UsageError
from borough.replay import encodings, nem12
from borough.replay.headings import Headings, headings_of
from borough.replay.nem12 import Nem12Error
from borough.replay.packed import PackedError, RowBytes
from borough.replay.table_mapping import TableLayout
from devices.counts import counted
from simulators import parquet

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

#: (line, cells by column). Cells of CSV are text; a cell that is missing is not there.
Row = tuple[int, dict[str, Any]]

#: Lines among which the one with the headings is looked for.
_PREAMBLE = 1_000
#: Lines of NDJSON that are looked at for the names of the columns.
_SAMPLE = 100
#: Most columns of a file.
COLUMNS = 10_000
#: Longest text in a cell [characters; bytes in Parquet], as csv has it by itself.
CELL = 131_072
#: Of Parquet, rows and cells that are read at once, and bytes of text that are made Python's at once.
_PARQUET_ROWS, _PARQUET_CELLS, _PARQUET_TEXT = 8_192, 500_000, 16 << 20


class Table:
    """One file. ``columns`` are its headings (of NDJSON: the keys of its first lines), as `headings_of` names them.

    Texts have no blanks at their ends. ``read`` counts the bytes taken from the disk so far, of ``size``: how far a
    reader has come. Raises UsageError (file, line, reason) where the file cannot be read as what its name says.
    """

    def __init__(self, path: Path, layout: TableLayout | None = None) -> None:
        self.path = path
        self.layout = layout or TableLayout()
        self.kind = _kind(path)
        if self.kind == "csv" and self.layout.nem12:
            self.kind = "nem12"
        #: the line of the headings
        self.head = 1
        self._encoding = ""
        self._bytes: RowBytes | None = None
        self._line = 0
        self._done = 0
        try:
            self.size = path.stat().st_size
            with self._told():
                self.headings = self._headings()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or f'cannot be read: {error}'}") from None
        self.columns = self.headings.names
        if len(self.columns) > COLUMNS:
            raise UsageError(f"{path}: has {len(self.columns)} columns; {COLUMNS} are read at most")

    @property
    def line(self) -> int:
        """The line (of Parquet the row) that was read last."""
        return self._line

    @property
    def read(self) -> int:
        """Bytes read so far."""
        if self._bytes is None or self._bytes.closed:
            return self._done
        return self._bytes.position

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """All rows; of Parquet only ``columns``, which are then all that is read."""
        with self._told():
            if self.kind == "parquet":
                yield from self._parquet_rows(columns)
            else:
                read = {"csv": self._csv_rows, "ndjson": self._json_rows, "nem12": self._nem12_rows}[self.kind]
                with self._text() as text:
                    yield from read(text)
            self._done = self.size

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever is wrong with the file, as UsageError with the place and the reason."""
        try:
            yield
        except UnicodeDecodeError:
            raise UsageError(self._misread()) from None
        except Nem12Error as error:
            raise UsageError(f"{self.path}, line {self._line}: {error}") from None
        except csv.Error as error:
            raise UsageError(f"{self.path}, line {self._line + 1}: {error}") from None
        except PackedError as error:
            raise UsageError(f"{self._place()}: {error}") from None
        except parquet.TooLarge as error:
            raise UsageError(f"{self.path}: {error}") from None
        except pa.ArrowException as error:
            raise UsageError(f"{self.path}: is no whole Parquet file ({_first_line(error)})") from None
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be read: {error.strerror or _first_line(error)}") from None

    def _misread(self) -> str:
        """Where the file is not of its encoding; a packed one may be spoiled there."""
        try:
            with RowBytes(self.path, bounded=False) as whole, io.BufferedReader(whole) as plain:
                line, reason = encodings.fault(plain, self._encoding)
        except PackedError as error:
            return f"{self._place()}: {error}"
        return f"{self.path}, line {line}: {reason}"

    def _place(self) -> str:
        return f"{self.path}, after line {self._line}" if self._line else str(self.path)

    @contextmanager
    def _text(self) -> Iterator[IO[str]]:
        self._line = 0
        with RowBytes(self.path) as self._bytes, io.BufferedReader(self._bytes) as plain:
            self._encoding = encodings.encoding_of(plain.peek(4)[:4], self.layout.encoding)
            with io.TextIOWrapper(plain, encoding=self._encoding, newline="") as text:
                yield text

    def _headings(self) -> Headings:
        if self.kind == "parquet":
            parquet.check_footer(self.path)
            return headings_of(pq.read_schema(self.path).names)
        if self.kind == "nem12":
            return headings_of(nem12.COLUMNS)
        if self.kind == "ndjson":
            keys: dict[str, None] = {}
            for count, (_, row) in enumerate(self.rows()):
                keys.update(dict.fromkeys(row))
                if count == _SAMPLE or len(keys) > COLUMNS:
                    break
            return Headings(list(keys), {})
        with self._text() as text:
            return headings_of(self._behind_preamble(text)[1])

    def _behind_preamble(self, text: IO[str]) -> tuple[CsvReader, list[str], int]:
        """The rows below the headings, the headings, and how many lines stand above where those rows are counted."""
        layout, read = self.layout, self._bytes
        assert read is not None
        above = 0
        first: list[str] = []
        for _ in range(layout.skip if not layout.begins else _PREAMBLE):
            line = text.readline()
            read.behind = 0
            if layout.begins and line.lstrip(" \t\"'").startswith(layout.begins):
                first = [line]
                break
            if not line:
                break
            above += 1
        if layout.begins and not first:
            raise UsageError(
                f"{self.path}: none of its first {above} lines begins with {' or '.join(map(repr, layout.begins))}, as"
                " the mapping says (begins) of the line with the headings"
            )
        lines = chain(first, text) if first else text
        reader = csv.reader(lines, delimiter=layout.delimiter, skipinitialspace=layout.delimiter != " ")
        for cells in reader:
            read.behind = 0
            self._line = self.head = above + reader.line_num
            if any(cell.strip() for cell in cells) and not cells[0].lower().startswith("sep="):
                return reader, cells, above  # (sep= is a spreadsheet's note to itself)
        raise UsageError(f"{self.path}, line {above + 1}: has no headings")

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """The cells of a CSV file from the headings' line on, with the lines, as they stand there."""
        with self._told(), self._text() as text:
            reader, cells, above = self._behind_preamble(text)
            yield self.head, cells
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num + above, cells

    def _csv_rows(self, text: IO[str]) -> Iterator[Row]:
        reader, _, above = self._behind_preamble(text)
        columns, width, read, strip = self.columns, len(self.columns), self._bytes, str.strip
        assert read is not None
        for cells in reader:
            if not cells:
                continue
            read.behind = 0
            self._line = line = reader.line_num + above
            if len(cells) == width:
                yield line, dict(zip(columns, map(strip, cells), strict=True))
                continue
            if not any(map(strip, cells)):
                continue  # a line of blanks
            if len(cells) > width and not any(map(strip, cells[width:])):
                yield line, dict(zip(columns, map(strip, cells[:width]), strict=True))
                continue
            # a row of another length would put values under the wrong heading
            raise UsageError(
                f"{self.path}, line {line}: {counted(len(cells), 'cell')} under {counted(width, 'heading')}"
                f" (line {self.head}); mend the line, or say with skip or begins where the headings are, and with"
                " delimiter what stands between cells"
            )

    def _nem12_rows(self, text: IO[str]) -> Iterator[Row]:
        yield from nem12.rows(self._records(text))

    def _records(self, text: IO[str]) -> Iterator[tuple[int, list[str]]]:
        read = self._bytes
        assert read is not None
        reader = csv.reader(text, delimiter=self.layout.delimiter, skipinitialspace=True)
        for cells in reader:
            read.behind = 0
            self._line = reader.line_num
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells

    def _json_rows(self, text: IO[str]) -> Iterator[Row]:
        read = self._bytes
        assert read is not None
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            read.behind = 0
            self._line = number
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise UsageError(f"{self.path}, line {number}: no valid JSON: {error}") from None
            if not isinstance(row, dict):
                raise UsageError(f"{self.path}, line {number}: is no JSON object")
            yield number, {key.strip(): cell.strip() if type(cell) is str else cell for key, cell in row.items()}

    def _parquet_rows(self, columns: Sequence[str] | None) -> Iterator[Row]:
        schema = pq.read_schema(self.path)
        chosen = list(self.columns if columns is None else columns)
        for name in chosen:
            if name in self.headings.repeated:
                raise UsageError(
                    f"{self.path}: has two columns {self.headings.repeated[name].heading!r}; name them apart"
                )
        own = dict(zip(self.columns, schema.names, strict=True))
        wanted = [own[name] for name in chosen]
        parquet.check(self.path, None if columns is None else wanted)
        # a dictionary stays one: its longest text may stand in every row
        texts = [name for name in wanted if _is_text(schema.field(name).type)]
        rows = max(1, min(_PARQUET_ROWS, _PARQUET_CELLS // max(len(wanted), 1)))
        number = 0
        with pq.ParquetFile(self.path, read_dictionary=texts, buffer_size=1 << 20) as file:
            total = max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(rows, columns=wanted):
                for row in self._cells(batch, number):
                    self._line = number = number + 1
                    yield number, row
                self._done = self.size * number // total

    def _cells(self, batch: pa.RecordBatch, before: int) -> Iterator[dict[str, Any]]:
        longest = 0
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            length = _longest(column)
            if length > CELL:
                raise UsageError(
                    f"{self.path}, after row {before}: {name} holds {length} bytes; {CELL} are read at most"
                )
            longest += length
        step = max(1, _PARQUET_TEXT // max(longest, 1))
        for start in range(0, len(batch), step):
            try:
                rows = batch.slice(start, step).to_pylist()
            except (ValueError, OverflowError) as error:
                # an instant beyond the year 9999, or one of nanoseconds
                raise UsageError(f"{self.path}, after row {before + start}: {_first_line(error)}") from None
            for row in rows:
                yield {name.strip(): _plain(cell) for name, cell in row.items()}


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return any(test(kind) for test in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary))


def _longest(column: pa.Array) -> int:
    """Bytes of the longest text in a column; 0 where it holds none."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary
    if not _is_text(column.type):
        return 0
    return pc.max(pc.binary_length(column)).as_py() or 0


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _kind(path: Path) -> str:
    suffixes = [suffix for suffix in path.suffixes if suffix not in (".gz", ".zst")]
    kind = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}.get((suffixes or [""])[-1])
    if kind is None:
        raise UsageError(f"{path}: its name ends in none of .csv, .ndjson, .jsonl, .parquet (.gz and .zst after them)")
    return kind


def _plain(cell: Any) -> Any:
    """A Parquet cell as JSON would hold it."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, (datetime, date)):
        return cell.isoformat()
    return float(cell) if isinstance(cell, Decimal) else cell
