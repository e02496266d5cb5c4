"""What the test of docker-compose.yml in containers starts from."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.tools.containers.images import previous_schema


def test_the_schema_before_is_one_whose_migrations_are_a_row(tmp_path: Path) -> None:
    """Two branches made a migration of one number each; the merge has both, and the commit after it puts them right."""

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    versions = tmp_path / "store/alembic/versions"
    versions.mkdir(parents=True)

    def commit(*names: str) -> str:
        for name in names:
            (versions / name).write_text(name)
        git("add", "-A")
        git("commit", "-qm", " ".join(names) or "moved")
        return git("rev-parse", "HEAD")

    git("init", "-q", "-b", "main")
    commit("r0001_first.py")
    git("checkout", "-qb", "other")
    commit("r0002_other.py")
    git("checkout", "-q", "main")
    before = commit("r0002_begun.py")
    git("merge", "-qm", "both", "other")
    (versions / "r0002_other.py").rename(versions / "r0003_other.py")
    commit()
    assert previous_schema(tmp_path) == before
