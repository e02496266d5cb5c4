"""README and docs: every block of commands is marked, and every command that they name is one, with options it has."""

from __future__ import annotations

import re
import shlex
import signal
from functools import cache
from pathlib import Path

import pytest
import typer

from borough.app import COMMANDS, make_app
from scripts.document_blocks import blocks, documents, unmarked
from scripts.document_shell import Reader, Wrong, shows, split

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = documents(ROOT)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_of_commands_was_run_or_says_why_not(path: Path) -> None:
    assert not unmarked(path.read_text())


def test_most_blocks_are_run() -> None:
    marks = [
        block.mark.kind for path in DOCUMENTS for block in blocks(path.read_text()) if block.mark and block.commands
    ]
    assert marks.count("run") > marks.count("not run") > 0


def test_tests_that_a_reason_names_are_there() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in DOCUMENTS
        for block in blocks(path.read_text())
        if block.mark and block.mark.kind == "not run"
        for name in re.findall(r"\b(?:tests|scripts)/\S+\.py", block.mark.text)
        if not (ROOT / name).exists()
    ]
    assert not missing


# ------------------------------------------------------------------------------------------- every command is one


@cache
def _command(name: str) -> typer.core.TyperGroup | typer.core.TyperCommand:
    """A command as Typer knows it, its own commands below it."""
    group = typer.main.get_command(make_app([name]))
    return group.commands[name]  # type: ignore[attr-defined,no-any-return]


def _named() -> list[tuple[str, list[str]]]:
    """Where a command stands and its words: in blocks, and in backticks within the text."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text()
        lines = [(block.line, line) for block in blocks(text) if block.commands for line in split(block.text)]
        lines += [
            (text[: span.start()].count("\n") + 1, span[1])
            for span in re.finditer(r"(?<!`)`((?:\.venv/bin/|env/bin/)?borough [a-z][^`\n]*)`", text)
        ]
        for number, line in lines:
            for call in re.finditer(r"(?:^|\s|/)borough ((?:[a-z][^|;&><#]*))", line):
                if "#" in line[: call.start() + 1]:
                    continue  # within a comment
                try:
                    words = shlex.split(call[1], comments=True)
                except ValueError:
                    continue  # an apostrophe of the text
                found.append((f"{path.relative_to(ROOT)}:{number}", words))
    return found


def _wrong(words: list[str]) -> str | None:
    """What is wrong with a command's words: no such command, or an option that it does not have."""
    if words[0] not in COMMANDS:
        return f"there is no command {words[0]}"
    command = _command(words[0])
    rest = words[1:]
    while rest and (below := getattr(command, "commands", {}).get(rest[0])) is not None:
        command, rest = below, rest[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for word in rest:
        option = word.partition("=")[0]
        if re.fullmatch(r"--[a-z][a-z-]*", option) and option not in known | {"--help"}:
            return f"{command.name} has no {option}"
    return None


def test_every_command_in_the_documents_is_one() -> None:
    named = _named()
    assert len(named) > 150, "next to none was found"
    assert not [f"{where}: borough {' '.join(words)}: {wrong}" for where, words in named if (wrong := _wrong(words))]


def test_a_command_that_is_none_is_found() -> None:
    assert _wrong(["fly"]) == "there is no command fly"
    assert _wrong(["devices", "import", "x", "--wet-run"]) == "import has no --wet-run"
    assert _wrong(["devices", "import", "x", "--dry-run"]) is None


# -------------------------------------------------------------------------------------------------- reading marks

DOCUMENT = """\
# Title

<!-- file: a/b.txt -->

    one
    two

1. First:

   <!-- run -->

       cat a/b.txt
       export X=1

<!-- shown -->

```
one
…
```

<!-- beside
test "$X" = 1
echo 17 >n
NUMBER=$(cat n)
-->

<!-- run: fill NUMBER -->

```sh
test NUMBER = 17
```

<!-- run: status 3 -->

```sh
sh -c 'exit 3'
```

<!-- not run: it would end the world -->

    make doomsday

An <!-- ordinary comment --> and

```json
{"borough": 1}
```
"""


def test_blocks_have_their_marks_and_lines() -> None:
    found = blocks(DOCUMENT)
    assert [(block.mark.kind if block.mark else None, block.line) for block in found] == [
        ("file", 5), ("run", 12), ("shown", 18), ("beside", 22), ("run", 31), ("run", 37), ("not run", 42), (None, 47),
    ]  # fmt: skip
    assert found[1].text == "cat a/b.txt\nexport X=1\n"
    assert not unmarked(DOCUMENT)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("A\n\n    borough demo\n", "line 3: commands without a mark, say run or not run: borough demo"),
        ("```sh\nnonsense\n```\n", "line 2: commands without a mark"),
        ("1. A\n\n       X=1 .venv/bin/borough demo\n", "line 3: commands without a mark"),
        ("<!-- not run: no -->\n\n    borough demo\n", "line 3: not run, and no reason"),
        ("<!-- run -->\n\n    a table\n", "line 3: marked run, and there are no commands"),
        ("<!-- run -->\n\ntext\n\n    borough demo\n", "line 1: the mark has no block: text follows"),
        ("<!-- run -->\n", "line 1: the mark has no block: the document ends"),
        ("<!-- beside\nx\n", "line 1: a comment without an end"),
    ],
)
def test_what_is_wrong_with_marks_is_told(text: str, wrong: str) -> None:
    (said, *_) = unmarked(text)
    assert said.startswith(wrong)


