"""What is printed and logged: visible, lossless as JSON, one record a line; and only two modules write."""

from __future__ import annotations

import ast
import io
import json
import logging
import os
import pty
import subprocess
import sys
import threading
import tty
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borough import cli, logs, output
from devices.text import visible, visible_json

ROOT = Path(__file__).parents[3]
PACKAGES = ("devices", "store", "ingest", "analytics", "dashboard", "simulators", "borough")
HOSTILE = "a\x1b[31m\x07\x9b2J\u202eb\u2066\u200f\u2028\x7f\x00\ud800\U000e0041\r\nFORGED\tc[red]\\"

TEXT = st.text(st.characters() | st.sampled_from("\x00\x1b\x7f\x9b\u202e\u2066\u2028\ufeff\ud800\udfff\U000e0041"))


def harmful(text: str) -> bool:
    return any(
        unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(sign) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        for sign in text
    )


@given(TEXT)
def test_visible_text_is_harmless(text: str) -> None:
    assert not harmful(visible(text))
    assert not harmful(visible(text, lines=True).replace("\n", "").replace("\t", ""))


@given(st.recursive(TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)))
def test_visible_json_is_harmless_and_reads_back_to_the_same(value: object) -> None:
    text = visible_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(text) == value
    assert not harmful(text.replace("\n", ""))


def test_say_tell_and_tables_make_one_line_of_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.say(HOSTILE)
    output.say("new", HOSTILE, None, True)
    output.tell(HOSTILE)
    output.show_table([HOSTILE], [[HOSTILE], ["x"]])
    out, errors = capsys.readouterr()
    shown = visible(HOSTILE)
    assert out == f"{shown}\nnew\t{shown}\t\tyes\n{shown}\n{shown}\nx\n"
    assert errors == f"{shown}\n"
    assert "\\x1b[31m\\x07\\x9b2J\\u202eb\\u2066" in shown


def test_a_question_is_asked_visibly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    output.agreed(f"Erase {HOSTILE}?")
    asked = capsys.readouterr().out
    assert not harmful(asked)
    assert visible(HOSTILE) in asked


