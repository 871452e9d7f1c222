"""`stat` with the times of a simulated clock (GNU coreutils' layout)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from datetime import UTC, datetime
from zlib import crc32

from minik8s.bash.listing import Entry, Host, entry_of, mode_text
from minik8s.bash.values import Invocation, Outcome

_WHOLE = (
    "  File: %n\n  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\n"
    "Device: %Hd,%Ld\tInode: %-11i Links: %h\n"
    "Access: (%04a/%A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\n"
    "Access: %x\nModify: %y\nChange: %z\n Birth: %w\n"
)
_DIRECTIVE = re.compile(r"%(-?0?\d*)(H?L?[a-zA-Z%])")
_ESCAPES = {r"\n": "\n", r"\t": "\t", r"\\": "\\"}
_BLOCK, _DISK_BLOCK = 512, 4096
_TRY = "Try 'stat --help' for more information.\n"


def stat(shell: Host, call: Invocation) -> Outcome:
    """Run `stat [-c FORMAT | --printf FORMAT] FILE...`."""
    layout, paths, words = _WHOLE, [], list(call.argv)
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if option in ("--format", "--printf") and (equals or words):
            value = value if equals else words.pop(0)
            layout = _unescaped(value) if option == "--printf" else value + "\n"
        elif word == "-c" and words:
            layout = words.pop(0) + "\n"
        elif word.startswith("-c"):
            layout = word[2:] + "\n"
        elif word.startswith("-") and word not in ("-", "-L", "--dereference"):
            return Outcome(stderr=f"stat: invalid option -- '{word[1:2]}'\n{_TRY}", exit_code=1)
        elif not word.startswith("-"):
            paths.append(word)
    if not paths:
        return Outcome(stderr=f"stat: missing operand\n{_TRY}", exit_code=1)
    return _of_all(shell, call, layout, paths)


def _of_all(shell: Host, call: Invocation, layout: str, paths: list[str]) -> Outcome:
    out, err = [], []
    for path in paths:
        full = posixpath.normpath(posixpath.join(call.cwd, path))
        if shell.files.exists(full):
            out.append(_shown(layout, _values(shell, entry_of(shell, full, path), full)))
        else:
            err.append(f"stat: cannot statx '{path}': No such file or directory\n")
    return Outcome("".join(out), "".join(err), 1 if err else 0)


def _values(shell: Host, entry: Entry, full: str) -> Callable[[str], str]:
    root = shell.username == "root"
    owner, number = shell.username, "0" if root else "1000"
    kinds = {"directory": "directory", "symlink": "symbolic link"}
    regular = "regular file" if entry.size else "regular empty file"
    at = datetime.fromtimestamp(entry.modified, UTC)
    text, seconds = f"{at:%F %T}.{at.microsecond:06d}000 +0000", str(int(entry.modified))
    blocks = -(-entry.size // _DISK_BLOCK) * (_DISK_BLOCK // _BLOCK)
    values = {
        "n": entry.name,
        "N": f"'{entry.name}'",
        "s": str(entry.size),
        "b": str(blocks),
        "B": str(_BLOCK),
        "o": str(_DISK_BLOCK),
        "F": kinds.get(entry.kind, regular),
        "Hd": "0",
        "Ld": "42",
        "d": "42",
        "i": str(crc32(full.encode())),
        "h": "2" if entry.kind == "directory" else "1",
        "a": f"{entry.mode & 0o7777:o}",
        "A": mode_text(entry),
        **dict.fromkeys("ug", number),
        **dict.fromkeys("UG", owner),
        **dict.fromkeys("xyzw", text),
        **dict.fromkeys("XYZW", seconds),
        "%": "%",
    }
    return lambda name: values.get(name, "?")


def _shown(layout: str, value: Callable[[str], str]) -> str:
    def one(match: re.Match[str]) -> str:
        width, text = match.group(1), value(match.group(2))
        if width.startswith("-"):
            return text.ljust(int(width[1:] or 0))
        return text.rjust(int(width or 0), "0" if width.startswith("0") else " ")

    return _DIRECTIVE.sub(one, layout)


def _unescaped(text: str) -> str:
    return re.sub(r"\\[nt\\]", lambda match: _ESCAPES[match.group()], text)