@pytest.mark.parametrize("text", ["    y = a + b\n", "A\n    borough demo is text here\n", "```toml\nmake = 1\n```\n"])
def test_what_is_no_command_needs_no_mark(text: str) -> None:
    assert not unmarked(text)


# --------------------------------------------------------------------------------------------------- running them


def _follow(text: str, place: Path) -> None:
    (place / "notes").mkdir()
    (place / "here").mkdir()
    with Reader(place / "here", place / "notes", {"PATH": "/usr/bin:/bin"}) as reader:
        for block in blocks(text):
            reader.do(block)


def test_a_true_document_is_followed(tmp_path: Path) -> None:
    _follow(DOCUMENT, tmp_path)
    assert (tmp_path / "here/n").read_text() == "17\n"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<!-- run -->\n\n```sh\nfalse\ntrue\n```\n", "line 4: status 1 and not 0"),
        ("<!-- run -->\n\n```sh\nfalse | true\n```\n", "line 4: status 1 and not 0"),
        ("<!-- run -->\n\n```sh\nfalse && true\ntrue\n```\n", "line 4: status 1 and not 0"),
        ("<!-- run: status 2 -->\n\n```sh\ntrue\n```\n", "line 4: status 0 and not 2"),
        ("<!-- run -->\n\n```sh\necho a\n```\n<!-- shown -->\n```\nb\n```\n", "line 8: shown is"),
        ("<!-- run: stays up -->\n\n```sh\nfalse\n```\n", "line 4: false: ended by itself with 1"),
        ("<!-- run: fill NOBODY -->\n\n```sh\necho NOBODY\n```\n", "the variable NOBODY is not set"),
        ("<!-- run: slowly -->\n\n```sh\ntrue\n```\n", "line 4: the mark says run: slowly"),
    ],
)
def test_what_is_not_true_is_told(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(Wrong) as caught:
        _follow(text, tmp_path)
    assert str(caught.value).startswith(wrong)


def test_a_service_stays_until_the_end_of_the_document(tmp_path: Path) -> None:
    # a shell starts what runs behind it deaf to Ctrl-C, and a suite too
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _stays(tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "here/was").read_text() == "ended\n"


def _stays(tmp_path: Path) -> None:
    service = "sh -c 'trap \"echo ended >was; exit 0\" INT; echo is up; while :; do sleep 0.1; done'"
    _follow(
        f'<!-- run: stays is up -->\n\n```sh\n{service}\n```\n<!-- beside\ntest ! -e was\ngrep -q up "$SAID"\n-->\n',
        tmp_path,
    )


def test_commands_of_several_lines_stay_together() -> None:
    assert split("a \\\n b\n# no\nc 'x\ny'\ncat <<END\n1\nEND\nd # don't\n") == [
        "a \\\n b", "c 'x\ny'", "cat <<END\n1\nEND", "d # don't",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("template", "said", "same"),
    [
        ("a\n", "a\n", True),
        ("a … c\n", "a b b c\n", True),
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\nd\n", "a\nd\n", True),
        ("a\n", "a\nb\n", False),
        ("a.c\n", "abc\n", False),
        ("a …\n", "a\nb\n", False),
    ],
)
def test_what_is_shown_is_compared(template: str, said: str, same: bool) -> None:
    assert shows(template, said) is same