def test_json_output_is_lossless(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_json({HOSTILE: [HOSTILE, 1.5]})
    out = capsys.readouterr().out
    assert json.loads(out) == {HOSTILE: [HOSTILE, 1.5]}
    assert not harmful(out.replace("\n", ""))
    assert "\\u202e" in out


def test_json_in_pieces_is_written_like_json_in_one(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_json_pieces([b'{"name": ', json.dumps(HOSTILE[:4] + "\u202e\x9b", ensure_ascii=False).encode(), b"}\n"])
    out = capsys.readouterr().out
    assert json.loads(out) == {"name": HOSTILE[:4] + "\u202e\x9b"}
    assert not harmful(out.replace("\n", ""))
    assert "\\u202e" in out
    assert "\\u009b" in out


def test_json_is_valid_where_the_terminal_has_few_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    output.show_json({"ö": "日本"})
    sys.stdout.flush()
    assert json.loads(raw.getvalue()) == {"ö": "日本"}


def test_a_usage_error_quotes_visibly(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["devices", "show", "x", f"--{HOSTILE}"]) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert not harmful(errors.replace("\n", ""))
    assert "\\x1b[31m" in errors


# -- at a terminal -----------------------------------------------------------------------------------------------------


def at_a_terminal(code: str, **environment: str) -> bytes:
    """What a program writes to a terminal of its own."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    parts: list[bytes] = []

    def read() -> None:
        try:
            while part := os.read(master, 65_536):
                parts.append(part)
        except OSError:
            return  # nobody has the terminal open any more

    reader = threading.Thread(target=read)
    reader.start()
    given = {**os.environ, "TERM": "xterm", "COLUMNS": "500", "H": HOSTILE.replace("\x00", "").replace("\ud800", "")}
    subprocess.run(
        [sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env={**given, **environment},
        timeout=60, check=False,
    )  # fmt: skip
    os.close(slave)
    reader.join(30)
    os.close(master)
    return b"".join(parts)


def test_a_table_shows_markup_and_units_as_they_are() -> None:
    shown = at_a_terminal(
        "import os; from borough.output import show_table\n"
        "hostile = os.environ['H']\n"
        "show_table(['floor area [m2]', '[red]', hostile], [['[link=http://x]here[/link]', hostile, '']])"
    ).decode()
    assert "floor area [m2]" in shown
    assert "[link=http://x]here[/link]" in shown
    assert shown.count("a\\x1b[31m\\x07\\x9b2J\\u202eb") == 2
    assert "\x1b[31m" not in shown
    assert "\x1b]8" not in shown


def test_progress_keeps_to_its_line() -> None:
    shown = at_a_terminal(
        "import os; from borough.output import StatusLine\nline = StatusLine(); line.write(os.environ['H']); line.end()"
    ).decode()
    assert shown == f"\r\x1b[K{visible(HOSTILE.replace(chr(0), '').replace(chr(0xD800), ''))}\r\x1b[K"


def test_bytes_for_programs_are_visible_to_people() -> None:
    code = "import os; from borough.output import show_bytes; show_bytes(b'\\x1b[2J\\xff\\ntwo')"
    assert at_a_terminal(code) == b"\\x1b[2J\\xff\ntwo"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b"\x1b[2J\xff\ntwo"


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError(os.environ['H'])",
        # int() would quote it visibly by itself
        (
            "import threading\ndef fail(): raise ValueError(os.environ['H'])\n"
            "t = threading.Thread(target=fail)\nt.start()\nt.join()"
        ),
        "class Bad:\n    def __del__(self): raise ValueError(os.environ['H'])\nBad()",
    ],
)
def test_a_fault_of_ours_is_told_visibly(code: str) -> None:
    shown = at_a_terminal(f"import os; from borough import output; output.prepare()\n{code}").decode()
    assert "Traceback" in shown
    assert "\\x1b[31m" in shown
    assert not harmful(shown.replace("\n", ""))


def test_a_fault_of_a_command_is_told_visibly() -> None:
    shown = at_a_terminal("""
import os, sys, typer, borough.app
from borough.cli import main
app = typer.Typer(pretty_exceptions_enable=False)
@app.command()
def fail():
    raise ValueError(os.environ["H"])
borough.app.make_app = lambda arguments: app
sys.argv[1:] = []
main()""").decode()
    assert "Traceback" in shown
    assert "\\x1b[31m" in shown
    assert not harmful(shown.replace("\n", ""))


@pytest.mark.parametrize("write", ["output.say", "output.tell"])
def test_a_sign_that_the_encoding_lacks_is_its_escape_and_no_fault(write: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"from borough import output; output.prepare(); {write}('Zo\u00eb \u5c0f')"],
        cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "ascii:strict"}, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, b"Zo\\xeb \\u5c0f\n")


def test_a_plain_log_line_is_one_line() -> None:
    shown = at_a_terminal(
        "import logging, os, warnings; from borough import logs; logs.set_up('info')\n"
        "log = logging.getLogger('x'); log.warning('topic %s', os.environ['H'])\n"
        "try: int(os.environ['H'])\n"
        "except ValueError: log.exception('no number')\n"
        "warnings.warn(os.environ['H'])"
    ).decode()
    lines = shown.splitlines()
    assert len(lines) == 3
    assert not harmful(shown.replace("\n", ""))
    assert "WARNING x: topic a\\x1b[31m" in lines[0]
    assert lines[1].endswith("ERROR x: no number (ValueError at <module>:3)")
    assert "py.warnings: " in lines[2]


def test_a_json_log_line_is_visible_and_lossless() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "topic %s", (HOSTILE,), None)
    line = logs.JsonLines().format(record)
    assert not harmful(line)
    assert json.loads(line)["message"] == f"topic {HOSTILE}"


# -- only these two write ----------------------------------------------------------------------------------------------

#: Who may have a stream in hand: both make visible what goes into it.
WRITERS = {"borough/output.py", "borough/logs.py"}


def test_nothing_else_writes_to_a_terminal() -> None:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if name not in WRITERS and (ways := list(writing(ast.parse(path.read_text())))):
                found[name] = ways
    assert not found, "borough.output prints, borough.logs sets up the logs"


def writing(tree: ast.AST) -> Iterator[str]:
    """Ways past the two modules: streams, print, other libraries' printing, handlers of logs, the terminal's device."""
    streams = {"stdout", "stderr", "__stdout__", "__stderr__", "displayhook", "excepthook"}
    printing = {
        "typer": {"echo", "secho", "confirm", "prompt", "progressbar", "launch", "pause", "clear", "edit"},
        "click": {"*"}, "rich": {"*"},
        "logging": {"StreamHandler", "basicConfig", "lastResort"},
        "traceback": {"print_exc", "print_exception", "print_last", "print_stack", "print_tb"},
        "warnings": {"showwarning"}, "faulthandler": {"*"}, "getpass": {"getpass"}, "pprint": {"*"},
        "sys": streams,
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "input"):
            yield node.func.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in (names := printing.get(node.value.id, set())) or "*" in names:
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            for item in node.names:
                top = (module or item.name).partition(".")[0]
                names = printing.get(top, set())
                if "*" in names or (module and item.name in names) or (not module and names and item.asname):
                    yield f"{top}: {item.name}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "os.write":
            if isinstance(node.args[0], ast.Constant):
                yield "os.write"
        elif isinstance(node, ast.Constant) and node.value in ("/dev/tty", "/dev/stdout", "/dev/stderr"):
            yield str(node.value)


@pytest.mark.parametrize(
    "text",
    [
        "print('x')", "import sys\nsys.stdout.write('x')", "from sys import stderr", "import sys as s",
        "import typer\ntyper.echo(1)",
        "from typer import secho", "from rich import print", "import rich.console", "import logging as l",
        "import logging\nlogging.StreamHandler()", "import os\nos.write(1, b'x')", "open('/dev/tty')",
        "import traceback\ntraceback.print_exc()", "import click",
    ],
)  # fmt: skip
def test_another_way_would_be_found(text: str) -> None:
    assert list(writing(ast.parse(text)))
