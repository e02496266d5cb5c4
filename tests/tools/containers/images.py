"""Images for docker-compose.yml where no registry of images can be reached: made of Debian 13's packages.

The Dockerfile is built as it stands, but that its first line names such a base. Database and broker are stand-ins for
the images that docker-compose.yml names, with their users, folders and start.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.parts import SUITE
from tests.judges.sources import NotHad
from tests.tools.containers.daemon import PATIENCE, Docker

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
_MIGRATIONS = "store/alembic/versions"
BASE = f"borough-test/debian:{SUITE}"


def _named(name: str) -> str:
    """An image's name, that of another where its recipe has changed."""
    recipe = b"".join(path.read_bytes() for path in sorted(HERE.glob(f"{name}.*")))
    return f"borough-test/{name}:{hashlib.sha256(recipe).hexdigest()[:12]}"


PYTHON, DATABASE, BROKER = (_named(name) for name in ("python", "database", "broker"))
#: What this machine trusts and asks packages of, so that an image that is being made can do the same.
_TRUSTED = ("etc/pip.conf", "etc/ssl/certs/ca-certificates.crt")


def prepare(docker: Docker) -> None:
    """Make what images are made of, and the stand-ins; what is there already is kept. Raises NotHad."""
    with tempfile.TemporaryDirectory(prefix="borough-images-") as work:
        folder = Path(work)
        if not docker.has(BASE):
            _debootstrap(docker, folder)
        for path in _TRUSTED:
            if Path("/", path).exists():
                (folder / "trusted" / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(Path("/", path), folder / "trusted" / path)
        for recipe in HERE.iterdir():
            if recipe.suffix in (".Dockerfile", ".sh"):
                shutil.copy(recipe, folder)
        for name, image in (("python", PYTHON), ("broker", BROKER), ("database", DATABASE)):
            if not docker.has(image):
                build(docker, folder, image, f"{name}.Dockerfile", "--build-arg", f"BASE={BASE}")


def service(docker: Docker, source: Path, image: str) -> None:
    """Build the service's image of a checkout, from its own Dockerfile."""
    text = (source / "Dockerfile").read_text()
    changed, count = re.subn(r"(?m)^FROM python:\S+", f"FROM {PYTHON}", text)
    if count != 2:
        raise RuntimeError(f"the Dockerfile names its base {count} times")
    (source / "here.Dockerfile").write_text(changed)
    build(docker, source, image, "here.Dockerfile")


def checkout(revision: str, folder: Path) -> Path:
    """The files of a commit. Raises RuntimeError where this clone has it not."""
    folder.mkdir()
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", revision], capture_output=True, check=False)
    if packed.returncode != 0:
        raise RuntimeError(packed.stderr.decode())
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    return folder


def previous_schema(root: Path) -> str:
    """The newest commit whose migrations are all of this checkout's but the last ones, as few as can be.

    The commit before the one that added the newest is none: where branches were merged, its migrations may be no row
    yet. Raises RuntimeError where this clone does not go back so far.
    """
    ours = sorted(path.name for path in (root / _MIGRATIONS).glob("r*.py"))
    best, most = "", 0
    for commit in _git(root, "log", "--full-history", "--format=%H", "--", _MIGRATIONS).split():
        listed = _git(root, "ls-tree", "--name-only", f"{commit}:{_MIGRATIONS}").split()
        its = sorted(name for name in listed if name.startswith("r") and name.endswith(".py"))
        if most < len(its) < len(ours) and its == ours[: len(its)]:
            best, most = commit, len(its)
    if not best:
        raise RuntimeError(f"git knows no commit with the first of the migrations of {root}")
    return best


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def working_tree(folder: Path) -> Path:
    """The files of this checkout as they are now, without what git ignores."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if name and path.is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / name)
    return folder


def build(docker: Docker, folder: Path, image: str, file: str, *arguments: str) -> None:
    """Build an image; steps that are the same as before are not done again."""
    docker.run("build", "--quiet", "--network", "host", *arguments, "--tag", image, "--file", file, ".", folder=folder)


def _debootstrap(docker: Docker, folder: Path) -> None:
    tree, packed = folder / "base", folder / "base.tar"
    for command in (
        ["debootstrap", "--variant=minbase", SUITE, str(tree)],
        ["tar", "-C", str(tree), "-cf", str(packed), "."],
    ):
        _run(command)
    docker.run("import", str(packed), BASE)
    shutil.rmtree(tree)
    packed.unlink()


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode != 0:
        raise NotHad(f"{command[0]} failed with {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}")
