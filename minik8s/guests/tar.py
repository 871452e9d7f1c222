"""tar: archives of a container's files, as `kubectl cp` makes and reads them.

Files have no owners, modes or times here, so options about them are taken and mean nothing.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from posixpath import join, normpath

from minik8s.guests.base import Process, Steps, read_all

_WITHOUT_MEANING = ("--no-same-permissions", "--no-same-owner", "--numeric-owner", "--overwrite")
_LETTERS = frozenset("cxtvzmpoOk")
_MISSING = "No such file or directory"


class _Refused(Exception):
    """Why tar does nothing."""


@dataclass(slots=True)
class _Wanted:
    """What a command line asks for."""

    letters: set[str] = field(default_factory=set)
    archive: str = "-"
    folder: str = ""
    names: list[str] = field(default_factory=list)


def _parse(words: list[str]) -> _Wanted:
    wanted, rest = _Wanted(), list(words)
    if rest and not rest[0].startswith("-"):
        rest[0] = f"-{rest[0]}"
    while rest:
        word = rest.pop(0)
        if word in _WITHOUT_MEANING:
            continue
        if not word.startswith("-") or word == "-":
            wanted.names.append(word)
            continue
        _letters(word[1:], rest, wanted)
    if len(wanted.letters & set("cxt")) != 1:
        raise _Refused("You must specify one of the '-Acdtrux' options")
    return wanted


def _letters(cluster: str, rest: list[str], wanted: _Wanted) -> None:
    for place, letter in enumerate(cluster):
        if letter in _LETTERS:
            wanted.letters.add(letter)
            continue
        if letter not in "fC":
            raise _Refused(f"invalid option -- '{letter}'")
        value = cluster[place + 1 :] or (rest.pop(0) if rest else "")
        if not value:
            raise _Refused(f"option requires an argument -- '{letter}'")
        if letter == "f":
            wanted.archive = value
        else:
            wanted.folder = value
        return


def tar(process: Process) -> Steps[int]:
    """Make, read or list an archive; `-z` packs it with gzip."""
    try:
        wanted = _parse(process.arguments)
        base = process.resolve(wanted.folder or ".")
        if "c" in wanted.letters:
            if not wanted.names:
                raise _Refused("Cowardly refusing to create an empty archive")
            return _create(process, wanted, base)
        data = yield from _archive(process, wanted)
        return _read(process, wanted, base, data)
    except _Refused as error:
        process.err(f"tar: {error}\n")
        return 2


def _archive(process: Process, wanted: _Wanted) -> Steps[bytes]:
    if wanted.archive != "-":
        data = process.container.read(process.resolve(wanted.archive))
        if data is None:
            raise _Refused(f"{wanted.archive}: Cannot open: {_MISSING}")
        return data
    return (yield from read_all(process))


def _read(process: Process, wanted: _Wanted, base: str, data: bytes) -> int:
    disk = process.container.disk
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                name = member.name.lstrip("/")
                if wanted.names and not any(_within(name, each) for each in wanted.names):
                    continue
                if "v" in wanted.letters or "t" in wanted.letters:
                    process.out(f"{name}{'/' if member.isdir() else ''}\n")
                inside = archive.extractfile(member) if member.isfile() else None
                path = normpath(join(base, name))
                if "x" not in wanted.letters or inside is None or not _within(path, base):
                    continue
                if "O" in wanted.letters:
                    process.out(inside.read())
                else:
                    disk.write(path, inside.read())
    except tarfile.TarError:
        raise _Refused("This does not look like a tar archive") from None
    return 0


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _create(process: Process, wanted: _Wanted, base: str) -> int:
    buffer, code = io.BytesIO(), 0
    disk = process.container.disk
    stripped = False
    with tarfile.open(
        fileobj=buffer, mode="w:gz" if "z" in wanted.letters else "w", format=tarfile.USTAR_FORMAT
    ) as archive:
        for name in wanted.names:
            path = normpath(join(base, name))
            if disk.read(path) is None and disk.list(path) is None:
                process.err(f"tar: {name}: Cannot stat: {_MISSING}\n")
                code = 2
                continue
            if name.startswith("/") and not stripped:
                process.err("tar: Removing leading `/' from member names\n")
                stripped = True
            for member, data in _members(process, path, name.strip("/") or "."):
                archive.addfile(member, io.BytesIO(data))
    if code:
        process.err("tar: Exiting with failure status due to previous errors\n")
    if wanted.archive == "-":
        process.out(buffer.getvalue())
    else:
        disk.write(process.resolve(wanted.archive), buffer.getvalue())
    return code


def _members(process: Process, path: str, name: str) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """A file, or a folder and all that is in it."""
    disk = process.container.disk
    data = disk.read(path)
    member = tarfile.TarInfo(name)
    member.mtime = int(process.clock.now)
    if data is not None:
        member.size = len(data)
        yield member, data
        return
    member.type, member.mode = tarfile.DIRTYPE, 0o755
    yield member, b""
    for child in disk.list(path) or ():
        yield from _members(process, join(path, child), f"{name}/{child}")
