"""The blocks of a document and what stands before them: commands that were run, files, what a command shows.

A mark is an HTML comment on the line before a block, so that a reader does not see it:

- ``<!-- run -->``: the commands of the block are run; each must end with status 0.
- ``<!-- run: status 1 -->``: the last of them ends with that status.
- ``<!-- run: stays TEXT -->``: the last of them is a service. It is ready when a line of it has ``TEXT`` (a regular
  expression) in it, and is ended (SIGTERM) with the document.
- ``<!-- run: network -->``: it needs an index of packages, so it is run outside the network of the other commands.
- ``<!-- not run: reason -->``
- ``<!-- file: PATH -->``: the block is the contents of this file, which the commands after it find.
- ``<!-- shown -->``: the block is what the last block of commands prints. ``…`` stands for any text of a line, a line
  of ``…`` alone for any lines.
- ``<!-- beside`` and commands in lines of their own, then ``-->``: run as well, and not for readers: what they would
  have done before, and what they would look at. ``beside: stays TEXT`` and the like as with ``run``.
- ``<!-- run: fill NAME -->``: what a reader puts in the place of NAME is the variable of that name, set beside;
  ``fill WORD=NAME`` where the variable has another name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: A line that begins with one of these (after ``VARIABLE=value``) is a command.
PROGRAMS = (
    "apt", "apt-get", "borough", ".venv/bin/", "cat", "cd", "chmod", "cp", "createdb", "createuser", "curl", "docker",
    "env/bin/", "export", "git", "kill", "make", "mkdir", "mosquitto", "mosquitto_passwd", "mosquitto_pub",
    "mosquitto_sub", "openssl", "pg_dump", "pg_restore", "pip", "podman", "promtool", "psql", "python", "python3", "sh",
    "sudo", "systemctl",
)  # fmt: skip
#: Languages of fences that hold commands whatever stands in them.
SHELLS = ("sh", "bash", "console")
_COMMAND = re.compile(rf"\s*(?:[A-Z_]+=\S+\s+)*(?:(?:{'|'.join(map(re.escape, PROGRAMS))})(?:\s|$)|\.venv/bin/|\. )")
_FENCE = re.compile(r"( *)```(\S*)\s*$")
_COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)
_MARK = re.compile(r"(run|not run|file|shown|beside)(?:: ?|(?=\n)|$)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a comment says: ``kind`` is ``run``, ``not run``, ``file``, ``shown`` or ``beside``."""

    kind: str
    text: str
    line: int


@dataclass(slots=True)
class Block:
    """One block: its text without indentation, the language of its fence, its first line's number from 1."""

    text: str
    language: str
    line: int
    mark: Mark | None = None
    shown: list[Block] = field(default_factory=list)

    @property
    def commands(self) -> bool:
        """Whether it holds commands, by its fence's language, else by its lines."""
        if self.language:
            return self.language in SHELLS
        return any(_COMMAND.match(line) for line in self.text.splitlines())


def blocks(text: str) -> list[Block]:
    """Every block of a Markdown text in order; a ``beside`` comment is a block of its own. Raises ValueError."""
    found: list[Block] = []
    pending: Mark | None = None
    for item in _items(text.splitlines()):
        if isinstance(item, Mark):
            if item.kind == "beside":
                options, _, commands = item.text.partition("\n")
                found.append(Block(commands + "\n", "sh", item.line, Mark("beside", options.strip(), item.line)))
            elif pending is not None:
                raise ValueError(f"line {pending.line}: the mark has no block: another one follows")
            else:
                pending = item
        elif isinstance(item, int):
            if pending is not None:
                raise ValueError(f"line {pending.line}: the mark has no block: text follows")
        else:
            item.mark, pending = pending, None
            found.append(item)
    if pending is not None:
        raise ValueError(f"line {pending.line}: the mark has no block: the document ends")
    return found


def _items(lines: list[str]) -> Iterator[Mark | Block | int]:
    """Marks, blocks, and the numbers of lines with other text."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.strip().startswith("<!--"):
            begin = at
            while "-->" not in lines[at]:
                at += 1
                if at == len(lines):
                    raise ValueError(f"line {begin + 1}: a comment without an end")
            yield from _marks("\n".join(lines[begin : at + 1]), begin + 1)
            at += 1
        elif fence := _FENCE.match(line):
            begin, indent = at + 1, len(fence[1])
            at += 1
            while at < len(lines) and lines[at].strip() != "```":
                at += 1
            yield Block("".join(f"{text[indent:]}\n" for text in lines[begin:at]), fence[2], begin + 1)
            at += 1
        elif _indented(lines, at):
            begin = at
            while at < len(lines) and (lines[at].startswith("    ") or not lines[at].strip()):
                at += 1
            while not lines[at - 1].strip():
                at -= 1
            inside = lines[begin:at]
            indent = min(len(text) - len(text.lstrip()) for text in inside if text.strip())
            yield Block("".join(f"{text[indent:]}\n" for text in inside), "", begin + 1)
        else:
            if line.strip():
                yield at + 1
            at += 1


def _indented(lines: list[str], at: int) -> bool:
    """Whether a block of indented lines begins here: four spaces after an empty line or a mark."""
    if not lines[at].startswith("    ") or not lines[at].strip():
        return False
    before = lines[at - 1].strip() if at else ""
    return not before or before.endswith("-->")


def _marks(text: str, line: int) -> Iterator[Mark]:
    comment = _COMMENT.search(text)
    assert comment is not None
    if found := _MARK.fullmatch(comment[1]):
        yield Mark(found[1], found[2] if found[1] == "beside" else found[2].strip(), line)


def documents(root: Path) -> list[Path]:
    """README and every document that tells a reader what to do, in the order in which they are read."""
    folders = ("tutorial", "how-to", "reference", "explanation")
    return [root / "README.md", *(path for name in folders for path in sorted((root / "docs" / name).glob("*.md")))]


def unmarked(text: str) -> list[str]:
    """What is wrong with the marks of a document, each with its line."""
    try:
        found = blocks(text)
    except ValueError as error:
        return [str(error)]
    wrong = []
    for block in found:
        kind = block.mark.kind if block.mark else None
        first = block.text.strip().splitlines()[0] if block.text.strip() else ""
        if block.commands and kind not in ("run", "not run", "beside", "file"):
            wrong.append(f"line {block.line}: commands without a mark, say run or not run: {first}")
        if kind == "not run" and len(block.mark.text if block.mark else "") < 10:
            wrong.append(f"line {block.line}: not run, and no reason: {first}")
        if kind == "run" and not block.commands:
            wrong.append(f"line {block.line}: marked run, and there are no commands: {first}")
    return wrong
