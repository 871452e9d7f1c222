"""The files of one shell: a tree in memory that several shells can share."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bashkit import FileSystem


_MOST_LINKS = 40
"""As many links as Linux follows in one path (ELOOP)."""


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
        self.mounts: dict[str, FileSystem] = {}
        self._folders = {"/"}
        self.tree.remove("/home", True)  # the engine's own idea of a user
        for path, data in (contents or {}).items():
            self.write(path, data)

    def mount(self, path: str, tree: FileSystem) -> None:
        """Show another tree below a path; shells mount it read-only."""
        self.make_folder(path)
        self.mounts[path] = tree

    def _at(self, path: str) -> tuple[FileSystem, str]:
        """The tree that a path lies in, and the path there."""
        for place, tree in self.mounts.items():
            if path == place or path.startswith(place + "/"):
                return tree, path[len(place) :] or "/"
        return self.tree, path

    @classmethod
    def bare(cls) -> Files:
        """A tree without `/dev`, `/home` and `/tmp`, to be mounted below another."""
        files = cls()
        for name in files.list("/"):
            files.tree.remove(f"/{name}", True)
        return files

    def _kind(self, path: str) -> str:
        """`file`, `directory` or `symlink`; the empty string if there is nothing."""
        tree, inner = self._at(path)
        try:
            return str(tree.stat(inner)["file_type"]) if tree.exists(inner) else ""
        except RuntimeError:
            # A link that leads out of a mounted folder: the engine does not follow it, but a
            # listing shows it.
            return "symlink"

    def resolve(self, path: str) -> str:
        """The path behind symbolic links; raises FileNotFoundError if there is nothing."""
        for _ in range(_MOST_LINKS):
            if self._kind(path) not in ("", "symlink"):
                return path
            link, target = self._link_on(path)
            if not link:
                break
            rest = path[len(link) :].lstrip("/")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(link), target, rest))
        raise FileNotFoundError(path)

    def _link_on(self, path: str) -> tuple[str, str]:
        """The last symbolic link on a path, and its target; empty if there is none."""
        while path not in ("/", ""):
            if self._kind(path) == "symlink":
                tree, inner = self._at(path)
                try:
                    return path, str(tree.read_link(inner))
                except RuntimeError:
                    pass  # not itself a link, but behind one
            path = posixpath.dirname(path)
        return "", ""

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder."""
        try:
            self.resolve(path)
        except FileNotFoundError:
            return False
        return True

    def stat(self, path: str) -> dict[str, Any]:
        """What the engine knows of a file or link: `file_type`, `size`, `mode`, `modified`."""
        folder = self.resolve(posixpath.dirname(path))
        tree, inner = self._at(posixpath.join(folder, posixpath.basename(path)))
        return dict(tree.stat(inner))

    def link(self, path: str) -> str:
        """What a symbolic link points to."""
        tree, inner = self._at(path)
        return str(tree.read_link(inner))

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""
        return self.exists(path) and self._kind(self.resolve(path)) == "directory"

    def read(self, path: str) -> bytes:
        """A file's bytes; raises FileNotFoundError or IsADirectoryError."""
        real = self.resolve(path)
        if self._kind(real) == "directory":
            raise IsADirectoryError(path)
        tree, inner = self._at(real)
        return bytes(tree.read_file(inner))

    def write(self, path: str, data: str | bytes, mode: int | None = None) -> None:
        """Write a file, making the folders above it.

        Raises IsADirectoryError, and PermissionError in a mounted folder.
        """
        self.make_folder(posixpath.dirname(path))
        if self.exists(path):
            path = self.resolve(path)
        if self.is_folder(path):
            raise IsADirectoryError(path)
        if self._at(path)[0] is not self.tree:
            raise PermissionError(path)
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
        real = self.resolve(path)
        if self._kind(real) != "directory":
            raise NotADirectoryError(path)
        tree, inner = self._at(real)
        return sorted(entry["name"] for entry in tree.read_dir(inner))

    def remove(self, path: str) -> None:
        """Remove a file or a whole folder; raises FileNotFoundError."""
        if not self.exists(path):
            raise FileNotFoundError(path)
        self._folders = {"/"}
        self.tree.remove(path, True)

    def mode(self, path: str) -> int:
        """The permission bits; raises FileNotFoundError."""
        return int(self.stat(self.resolve(path))["mode"])

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
