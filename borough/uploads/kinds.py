"""What a file is by its first bytes: whoever sends it may have called it anything."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import zstandard

from borough.replay import encodings
from borough.replay.packed import WINDOW
from borough.replay.recording import SUFFIX, RecordingError, RecordingReader
from dashboard.replays import Unfit

#: Bytes that are looked at, of the file and of what is packed in it.
_HEAD = 1 << 16

_TAKEN = (
    "Taken are recordings (.btr), tables (CSV, NDJSON, Parquet; CSV and NDJSON also as .gz or .zst), fleet files and"
    " mappings (TOML)."
)
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
#: Begins of what is met by mistake -> what to say.
_OTHERS = (
    (b"PK\x03\x04", "is a ZIP archive (or a spreadsheet, which is one): unpack it and upload the table in it"),
    (b"PK\x05\x06", "is an empty ZIP archive: upload the table itself"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it and upload the table in it"),
    (b"Rar!", "is a RAR archive: unpack it and upload the table in it"),
    (b"BZh", "is packed by bzip2: pack it by gzip or zstd instead"),
    (b"\xfd7zXZ\x00", "is packed by xz: pack it by gzip or zstd instead"),
    (b"%PDF", "is a PDF document"),
    (b"\x7fELF", "is a program"),
    (b"MZ", "is a program"),
    (b"\x89PNG", "is a picture"),
    (b"\xff\xd8\xff", "is a picture"),
    (b"SQLite format 3", "is a database: export the table as CSV"),
    (b"<", "is HTML or XML"),
)
_TAR = (257, b"ustar")
#: A line as TOML has it: a table's head, or a key and a value.
_TOML = re.compile(r"\[{1,2}[\w. -]+\]{1,2}\s*(#.*)?\Z|[\w.-]+\s*=")


def suffix_of(path: Path) -> str:
    """How the name of such a file ends in a replay: ``.btr``, ``.csv``, ``.ndjson.gz``, ``.parquet``, ``.toml``, …

    Raises Unfit, OSError.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise Unfit("The file is empty.")
    if _is_recording(path):
        return SUFFIX
    if head.startswith(_PARQUET):
        return ".parquet"
    for magic, unpack, suffix in ((_GZIP, _gunzip, ".gz"), (_ZSTD, _unzstd, ".zst")):
        if head.startswith(magic):
            inner = unpack(path, head)
            if inner.startswith((_GZIP, _ZSTD)):
                raise Unfit(f"The file is packed twice. {_TAKEN}")
            if inner.startswith(_PARQUET):
                raise Unfit("The file is a packed Parquet file: upload the Parquet file itself, it is packed inside.")
            kind = _text_kind(inner)
            if kind == ".toml":
                raise Unfit("The file is a packed fleet file or mapping: upload it as it is, it is small.")
            return kind + suffix
    return _text_kind(head)


def _is_recording(path: Path) -> bool:
    try:
        RecordingReader(path)
    except RecordingError:
        return False
    return True


def _gunzip(_: Path, head: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(head, _HEAD)
    except zlib.error:
        raise Unfit("The file begins as gzip does and cannot be unpacked: it is damaged or something else.") from None


def _unzstd(path: Path, _: bytes) -> bytes:
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file) as plain:
            return plain.read(_HEAD)
    except zstandard.ZstdError as error:
        if "memory" in str(error):
            raise Unfit(f"The file's zstd window is larger than {WINDOW >> 20} MB; pack it without --long.") from None
        raise Unfit("The file begins as zstd does and cannot be unpacked: it is damaged or something else.") from None


def _text_kind(head: bytes) -> str:
    for magic, words in _OTHERS:
        if head.startswith(magic) or (magic == b"<" and head.lstrip(b" \t\r\n\xef\xbb\xbf").startswith(magic)):
            raise Unfit(f"The file {words}. {_TAKEN}")
    if head[_TAR[0] :].startswith(_TAR[1]):
        raise Unfit(f"The file is a tar archive: unpack it and upload the table in it. {_TAKEN}")
    encoding = encodings.encoding_of(head[:4], "")
    # text of an encoding that its mapping names may be no UTF-8, but it has no NUL
    text = head.decode(encoding, "replace")
    if "\0" in text:
        raise Unfit(f"The file is no text, and nothing else that a replay reads. {_TAKEN}")
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("{"):
            return ".ndjson"
        if re.match(r"\[\s*(\{|\Z)", stripped):
            raise Unfit("The file is one JSON list: write one object a line instead (NDJSON).")
        return ".toml" if _TOML.match(stripped) else ".csv"
    raise Unfit("The file is blank.")
