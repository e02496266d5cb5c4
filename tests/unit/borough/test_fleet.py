"""The boroughs file, what may be sent, a borough's environment on a worker, and where a scheduler may be."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from borough import cli
from borough.errors import SettingsError, UsageError
from borough.fleet import errand, over
from borough.fleet.boroughs_file import Place, read_boroughs
from borough.fleet.cluster import connected
from borough.fleet.tasks import TASKS, as_json, task
from borough.settings.fleet import scheduler
from borough.settings.settings import Settings
from devices.registry import RegistryError

GOOD = """
[[borough]]
name = "ashdown"
settings = "/etc/borough/ashdown.env"
[[borough]]
name = "birchfield"
settings = "/etc/borough/birchfield.env"
resource = "birchfield"
"""


def problems(text: str) -> list[str]:
    with pytest.raises(RegistryError) as raised:
        read_boroughs(text)
    return [str(problem) for problem in raised.value.problems]


def test_a_boroughs_file() -> None:
    assert read_boroughs(GOOD) == [
        Place("ashdown", settings="/etc/borough/ashdown.env"),
        Place("birchfield", settings="/etc/borough/birchfield.env", resource="birchfield"),
    ]


def test_every_problem_of_a_boroughs_file_is_told_at_once() -> None:
    found = problems(
        GOOD
        + '[[borough]]\nname = "Ash Down"\nsettings = "ashdown.env"\n'
        + '[[borough]]\nname = "ashdown"\ncolour = "red"\n'
        + '[[borough]]\nname = "c"\nsettings = "/etc/borough/ashdown.env"\n'
    )
    assert [line.split(" ")[1].strip(":") for line in found] == ["3", "3", "4", "4", "4", "5"]
    assert found[-2:] == ["borough 4: has the name of borough 1", "borough 5: has the settings of borough 1"]


@pytest.mark.parametrize("text", ["", "borough = 1", "borough = []", "[borough]\nname = 'a'", "x = ["])
def test_a_file_without_boroughs_is_none(text: str) -> None:
    assert problems(text)


@pytest.mark.parametrize("key", ["variable", "url"])
def test_a_borough_has_a_settings_file_and_nothing_else(key: str) -> None:
    """Where only its database were its own, all other settings would be the worker's: folders, archive, log."""
    found = problems(f'[[borough]]\nname = "a"\n{key} = "postgresql://u:hidden-word@h/d"\n')
    assert found == [
        f"borough 1: {key} is not known; known are name, settings, resource",
        "borough 1: settings: must be the whole name of a file, such as /etc/borough/ashdown.env",
    ]


@pytest.mark.parametrize(
    "words", [["--json", "analyse"], ["erase", "1"], ["trial", "look", "x"], ["analyse", "movement"]]
)
def test_what_is_sent_to_no_borough(words: list[str]) -> None:
    with pytest.raises(UsageError, match="is sent to no borough; one of analyse, publish"):
        task(words)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["analyse", "--watch", "60"], "a service runs beside its own borough"),
        (["analyse", "--watch=60"], "a service runs beside its own borough"),
        (["analyse", "--change-zone"], "it is done once"),
        (["publish", "--withdraw", "a/b/1"], "in its own borough"),
        (["analyse", "--json"], "say --json before --"),
    ],
)
def test_options_that_are_done_once_are_sent_to_no_borough(words: list[str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        task(words)


def test_each_task_is_sent_as_it_was_said() -> None:
    assert [task([*words, "--help"]) for words in TASKS] == [(*words, "--help") for words in TASKS]


def test_the_option_for_programs_stands_before_what_may_begin_with_hyphens() -> None:
    assert as_json(("trial", "status", "--", "--x")) == ("trial", "status", "--json", "--", "--x")
    assert as_json(("analyse",)) == ("analyse", "--json")


# ------------------------------------------------------------------------------------------------- on a worker


def test_a_boroughs_settings_stand_in_for_all_that_the_worker_has(tmp_path: Path) -> None:
    file = tmp_path / "a.env"
    file.write_text("# ours\n\nBOROUGH_DATABASE_URL=postgresql://a@h/a\nBOROUGH_COUNCIL_NAME='A # council'\n")
    around = {
        "PATH": "/bin", "BOROUGH_DATABASE_PASSWORD_FILE": "/other", "BOROUGH_COVERAGE": "0.5", "borough_archive": "/w",
        "PGPASSWORD": "w", "PGOPTIONS": "-c search_path=w",
    }  # fmt: skip
    assert errand.environment(Place("a", settings=str(file)), around) == {
        "PATH": "/bin", "BOROUGH_DATABASE_URL": "postgresql://a@h/a", "BOROUGH_COUNCIL_NAME": "A # council",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"BOROUGH_WEB_PORT=1\nhidden-word\n", "line 2 is no setting"),
        (b"DATABASE_URL=hidden-word\n", "line 1 is no setting"),
        (b"BOROUGH_WEB_PORT\n", "line 1 is no setting"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"# a\n\nBOROUGH_COVERAGE='hidden-word\nBOROUGH_WEB_PORT=1\n", "line 3 cannot be read"),
        (b'BOROUGH_COVERAGE="hidden-word\nBOROUGH_WEB_PORT=1\nBOROUGH_COUNCIL_NAME="\n', "line 1 cannot be read"),
        (b"BOROUGH_WEB_PORT=1\nBOROUGH_COUNCIL_NAME='A' hidden-word\n", "line 2 cannot be read"),
        (b"BOROUGH_COUNCIL_NAME#hidden-word=1\n", "line 1 is no setting"),
        (b"export BOROUGH_COUNCIL_NAME=hidden-word\n", "line 1 is no setting"),
        (b"BOROUGH_COUNCIL_NAME=hidden-word\0\n", "line 1 cannot be read"),
        (None, "No such file"),
    ],
)
def test_a_settings_file_that_is_none_is_named_without_its_contents(
    tmp_path: Path, data: bytes | None, why: str
) -> None:
    file = tmp_path / "a.env"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(SettingsError, match=why) as raised:
        errand.environment(Place("a", settings=str(file)), {})
    assert str(file) in str(raised.value)
    assert "hidden-word" not in str(raised.value)


