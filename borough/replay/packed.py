"""The bytes of a table's file, as they are or packed (gzip, zstd), never more at a time than somebody can use.

A packed file of some kilobytes can hold gigabytes. So everything is unpacked piece by piece, what no row's end comes
in is cut off by who reads rows (``RowBytes.behind``), and a file that becomes very many times its size is refused.
"""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

import zstandard

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Longest row, with the line ends that are quoted in it [bytes].
ROW = 1 << 20
#: A file may become so many times its size, once it has become more than `_FREE` [bytes].
TIMES = 500
_FREE = 16 << 20
#: zstd: what levels 1 to 19 use, and what RFC 8878 (3.1.1.1.2) asks every reader to have [bytes].
WINDOW = 8 << 20
#: Bytes that are read or unpacked at once.
_PIECE = 1 << 16
#: Packed bytes that are unpacked at once: four of them can become a block of 128 kB.
_SIP = 512


class PackedError(ValueError):
    """The bytes cannot be had, or not within the bounds. The text says why."""


class RowBytes(io.RawIOBase):
    """One file's unpacked bytes. ``behind``: bytes given out since it was last set to 0, which a reader of rows does
    at each of them: more than a row may have is a PackedError (unless it is not ``bounded``), as is whatever is wrong
    with the packing.
    """

    def __init__(self, path: Path, *, bounded: bool = True) -> None:
        self.behind = 0
        self._bounded = bounded
        self._given = 0
        self._file = path.open("rb")
        self._unpacked: IO[bytes] | gzip.GzipFile | _Zstd = self._file
        if path.suffix == ".gz":
            self._unpacked = gzip.GzipFile(fileobj=self._file)
        elif path.suffix == ".zst":
            self._unpacked = _Zstd(self._file)

    @property
    def position(self) -> int:
        """Bytes taken from the disk so far."""
        return self._file.tell()

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """The next bytes; 0 at the end. Raises PackedError, OSError."""
        if self.behind > ROW and self._bounded:
            raise PackedError(f"a row has more than {ROW} bytes")
        view = memoryview(buffer).cast("B")
        try:
            data = self._unpacked.read(min(len(view), _PIECE))
        except EOFError:
            raise PackedError("is cut off: the packed data has no end") from None
        except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError, ValueError) as error:
            raise PackedError(f"cannot be unpacked: {error}") from None
        view[: len(data)] = data
        self.behind += len(data)
        self._given += len(data)
        if self._given > _FREE and self._given > TIMES * self.position:
            raise PackedError(f"becomes more than {TIMES} times its size when it is unpacked")
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Zstd:
    """Frames, one after the other. (zstandard's own reader takes the end of a torn one for the end of the data.)"""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._packed = b""
        self._ready = io.BytesIO()

    def read(self, size: int) -> bytes:
        while not (data := self._ready.read(size)):
            if not self._packed:
                self._packed = self._file.read(_SIP)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError
                return b""
            if self._frame is None:
                self._frame = self._unpacker.decompressobj()
            sip, self._packed = self._packed, b""
            try:
                self._ready = io.BytesIO(self._frame.decompress(sip))
            except zstandard.ZstdError as error:
                if "memory" in str(error):
                    raise ValueError(f"its window is larger than {WINDOW} bytes; pack it without --long") from None
                raise
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        return data
