"""Rejected messages tried and taken for the pages, by the settings of the site: those of the collector, it is hoped.

A mapping that stands in a form is tried and no more. What is taken is read by what is installed, and only where the
collectors that run read it by the same: what is stored can then be explained, and the next message is read alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from borough.settings.collector import collector_options
from borough.settings.settings import Settings
from devices.decoders.mapped import json_format
from devices.decoding import Format
from devices.mapping import MappingError
from devices.mapping_reader import read_mapping
from devices.tried import NotTried, Taken, Tried
from ingest import retry, trial
from ingest.errors import OptionsError
from ingest.options import CollectorOptions
from store.connect import connect
from store.rejected import RejectedMessage
from store.tombstones import WrongKey


class Trials:
    """As `dashboard.options.Trials` says. Settings' files are read anew each time: what is installed changes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def formats(self) -> Sequence[str]:
        """Formats that the subscriptions name. Raises NotTried."""
        with _told():
            return sorted({item.format for item in self._options().subscriptions})

    def differing(self) -> Sequence[tuple[str, str]]:
        """Collectors and formats that they read otherwise than this site. Raises NotTried; psycopg.Error."""
        with _told():
            options = self._options()
            with connect(options.database_url, "borough rejected", autocommit=True) as connection:
                return retry.differing(connection, options)

    def installed(self, mapping: str) -> bool:
        """Whether a format that a subscription names is read with this very mapping. Raises NotTried."""
        with _told():
            found, options = _format(mapping), self._options()
            return any(options.formats[item.format].version == found.version for item in options.subscriptions)

    def try_again(
        self, messages: Sequence[RejectedMessage], mapping: str | None, instead: str | None
    ) -> Sequence[Tried]:
        """What would become of messages. Raises NotTried; psycopg.Error."""
        with _told():
            found = None if mapping is None else _format(mapping)
            return trial.try_again(self._options(), messages, found, instead)

    def take(self, messages: Sequence[RejectedMessage], account_id: int | None) -> Taken:
        """Take messages once more, as things are. Raises NotTried; psycopg.Error."""
        with _told():
            done = retry.retry(self._options(), messages, account_id)
            return Taken(len(done.taken), len(done.rejected), len(done.gone), len(done.missing), done.anew)

    def _options(self) -> CollectorOptions:
        return collector_options(self._settings)


def _format(text: str) -> Format:
    return json_format(read_mapping(text, "the mapping"))


@contextmanager
def _told() -> Iterator[None]:
    """What keeps us from trying, as the pages say it."""
    try:
        yield
    except (OptionsError, MappingError, trial.NoFormat, WrongKey, retry.OtherDecoders) as error:
        raise NotTried(str(error)) from None