def test_an_answer_is_fetched_from_its_worker_and_not_by_the_scheduler() -> None:
    asked: list[object] = []
    with connected(None, 1) as client:
        gather = client.cluster.scheduler.handlers["gather"]

        def noted(*args: object, **more: object) -> object:
            asked.append(more)
            return gather(*args, **more)

        client.cluster.scheduler.handlers["gather"] = noted
        (found,) = over.carry_out(client, [Place("a", settings="/nowhere")], ("doctor",), wait=0)
        assert "/nowhere" in found.why
        assert asked == []
        client.submit(int, 1).result()
        assert len(asked) == 1, "it is not counted"


@dataclass
class Ended:
    """A future of Dask's that has ended, with what a worker said."""

    outcome: errand.Outcome
    status: str = "finished"

    @property
    def client(self) -> Ended:
        return self

    def gather(self, future: Ended, *, direct: bool) -> errand.Outcome:
        assert direct
        return future.outcome

    def result(self) -> errand.Outcome:
        return self.outcome


def test_a_run_that_was_at_work_longer_than_the_wait_has_the_wait_anew() -> None:
    one = over._Open(Place("a", settings="/a"))

    def look(status: int, seconds: float, now: float, wait: float = 60.0) -> errand.Outcome | None:
        one.future = Ended(errand.Outcome("a", status, seconds=seconds))
        return over._look(one, [{}], now, wait)

    assert look(75, 1, 0) is None
    assert look(-9, 3_600, 3_601) is None, "it was refused an hour ago, and has worked since"
    assert look(75, 1, 3_650) is None
    found = look(75, 1, 3_662)
    assert found is not None
    assert found.status == 75
    # one that is killed each time ends too
    assert [look(-9, 3_600, 7_200 + 3_600 * number) is None for number in range(3)] == [True, True, False]


def test_without_a_wait_a_borough_is_asked_once() -> None:
    one = over._Open(Place("a", settings="/a"), future=Ended(errand.Outcome("a", 75, seconds=2)))
    found = over._look(one, [{}], 5.0, 0)
    assert found is not None
    alone = over._look(over._Open(Place("a", settings="/a")), [], 5.0, 0)
    assert alone is not None
    assert alone.why == "the scheduler is away or has no worker"


def test_a_worker_of_another_version_refuses() -> None:
    found = errand.run(Place("a", settings="/nowhere"), ("analyse",), "0.0.1")
    assert (found.status, found.done, found.passing) == (None, False, False)
    assert found.why.endswith("not 0.0.1: install the same")


