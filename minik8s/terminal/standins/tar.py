"""GNU tar on the laptop's files: list, extract and create, plain or with gzip."""

from __future__ import annotations

import gzip
import io as streams
import posixpath
import tarfile

from minik8s.terminal.io import LaptopIO

_FATAL = "tar: Error is not recoverable: exiting now\n"


def main(argv: list[str], io: LaptopIO) -> int:
    """Run `tar ARGV...`."""
    letters, words, name, folder = _read(argv)
    mode = next((letter for letter in "xtc" if letter in letters), "")
    if not mode:
        io.err(
            "tar: You must specify one of the '-Acdtrux', '--delete' or '--test-label' options\n"
        )
        io.err("Try 'tar --help' or 'tar --usage' for more information.\n")
        return 2
    if mode == "c":
        return _create(name, words, letters, io)
    return _open(name, mode, letters, folder, words, io)


def _read(argv: list[str]) -> tuple[set[str], list[str], str, str]:
    """Letters of the options, other words, archive and folder."""
    letters: set[str] = set()
    words: list[str] = []
    name, folder = "-", "."
    rest = list(argv)
    first = True
    while rest:
        word = rest.pop(0)
        bundle = word[1:] if word.startswith("-") else word
        if word.startswith("--"):
            letters |= {"extract": {"x"}, "list": {"t"}, "gzip": {"z"}}.get(word[2:], set())
        elif first or (word.startswith("-") and len(word) > 1):
            for place, letter in enumerate(bundle):
                letters.add(letter)
                if letter in "fC" and rest:
                    value = bundle[place + 1 :] if word.startswith("-") else ""
                    value = value or rest.pop(0)
                    name, folder = (value, folder) if letter == "f" else (name, value)
                    if word.startswith("-"):
                        break
        else:
            words.append(word)
        first = False
    return letters, words, name, folder


def _open(
    name: str, mode: str, letters: set[str], folder: str, words: list[str], io: LaptopIO
) -> int:
    try:
        data = io.read_file(name)
    except OSError:
        return _missing(name, "z" in letters, io)
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    elif "z" in letters:
        io.err(f"\ngzip: stdin: not in gzip format\ntar: Child returned status 1\n{_FATAL}")
        return 2
    try:
        with tarfile.open(fileobj=streams.BytesIO(data)) as archive:
            return _unpack(archive, mode, letters, folder, words, io)
    except tarfile.TarError:
        io.err("tar: This does not look like a tar archive\n")
        io.err("tar: Exiting with failure status due to previous errors\n")
        return 2


def _unpack(
    archive: tarfile.TarFile,
    mode: str,
    letters: set[str],
    folder: str,
    words: list[str],
    io: LaptopIO,
) -> int:
    members = archive.getmembers()
    code = 0
    for word in words:
        if not any(member.name == word for member in members):
            io.err(f"tar: {word}: Not found in archive\n")
            code = 2
    for member in members:
        if not words or member.name in words:
            _one(archive, member, mode, letters, folder, io)
    if code:
        io.err("tar: Exiting with failure status due to previous errors\n")
    return code


def _one(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    mode: str,
    letters: set[str],
    folder: str,
    io: LaptopIO,
) -> None:
    if mode == "t" and "v" in letters:
        kind = "d" if member.isdir() else "-"
        bits = "".join(
            c if member.mode & (1 << (8 - i)) else "-" for i, c in enumerate("rwxrwxrwx")
        )
        io.out(f"{kind}{bits} root/root {member.size:>8} 2021-03-08 14:57 {member.name}\n")
        return
    if mode == "t" or "v" in letters:
        io.out(member.name + "\n")
    if mode == "t":
        return
    path = io.path(posixpath.join(folder, posixpath.normpath("/" + member.name).lstrip("/")))
    content = archive.extractfile(member)
    if content is None:
        io.files.make_folder(path)
    else:
        io.files.write(path, content.read(), member.mode & 0o777)


def _missing(name: str, zipped: bool, io: LaptopIO) -> int:
    child = "tar (child)" if zipped else "tar"
    io.err(f"{child}: {name}: Cannot open: No such file or directory\n")
    io.err(f"{child}: Error is not recoverable: exiting now\n")
    if zipped:
        io.err(f"tar: Child returned status 2\n{_FATAL}")
    return 2


def _create(name: str, words: list[str], letters: set[str], io: LaptopIO) -> int:
    if not words:
        io.err("tar: Cowardly refusing to create an empty archive\n")
        io.err("Try 'tar --help' or 'tar --usage' for more information.\n")
        return 2
    raw, code = streams.BytesIO(), 0
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for word in words:
            if not io.files.exists(io.path(word)):
                io.err(f"tar: {word}: Cannot stat: No such file or directory\n")
                code = 2
            else:
                _add(archive, word, letters, io)
    data = raw.getvalue()
    io.write_file(name, gzip.compress(data, mtime=0) if "z" in letters else data)
    if code:
        io.err("tar: Exiting with failure status due to previous errors\n")
    return code


def _add(archive: tarfile.TarFile, name: str, letters: set[str], io: LaptopIO) -> None:
    path = io.path(name)
    if not io.files.exists(path):
        return  # a link that leads nowhere
    member = tarfile.TarInfo(name.lstrip("/"))
    member.mtime = int(io.now())
    member.mode = io.files.mode(path) & 0o777
    if "v" in letters:
        io.out(name + ("/\n" if io.files.is_folder(path) else "\n"))
    if io.files.is_folder(path):
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
        for inner in io.files.list(path):
            _add(archive, f"{name.rstrip('/')}/{inner}", letters, io)
        return
    data = io.files.read(path)
    member.size = len(data)
    archive.addfile(member, streams.BytesIO(data))
