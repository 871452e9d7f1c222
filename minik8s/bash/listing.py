"""`ls` with the times of a simulated clock (GNU coreutils' layout)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from minik8s.bash.files import Files
from minik8s.bash.values import Invocation, Outcome

_SIX_MONTHS = 15_778_476
"""Beyond this age GNU ls shows the year (half of 31,556,952 seconds)."""

_KNOWN = set("1AaCFGRSdhiklnoprtUx")


class Host(Protocol):
    """What `ls` needs of its shell."""

    username: str
    files: Files
    now: Callable[[], float]

    def moment(self, host_time: float) -> float:
        """When, on the shell's clock, the machine's clock stood at a moment."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder says of a file."""

    name: str
    kind: str
    size: int
    mode: int
    modified: float
    target: str = ""


def ls(shell: Host, call: Invocation) -> Outcome:
    """Run `ls`."""
    flags: set[str] = set()
    paths: list[str] = []
    for word in call.argv:
        if word.startswith("--"):
            flags |= {"--all": {"a"}, "--recursive": {"R"}, "--directory": {"d"}}.get(word, set())
        elif word.startswith("-") and len(word) > 1:
            flags |= set(word[1:])
        else:
            paths.append(word)
    if wrong := sorted(flags - _KNOWN):
        message = f"ls: invalid option -- '{wrong[0]}'\nTry 'ls --help' for more information.\n"
        return Outcome(stderr=message, exit_code=2)
    return _Listing(shell, flags, call.cwd).run(paths or ["."])


def entry_of(shell: Host, full: str, name: str) -> Entry:
    """The file at a path, under the name that it is to be shown by."""
    stat = shell.files.stat(full)
    kind = str(stat["file_type"])
    target = shell.files.link(full) if kind == "symlink" else ""
    size = 4096 if kind == "directory" else int(stat["size"])
    modified = shell.moment(float(stat["modified"]))
    return Entry(name, kind, size, int(stat["mode"]), modified, target)


class _Listing:
    def __init__(self, shell: Host, flags: set[str], cwd: str) -> None:
        self._shell = shell
        self._files = shell.files
        self._flags = flags
        self._cwd = cwd
        self._out: list[str] = []

    def run(self, paths: list[str]) -> Outcome:
        errors, files, folders = [], [], []
        for path in sorted(paths):
            full = self._full(path)
            if not self._files.exists(full):
                errors.append(f"ls: cannot access '{path}': No such file or directory\n")
            elif self._enters(full, path):
                folders.append(path)
            else:
                files.append(self._entry(full, path))
        if files:
            self._print(self._sorted(files))
        many = len(paths) > 1 or "R" in self._flags
        for path in folders:
            self._folder(path, heading=many)
        return Outcome("".join(self._out), "".join(errors), 2 if errors else 0)

    def _enters(self, full: str, path: str) -> bool:
        """Whether the contents are listed; `-l` shows a link itself unless a slash follows."""
        if not self._files.is_folder(full) or "d" in self._flags:
            return False
        link = full != "/" and self._files.stat(full)["file_type"] == "symlink"
        return not (link and "l" in self._flags and not path.endswith("/"))

    def _full(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._cwd, path))

    def _folder(self, path: str, *, heading: bool) -> None:
        full = self._full(path)
        entries = [
            self._entry(f"{full.rstrip('/')}/{name}", name)
            for name in self._files.list(full)
            if not name.startswith(".") or self._flags & {"a", "A"}
        ]
        inner = self._sorted(entries)
        if "a" in self._flags:
            entries = [self._entry(full, "."), self._entry(posixpath.dirname(full), ".."), *inner]
        else:
            entries = inner
        if heading:
            self._out.append(("\n" if self._out else "") + f"{path}:\n")
        if "l" in self._flags or "o" in self._flags or "n" in self._flags:
            self._out.append(f"total {sum(_blocks(entry) for entry in entries)}\n")
        self._print(entries)
        if "R" in self._flags:
            for entry in inner:
                if entry.kind == "directory":
                    self._folder(f"{path.rstrip('/')}/{entry.name}", heading=True)

    def _entry(self, full: str, name: str) -> Entry:
        return entry_of(self._shell, full, name)

    def _sorted(self, entries: list[Entry]) -> list[Entry]:
        entries = sorted(entries, key=lambda entry: entry.name)
        if "t" in self._flags:
            entries.sort(key=lambda entry: -entry.modified)
        if "S" in self._flags:
            entries.sort(key=lambda entry: -entry.size)
        return entries[::-1] if "r" in self._flags else entries

    def _print(self, entries: list[Entry]) -> None:
        if not self._flags & {"l", "o", "n"}:
            self._out += [self._name(entry) + "\n" for entry in entries]
            return
        user = "root" if self._shell.username == "root" else self._shell.username
        sizes = [self._size(entry.size) for entry in entries]
        width = max(map(len, sizes), default=1)
        for entry, size in zip(entries, sizes, strict=True):
            links = 2 if entry.kind == "directory" else 1
            owner = f"{user} {user}" if "o" not in self._flags else user
            arrow = f" -> {entry.target}" if entry.target else ""
            self._out.append(
                f"{mode_text(entry)} {links} {owner} {size:>{width}} {self._time(entry.modified)} "
                f"{self._name(entry)}{arrow}\n"
            )

    def _name(self, entry: Entry) -> str:
        if entry.kind == "directory" and self._flags & {"F", "p"}:
            return entry.name + "/"
        if "F" in self._flags and entry.kind == "file" and entry.mode & 0o111:
            return entry.name + "*"
        return entry.name

    def _size(self, size: int) -> str:
        if "h" not in self._flags or size < 1024:
            return str(size)
        value, unit = float(size), 0
        while value >= 1024:
            value, unit = value / 1024, unit + 1
        return f"{value:.1f}{' KMGT'[unit]}" if value < 10 else f"{value:.0f}{' KMGT'[unit]}"

    def _time(self, moment: float) -> str:
        at = datetime.fromtimestamp(moment, UTC)
        recent = 0 <= self._shell.now() - moment + 3600 < _SIX_MONTHS
        return f"{at:%b} {at.day:2d} {at:%H:%M}" if recent else f"{at:%b} {at.day:2d}  {at:%Y}"


def _blocks(entry: Entry) -> int:
    """Size in blocks of 1,024 bytes, on a disk that gives out 4,096 at a time."""
    return -(-entry.size // 4096) * 4 if entry.kind != "symlink" else 0


def mode_text(entry: Entry) -> str:
    """Kind and permissions, as `ls -l` writes them."""
    kind = {"directory": "d", "symlink": "l"}.get(entry.kind, "-")
    bits = "".join(
        letter if entry.mode & (1 << (8 - place)) else "-"
        for place, letter in enumerate("rwxrwxrwx")
    )
    sticky = entry.mode & 0o1000
    return kind + (bits[:-1] + ("t" if bits[-1] == "x" else "T") if sticky else bits)