def test_a_command_says_its_own_words_and_whether_waiting_may_help(tmp_path: Path) -> None:
    from importlib.metadata import version

    file = tmp_path / "a.env"
    file.write_text("BOROUGH_DATABASE_URL=postgresql://u:hidden-word@127.0.0.1:1/a\n")
    found = errand.run(Place("a", settings=str(file)), ("analyse",), version("borough-telemetry"))
    assert (found.status, found.passing) == (errand.TEMPORARY, True)
    assert found.why == "the database at 127.0.0.1:1/a cannot be reached: Connection refused"
    found = errand.run(Place("a", settings=str(file)), ("analyse", "--colour"), version("borough-telemetry"))
    assert (found.status, found.passing) == (2, False)
    assert "No such option: --colour" in found.why


# ------------------------------------------------------------------------------------------------- the scheduler


@pytest.mark.parametrize("text", ["tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:8786"])
def test_without_tls_a_scheduler_of_this_machine_is_taken(text: str) -> None:
    found = scheduler(Settings(), text)
    assert found is not None
    assert (found.address, found.tls) == (text, None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tcp://10.0.0.1:8786", "is taken on this machine alone"),
        ("tcp://scheduler.example:8786", "is taken on this machine alone"),
        (
            "tls://scheduler.example:8786",
            "needs BOROUGH_FLEET_CA_FILE, BOROUGH_FLEET_CERT_FILE, BOROUGH_FLEET_KEY_FILE",
        ),
        ("tls://scheduler.example", "is no address of a scheduler"),
        ("tls://u:hidden-word@scheduler.example:1", "is no address of a scheduler"),
        ("http://127.0.0.1:8786", "is no address of a scheduler"),
        ("tcp://127.0.0.1:x", "is no address of a scheduler"),
        ("tcp://127.0.0.1:8786/x", "is no address of a scheduler"),
        ("", "is no address of a scheduler"),
    ],
)
def test_other_addresses_are_not(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as raised:
        scheduler(Settings(), text)
    assert "hidden-word" not in str(raised.value)


def test_tls_needs_files_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / name for name in ("ca", "cert", "key")]
    for word, file in zip(("CA", "CERT", "KEY"), files, strict=True):
        monkeypatch.setenv(f"BOROUGH_FLEET_{word}_FILE", str(file))
        if word != "KEY":
            file.write_text("")
    monkeypatch.setenv("BOROUGH_FLEET_SCHEDULER", "tls://scheduler.example:8786")
    with pytest.raises(SettingsError, match=f"BOROUGH_FLEET_KEY_FILE: {files[2]} cannot be read"):
        scheduler(Settings(), None)
    files[2].write_text("")
    found = scheduler(Settings(), None)
    assert found is not None
    assert found.tls == tuple(files)


# ------------------------------------------------------------------------------------------------- the command


def test_a_wrong_file_is_told_before_anything_is_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "boroughs.toml"
    file.write_text('[[borough]]\nname = "a"\n')
    assert cli.run(["fleet", "run", str(file), "--", "analyse"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"borough: {file}: nothing was sent:",
        "  borough 1: settings: must be the whole name of a file, such as /etc/borough/ashdown.env",
    ]  # fmt: skip
    file.write_text(GOOD)
    assert cli.run(["fleet", "run", str(file), "--only", "c", "--", "analyse"]) == 2
    assert capsys.readouterr().err == f"borough: --only 'c': {file} has ashdown, birchfield\n"


def test_processes_of_this_machine_are_not_a_schedulers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "boroughs.toml"
    file.write_text(GOOD)
    here = ["--scheduler", "tcp://127.0.0.1:1", "--processes", "2"]
    assert cli.run(["fleet", "run", str(file), *here, "--", "analyse"]) == 2
    assert capsys.readouterr().err == (
        "borough: --processes is of this machine, and a scheduler (tcp://127.0.0.1:1) hands tasks to workers: leave"
        " --processes away\n"
    )
    assert cli.run(["fleet", "analyse", *here, "--resource", "a"]) == 2
    assert "leave --processes away" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--scheduler", "tcp://127.0.0.1:1"], ["--resource", "ashdown"]])
def test_one_boroughs_uses_go_to_workers_that_are_said_to_be_its_own(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["fleet", "analyse", *words]) == 2
    assert "--scheduler and --resource are said together" in capsys.readouterr().err


def test_no_command_but_fleet_imports_dask() -> None:
    """It takes half a second."""
    code = (
        "import sys, borough.commands.fleet, borough.fleet.over, borough.fleet.spread, borough.commands.analyse;"
        " print([name for name in sys.modules if name.split('.')[0] in ('dask', 'distributed')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=os.getcwd())
    assert done.stdout == "[]\n", done.stderr
