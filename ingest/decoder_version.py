"""What decides how a message is read, as fingerprints: what was stored can be explained by them later."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable

from ingest.options import CollectorOptions


def decoder_version(options: CollectorOptions) -> str:
    """The program's version and a fingerprint of what decides how a message is read.

    That is the package ``devices``, mapping files of the borough's own, and the subscriptions.
    """
    mark = blake2b(digest_size=6)
    for path, content in sorted(_sources(files("devices"), "")):
        mark.update(path.encode() + b"\0" + content)
    for name in sorted(options.formats):
        mark.update(repr((name, options.formats[name].topics, options.formats[name].version)).encode())
    mark.update(repr([(item.topic, item.format) for item in options.subscriptions]).encode())
    mark.update("".join(item.source for item in options.subscriptions).encode())
    return f"{version('borough-telemetry')}+{mark.hexdigest()}"


def format_marks(options: CollectorOptions) -> dict[str, str]:
    """A fingerprint of the decoder of each format that the subscriptions name: of the program and of its mapping."""
    return {
        name: blake2b(_program() + repr((name, options.formats[name].version)).encode(), digest_size=6).hexdigest()
        for name in sorted({item.format for item in options.subscriptions})
    }


@cache
def _program() -> bytes:
    mark = blake2b()
    for path, content in sorted(_sources(files("devices"), "")):
        mark.update(path.encode() + b"\0" + content)
    return mark.digest()


def _sources(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _sources(item, f"{path}{item.name}/")
        elif item.name.endswith((".py", ".toml")):
            yield path + item.name, item.read_bytes()
