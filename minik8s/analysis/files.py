"""Texts of files, folders and standard input, and the one complaint about any of them.

Bad input is one `InputError`, whose text is one line: file, line number, what is wrong. What
is wrong with a file or a folder as a whole stands under its line 1.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024
"""The most that one manifest may have, unless more is allowed."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SUFFIXES = (".yaml", ".yml", ".json", ".jsonl")


class InputError(Exception):
    """Input that makes no sense; the text is one line for the reader of a terminal."""


def texts(path: str, max_bytes: int = MAX_BYTES) -> Iterator[tuple[str, str]]:
    """The name and text of a file, of each manifest in a folder, or of standard input."""
    if path == "-":
        yield "-", text_of("-", _standard_input(max_bytes + 1), max_bytes)
        return
    if not os.path.isdir(path):
        yield path, _file(path, max_bytes)
        return
    files = manifests(path)
    if not files:
        raise InputError(f"{path}:1: no YAML or JSON file in this directory")
    for file in files:
        yield file, _file(file, max_bytes)


def text_of(name: str, data: bytes, max_bytes: int = MAX_BYTES) -> str:
    """UTF-8, or UTF-16 with its byte order mark, as text; raises InputError."""
    if len(data) > max_bytes:
        line = data[:max_bytes].count(b"\n") + 1
        raise InputError(f"{name}:{line}: the file is larger than {max_bytes} bytes")
    encoding = "utf-16" if data.startswith(_UTF_16) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{name}:{line}: not UTF-8 text") from None


def _standard_input(most: int) -> bytes:
    """Up to `most` bytes; what stands in for standard input may have text alone."""
    binary = getattr(sys.stdin, "buffer", None)
    return binary.read(most) if binary is not None else sys.stdin.read(most).encode()


def _file(path: str, max_bytes: int) -> str:
    try:
        with open(path, "rb") as file:
            return text_of(path, file.read(max_bytes + 1), max_bytes)
    except OSError as error:
        raise _unreadable(error, path) from None
    except ValueError as error:  # a NUL in the name
        raise InputError(f"{path}:1: {error}") from None


def manifests(folder: str) -> list[str]:
    """The manifests below a folder, in order; symbolic links to folders are not followed.

    Raises InputError for a folder that may not be read.
    """

    def refused(error: OSError) -> None:
        raise _unreadable(error, folder)

    paths = (
        Path(place, name) for place, _, names in os.walk(folder, onerror=refused) for name in names
    )
    return [str(path) for path in sorted(p for p in paths if _is_manifest(p))]


def _is_manifest(path: Path) -> bool:
    return path.suffix in _SUFFIXES and path.is_file()


def _unreadable(error: OSError, path: str) -> InputError:
    return InputError(f"{error.filename or path}:1: {error.strerror}")
