"""Several boroughs on one server: the same street in each, as copies, and a boroughs file that names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from tests.tools.load import ask
from tests.tools.servers import Cluster
from tests.worlds.neighbourhood import Street

#: A password that must never become text that anybody sees.
SECRET = "hidden-word"
_DAYS = 35


@dataclass
class Boroughs:
    """Databases by the name of their borough; ``file`` names them all."""

    cluster: Cluster
    folder: Path
    databases: dict[str, str]
    file: Path

    def url(self, name: str) -> str:
        """Where a borough's database is."""
        return self.cluster.url(self.databases[name])

    def settings(self, name: str, *lines: str) -> Path:
        """Write a borough's settings file anew, with more or other lines."""
        path = self.folder / f"{name}.env"
        path.write_text("\n".join([f"# {name}", f"BOROUGH_DATABASE_URL={self.url(name)}", *lines]) + "\n")
        return path

    def compared(self, name: str) -> list[tuple[object, ...]]:
        """What `analysed` says of a borough."""
        return analysed(self.url(name))


def analysed(url: str) -> list[tuple[object, ...]]:
    """All that an analysis leaves in a database and that does not name the second in which it ran."""
    questions = (
        "select * from personal.comparison order by kind, from_day, fuel, tenancy_id",
        "select fuel, month, home_id, watt_hours, minutes from personal.daily_use order by 1, 2, 3",
        "select kind, from_day, to_day, fuel, quarter, members from personal.comparison_run order by 1, 2, 3, 4",
        "select quarter, home_id, tenancy_id, cell from personal.cell_member order by 1, 2",
        "select family, day from touched_day order by 1, 2",
    )
    return [row for question in questions for row in ask(url, question)]


@contextmanager
def street(cluster: Cluster, homes: int = 60) -> Iterator[str]:
    """A database with a street of so many homes and five weeks of their days, not analysed."""
    name = cluster.create()
    Street(cluster.url(name), homes).build(date(2026, 6, 1), _DAYS)
    yield name
    cluster.drop(name)


@contextmanager
def boroughs(cluster: Cluster, folder: Path, names: Sequence[str], first: str) -> Iterator[Boroughs]:
    """Boroughs with these names, each a copy of the database ``first``."""
    databases = {name: cluster.copy(first) for name in names}
    file = folder / "boroughs.toml"
    made = Boroughs(cluster, folder, databases, file)
    file.write_text("\n".join(f'[[borough]]\nname = "{name}"\nsettings = "{made.settings(name)}"\n' for name in names))
    yield made
    for database in databases.values():
        cluster.drop(database)


def wrong_password(url: str) -> str:
    """The same database with a password that is not its own."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}:{SECRET}@{host}").geturl()
