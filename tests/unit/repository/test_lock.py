"""requirements/*.txt: every pinned version with its hashes, no address, and pip refuses every other file."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from scripts import lock

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "requirements").glob("*.txt"))
ENTRY = re.compile(r"([a-z0-9-]+)==([0-9][A-Za-z0-9.+!]*)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")


def entries() -> dict[str, str]:
    """Name -> version of all files; each stands in one of them."""
    found = {}
    for path in FILES:
        for name, version, _ in ENTRY.findall(path.read_text()):
            assert name not in found, name
            found[name] = version
    return found


def test_every_pin_has_hashes_and_nothing_else_stands_there() -> None:
    assert [path.stem for path in FILES] == ["build", "develop", "service"]
    assert entries() == lock.pins((ROOT / "constraints.txt").read_text()), "run python -m scripts.lock"
    for path in FILES:
        text = path.read_text()
        rest = ENTRY.sub("", "\n".join(line for line in text.splitlines() if not line.startswith("#")) + "\n")
        assert rest.strip() == "", f"{path.name}: {rest.strip()[:200]}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_address_stands_in_it(path: Path) -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host|@ ", path.read_text())


def test_the_files_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = lock.groups(project, lock.pins((ROOT / "constraints.txt").read_text()))
    assert {path.stem: [name for name, _, _ in ENTRY.findall(path.read_text())] for path in FILES} == wanted
    # the tools that make the package are those of pyproject.toml
    pinned = entries()
    assert all(
        pinned[name] == version for name, version in lock.pins("\n".join(project["build-system"]["requires"])).items()
    )


def test_setup_installs_by_hash_and_fetches_nothing_else() -> None:
    text = (ROOT / "scripts/setup.sh").read_text()
    installs = re.findall(r"-m pip install (?:.*\\\n)*.*", text)
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert all(f"-r requirements/{path.name}" in installs[0] for path in FILES)
    assert "--no-index" in installs[1]
    assert "--no-build-isolation" in installs[1]


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", "2.4.6"),
        ("numpy-2.4.6-cp313-cp313-musllinux_1_2_aarch64.whl", "2.4.6"),
        ("cryptography-50.0.2-cp311-abi3-manylinux_2_34_x86_64.whl", "50.0.2"),
        ("rich-15.0.0-py3-none-any.whl", "15.0.0"),
        ("six-1.17.0-py2.py3-none-any.whl", "1.17.0"),
        ("numpy-2.4.6-cp313-cp313t-manylinux_2_28_x86_64.whl", None),
        ("numpy-2.4.6-cp310-cp310-manylinux_2_28_x86_64.whl", None),
        ("numpy-2.4.6-cp313-cp313-win_amd64.whl", None),
        ("numpy-2.4.6.tar.gz", None),
        ("not a wheel", None),
    ],
)
def test_which_files_may_be_installed(name: str, version: str | None) -> None:
    assert lock.wanted_version(name) == version


def test_a_pin_without_a_file_or_without_a_hash_is_refused() -> None:
    good = {"filename": "rich-15.0.0-py3-none-any.whl", "hashes": {"sha256": "ab" * 32}}
    assert lock.hashes([good, {"filename": "rich-14.0.0-py3-none-any.whl", "hashes": {}}], "15.0.0") == ["ab" * 32]
    with pytest.raises(ValueError, match="no wheel of version 15"):
        lock.hashes([], "15.0.0")
    with pytest.raises(ValueError, match="no SHA-256"):
        lock.hashes([{**good, "hashes": {"md5": "0"}}], "15.0.0")


def wheel(folder: Path, contents: str) -> Path:
    """A tiny wheel."""
    path = folder / "tiny-1.0-py3-none-any.whl"
    files = {
        "tiny.py": contents,
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}"
        for name, text in files.items()
    ]
    files["tiny-1.0.dist-info/RECORD"] = "\n".join([*record, "tiny-1.0.dist-info/RECORD,,"]) + "\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_pip_refuses_a_file_with_another_hash(tmp_path: Path) -> None:
    """The format of our files, as pip reads it; a folder stands for the index."""
    made = wheel(tmp_path, "answer = 42\n")
    value = hashlib.sha256(made.read_bytes()).hexdigest()
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("".join(lock.lines(["tiny"], {"tiny": "1.0"}, {"tiny": [value]})))

    def install() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "pip",
                    "--isolated",
                    "install",
                    "--no-cache-dir",
                    "--disable-pip-version-check",
                ),
                *("--require-hashes", "--only-binary", ":all:", "--no-index", "--find-links", str(tmp_path)),
                *("--target", str(tmp_path / "into"), "--upgrade", "-r", str(requirements)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    assert install().returncode == 0
    wheel(tmp_path, "answer = 43  # somebody else's\n")
    refused = install()
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
