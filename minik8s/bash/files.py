"""The files of one shell: a tree in memory that several shells can share."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bashkit import FileSystem


class Files:
    """Files by absolute path.

    >>> files = Files({"/etc/hostname": "web"})
    >>> files.read("/etc/hostname")
    b'web'
    """

    def __init__(self, contents: Mapping[str, str | bytes] | None = None) -> None:
        # bashkit is imported late: a cluster in whose pods nobody runs a shell, and a platform
        # that has no bashkit, do without it.
        from bashkit import FileSystem

        self.tree: FileSystem = FileSystem()
        self._folders = {"/"}
        for path, data in (contents or {}).items():
            self.write(path, data)

    @classmethod
    def bare(cls) -> Files:
        """A tree without `/dev`, `/home` and `/tmp`, to be mounted below another."""
        files = cls()
        for name in files.list("/"):
            files.tree.remove(f"/{name}", True)
        return files

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder."""
        return self.tree.exists(path)

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""
        return self.exists(path) and bool(self.tree.stat(path)["file_type"] == "directory")

    def read(self, path: str) -> bytes:
        """A file's bytes; raises FileNotFoundError or IsADirectoryError."""
        if not self.exists(path):
            raise FileNotFoundError(path)
        if self.is_folder(path):
            raise IsADirectoryError(path)
        return bytes(self.tree.read_file(path))

    def write(self, path: str, data: str | bytes, mode: int | None = None) -> None:
        """Write a file, making the folders above it; raises IsADirectoryError."""
        self.make_folder(posixpath.dirname(path))
        if self.is_folder(path):
            raise IsADirectoryError(path)
        self.tree.write_file(path, data.encode() if isinstance(data, str) else data)
        if mode is not None:
            self.tree.chmod(path, mode)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it."""
        if path not in self._folders:
            if not self.exists(path):
                self.tree.mkdir(path, True)
            self._folders.add(path)

    def list(self, path: str) -> list[str]:
        """The names in a folder, sorted; raises FileNotFoundError or NotADirectoryError."""
        if not self.exists(path):
            raise FileNotFoundError(path)
        if not self.is_folder(path):
            raise NotADirectoryError(path)
        return sorted(entry["name"] for entry in self.tree.read_dir(path))

    def remove(self, path: str) -> None:
        """Remove a file or a whole folder; raises FileNotFoundError."""
        if not self.exists(path):
            raise FileNotFoundError(path)
        self._folders = {"/"}
        self.tree.remove(path, True)

    def mode(self, path: str) -> int:
        """The permission bits; raises FileNotFoundError."""
        if not self.exists(path):
            raise FileNotFoundError(path)
        return int(self.tree.stat(path)["mode"])

    def contents(self) -> dict[str, tuple[bytes, int]]:
        """All files with their modes."""
        return {path: (self.read(path), self.mode(path)) for path in self._walk("")}

    def replace(self, contents: Mapping[str, tuple[bytes, int]]) -> None:
        """Make `contents` the only files."""
        for path in [path for path in self._walk("") if path not in contents]:
            self.tree.remove(path, False)
        for path, (data, mode) in contents.items():
            self.write(path, data, mode)

    def _walk(self, folder: str) -> Iterator[str]:
        for entry in self.tree.read_dir(folder or "/"):
            path, kind = f"{folder}/{entry['name']}", entry["metadata"]["file_type"]
            if kind == "directory":
                yield from self._walk(path)
            elif kind == "file":
                yield path
