"""Looks for words in whole folders: in the bytes as they are, and in what compressed and binary files hold."""

from __future__ import annotations

import csv
import io
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pikepdf
import pyarrow.parquet as pq

from borough.replay.recording import SUFFIX, RecordingReader
from ingest import archive_files


def find(folders: Iterable[Path], words: Iterable[str], values: Iterable[float] = ()) -> list[tuple[str, str]]:
    """(word, file) of every word that a file's name or contents hold; ``values`` also as eight bytes."""
    wanted = [(word, word.encode()) for word in words]
    wanted += [(repr(value), struct.pack(order + "d", value)) for value in values for order in "<>"]
    found = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            parts = [path.name.encode(), *(contents(path) if path.is_file() else ())]
            for word, data in wanted:
                if any(data in part for part in parts):
                    found.add((word, str(path.relative_to(folder))))
    return sorted(found)


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, and all that it holds in another form."""
    data = path.read_bytes()
    yield data
    if path.suffix == ".parquet":
        out = io.StringIO()
        csv.writer(out).writerows(row.values() for row in pq.read_table(path).to_pylist())
        yield out.getvalue().encode()
    elif path.suffix == SUFFIX:
        for message in RecordingReader(path):
            yield message.topic.encode() + b" " + message.payload
    elif path.suffix == ".frames":
        for frame in archive_files.read_frames(path):
            yield "\n".join((*frame.topics, *frame.devices)).encode() + b"\n".join(frame.payloads)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif path.suffix == ".pdf":
        with pikepdf.open(path) as pdf:
            for item in pdf.objects:
                if isinstance(item, pikepdf.Stream):
                    try:
                        yield item.read_bytes()
                    except pikepdf.PdfError:  # an image's own compression
                        yield item.read_raw_bytes()
                elif isinstance(item, pikepdf.Dictionary):
                    yield item.unparse()
        if shutil.which("pdftotext"):
            yield subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True).stdout
