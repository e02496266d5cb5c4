"""``make judges`` itself: what is no success is not told as one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devices.units import UCUM
from tests.judges import __main__ as asking
from tests.judges import sources, units
from tests.judges.__main__ import JUDGES, Row, ask, chosen, status, table
from tests.judges.judge import Judge, Place, Verdict
from tests.judges.sources import Need, NotHad
from tests.judges.suites import of_report
from tests.judges.world import Servers

ROOT = Path(__file__).resolve().parents[3]


def judge(run: Callable[[Place], Verdict], *needs: Need, name: str = "J") -> Judge:
    return Judge(name, "1", needs, run)


def row_of(one: Judge, folder: Path) -> Row:
    return ask(one, Servers(folder), folder, folder)


def test_what_a_judge_finds_and_what_it_does_not_is_told(tmp_path: Path) -> None:
    good = row_of(judge(lambda _: Verdict(3, "pages"), name="good"), tmp_path)
    bad = row_of(judge(lambda _: Verdict(3, "pages", ("page 2:\n no title",)), name="bad"), tmp_path)
    idle = row_of(judge(lambda _: Verdict(0, "pages"), name="idle"), tmp_path)
    text = table([good, bad, idle])
    assert re.search(r"good +1 +3 pages +nothing found", text)
    assert re.search(r"bad +1 +3 pages +1 problem ", text)
    assert "page 2: no title" in text
    assert re.search(r"idle +1 +0 pages +looked at nothing", text)
    assert [status([one], everyone=False) for one in (good, bad, idle)] == [0, 1, 1]


def test_a_missing_one_is_told_with_its_reason_and_is_no_success(tmp_path: Path) -> None:
    def find(_: Path) -> Path:
        raise NotHad("there is no sparrow: install sparrows")

    row = row_of(judge(lambda _: Verdict(1, "pages"), Need("sparrow", find)), tmp_path)
    assert "not had: there is no sparrow: install sparrows" in table([row])
    assert status([row], everyone=True) == 1
    assert status([row], everyone=False) == 0
    assert status([], everyone=False) == 1


def test_one_that_breaks_off_has_not_passed_and_ends_nothing(tmp_path: Path) -> None:
    def run(_: Place) -> Verdict:
        raise ValueError("it fell over")

    def skip(_: Place) -> Verdict:
        pytest.skip("there is no browser")

    row = row_of(judge(run), tmp_path)
    assert "ValueError: it fell over" in table([row])
    assert status([row], everyone=False) == 1
    assert "not had: there is no browser" in table([row_of(judge(skip), tmp_path)])


def test_a_skipped_test_has_not_judged() -> None:
    report = b"""<testsuites><testsuite><testcase classname="a.b" name="t1"/><testcase classname="a.b" name="t2">
    <skipped message="no jar"/></testcase><testcase classname="a.b" name="t3"><failure message="1 != 2"/></testcase>
    </testsuite></testsuites>"""
    long = report.replace(b"1 != 2", b"a long command " * 100 + b"and why it failed")
    (_, problem) = of_report(long, "tests").problems
    assert problem.startswith("b::t3 failure: a long command")
    assert problem.endswith("and why it failed")
    assert len(problem) < 600
    assert of_report(report, "tests") == Verdict(2, "tests", ("b::t2 skipped: no jar", "b::t3 failure: 1 != 2"))


def test_a_name_that_nobody_has(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="no judge is called sparrow"):
        chosen(["sparrow"])
    assert {one.name for one in chosen(["AX"])} == {one.name for one in JUDGES if "ax" in one.name.lower()}
    assert [one.name for one in chosen(["Axe"])] == ["axe"], "the name of one is a part of another's"
    assert asking.main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(JUDGES)


def test_a_download_that_fails_leaves_nothing_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "npm"
    program.write_text("#!/bin/sh\nmkdir -p node_modules/part\necho no such package >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    store = tmp_path / "store"
    store.mkdir()
    need = sources.npm("sparrow", "1.0")
    with pytest.raises(NotHad, match="npm failed with 3: no such package"):
        need.find(store)
    assert [path.name for path in store.iterdir() if path.is_dir()] == []
    program.write_text("#!/bin/sh\nmkdir -p node_modules/sparrow\n")
    made = need.find(store)
    assert (made / "node_modules/sparrow").is_dir()
    program.write_text("#!/bin/sh\nexit 1\n")
    assert need.find(store) == made, "what was made is made again"


def test_a_fetch_that_was_killed_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "npm"
    program.write_text("#!/bin/sh\nmkdir -p node_modules/sparrow\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    store = tmp_path / "store"
    store.mkdir()
    need = sources.npm("sparrow", "1.0")
    made = need.find(store)
    # as it lies where the process ended in the middle: some files, and not the last of them
    (made / "half").touch()
    (made / ".whole").unlink()
    assert need.find(store) == made
    assert (made / "node_modules/sparrow").is_dir()
    assert not (made / "half").exists()


def test_what_a_variable_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need = sources.named("BOROUGH_TEST_SPARROWS", "folder of sparrows")
    monkeypatch.delenv("BOROUGH_TEST_SPARROWS", raising=False)
    with pytest.raises(NotHad, match="BOROUGH_TEST_SPARROWS names no folder of sparrows"):
        need.find(tmp_path)
    monkeypatch.setenv("BOROUGH_TEST_SPARROWS", str(tmp_path / "none"))
    with pytest.raises(NotHad, match="does not exist"):
        need.find(tmp_path)
    monkeypatch.setenv("BOROUGH_TEST_SPARROWS", sys.executable)
    assert need.find(tmp_path) == Path(sys.executable)


def test_a_program_of_another_debian_is_one_file_to_run(tmp_path: Path) -> None:
    tree = tmp_path / "a tree"
    for folder in ("usr/lib64", "usr/lib/x86_64-linux-gnu/blas", "usr/lib/office"):
        (tree / folder).mkdir(parents=True)
    loader = tree / "usr/lib64/ld-linux-x86-64.so.2"
    loader.write_text('#!/bin/sh\nprintf "%s\\n" "$GDAL_DATA" "$@"\n')
    loader.chmod(0o755)
    need = sources.starter(
        Need("gdal", lambda _: tree), "usr/bin/ogrinfo", "usr/lib/office", GDAL_DATA="usr/share/gdal"
    )
    said = subprocess.run([need.find(tmp_path), "two words"], capture_output=True, text=True, check=True).stdout
    data, flag, folders, program, *given = said.splitlines()
    assert (data, flag) == (f"{tree}/usr/share/gdal", "--library-path")
    assert folders.split(":") == [
        f"{tree}/usr/lib{folder}" for folder in ("/office", "/x86_64-linux-gnu", "", "/x86_64-linux-gnu/blas")
    ]
    assert (program, given) == (f"{tree}/usr/bin/ogrinfo", ["two words"])
    loader.write_text('#!/bin/sh\ntest -e "$4" && exit "$5"\n: > "$4"\nexit 81\n')
    need = sources.starter(Need("office", lambda _: tree), "usr/bin/soffice", again=81)
    for wanted, profile in ((0, tmp_path / "new"), (3, tmp_path / "other")):
        command = [str(need.find(tmp_path)), str(profile), str(wanted)]
        assert subprocess.run(command, check=False).returncode == wanted, "81 asks for another start"
        assert subprocess.run(command, check=False).returncode == wanted
    assert sources.starter(Need("gdal", lambda _: Path("/")), "usr/bin/ogrinfo").find(tmp_path) == Path(
        "/usr/bin/ogrinfo"
    )


def test_a_unit_that_converts_otherwise_is_found(tmp_path: Path) -> None:
    # the other program: it reads all as we do but for one
    parser = tmp_path / "bin/python"
    parser.parent.mkdir()
    parser.write_text(
        f"""#!{sys.executable}
import json, sys
sys.path.insert(0, {str(ROOT)!r})
from devices.units import UCUM
for line in sys.stdin:
    code, base, value = json.loads(line)
    told = float((value - UCUM[code].zero) * UCUM[code].scale)
    print(json.dumps(told * 1.001 if code == "kW.h" else "no such unit" if code == "lx" else told))
"""
    )
    parser.chmod(0o755)
    found = units.check_codes(Place({"ucumvert": tmp_path}, tmp_path, Servers(tmp_path)))
    assert found.judged == len(UCUM)
    assert {line.split(":")[0] for line in found.problems if " by devices.units" in line} == {
        "1.0 kW.h", "100.0 kW.h", "0.0 lx", "1.0 lx", "100.0 lx",
    }  # fmt: skip
    # what is known to be misread was read right here
    assert [line.split()[0] for line in sorted(found.problems)[-2:]] == ["[cft_i]", "[in_i'Hg]"]


def test_every_judge_has_a_row_in_the_documentation() -> None:
    page = (ROOT / "docs/reference/judges.md").read_text("utf-8")
    rows = {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("|")}
    assert {one.name for one in JUDGES} <= rows
    assert len({one.name for one in JUDGES}) == len(JUDGES)
