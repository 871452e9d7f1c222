"""A cluster's documents in a file, so that no acknowledged write is lost.

SQLite in WAL mode, `synchronous=FULL`: a commit is one append to the write-ahead log and one
fsync, and what a crash cuts off in the middle of a commit is undone by SQLite itself, frame
checksums and all. An append log of our own would write a little less, but would need its own
checksums, its own compaction and its own recovery, each a place to lose data. The file holds
the newest state of each object and nothing else, so it grows with the cluster, not with time.

All writes of one request, those of the controllers that it woke included, are one
transaction; transactions that arrive while another is being synced share the next one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Document = dict[str, Any]

FORMAT = 1

VERSION_GAP = 1000
"""How far resourceVersions jump at a restart. A client may have seen writes that were never
acknowledged to their writer and are lost; their numbers must not come again."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (resource, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def _plain_json(document: Document) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


class JournalError(Exception):
    """The file cannot be used; the text says why."""


class Resource(Protocol):
    """What of a kind a journal needs (`minik8s.model.registry.Kind`)."""

    @property
    def resource(self) -> str:
        """Plural and group, `deployments.apps`."""


class Change(Protocol):
    """One write (`minik8s.store.StoreEvent`)."""

    @property
    def type(self) -> str:
        """ADDED, MODIFIED or DELETED."""

    @property
    def kind(self) -> Resource:
        """The kind of the object."""

    @property
    def object(self) -> Document:
        """The object after the write."""

    @property
    def resource_version(self) -> int:
        """The store's counter after the write."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a file holds; `resource_version` 0 means that it is new."""

    documents: list[Document] = field(default_factory=list)
    resource_version: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)


class Journal:
    """The file. Its methods may be called from any one thread at a time."""

    def __init__(self, path: Path, encode: Callable[[Document], bytes] = _plain_json) -> None:
        """Open or create the file; raises JournalError.

        `encode` makes a document JSON. The server gives its own, which is several times as
        fast: what the writing thread takes of the interpreter's time, requests have not.
        """
        self._encode = encode
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)  # it may hold tokens and Secrets
            self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"{path}: {error}") from None

    def _prepare(self) -> None:
        file = self._file
        file.execute("PRAGMA busy_timeout = 0")
        # Two servers on one file would overwrite each other: the second one is refused.
        file.execute("PRAGMA locking_mode = EXCLUSIVE")
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
        file.execute("BEGIN EXCLUSIVE")
        for statement in _SCHEMA.split(";"):
            file.execute(statement)
        file.execute("COMMIT")
        saved_format = self._facts().get("format", str(FORMAT))
        if saved_format != str(FORMAT):
            raise JournalError(f"the file has format {saved_format}, this is format {FORMAT}")

    def read(self) -> Saved:
        """What the file holds."""
        rows = self._file.execute("SELECT document FROM objects ORDER BY 1").fetchall()
        facts = self._facts()
        version = int(facts.get("resourceVersion", 0))
        return Saved([json.loads(text) for (text,) in rows], version, facts)

    def write(self, changes: Iterable[Change]) -> None:
        """Put writes on the disk, all or none; returns when they are there.

        Raises JournalError, for a full disk for example.
        """
        gone, kept, facts = _collapsed(changes)
        rows = [(*place, self._encode(document).decode()) for place, document in kept.items()]
        with self._transaction() as file:
            file.executemany(_DELETE, gone)
            file.executemany(_PUT, rows)
            file.executemany(_TELL, facts.items())

    def replace(self, changes: Iterable[Change], facts: Mapping[str, str]) -> None:
        """Put a whole cluster in the place of what the file holds; raises JournalError."""
        _, kept, more = _collapsed(changes)
        rows = [(*place, self._encode(document).decode()) for place, document in kept.items()]
        with self._transaction() as file:
            file.execute("DELETE FROM objects")
            file.execute("DELETE FROM facts")
            file.executemany(_PUT, rows)
            file.executemany(_TELL, {**facts, **more}.items())

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        file = self._file
        try:
            file.execute("BEGIN IMMEDIATE")
            yield file
            file.execute("COMMIT")
        except sqlite3.Error as error:
            if file.in_transaction:
                file.execute("ROLLBACK")
            raise JournalError(str(error)) from None

    def close(self) -> None:
        """Close the file; the log is merged into it."""
        self._file.close()

    def _facts(self) -> dict[str, str]:
        return dict(self._file.execute("SELECT name, value FROM facts").fetchall())


_DELETE = "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?"
_PUT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)"
_TELL = "INSERT OR REPLACE INTO facts VALUES (?, ?)"

_Place = tuple[str, str, str]


def _collapsed(
    changes: Iterable[Change],
) -> tuple[list[_Place], dict[_Place, Document], dict[str, str]]:
    """What is to be deleted, put and told: of each object only the last change counts."""
    newest: dict[tuple[str, str, str], Change] = {}
    version = 0
    for change in changes:
        metadata = change.object["metadata"]
        place = (change.kind.resource, metadata.get("namespace", ""), metadata["name"])
        newest[place] = change
        version = change.resource_version
    gone = [place for place, change in newest.items() if change.type == "DELETED"]
    kept = {place: change.object for place, change in newest.items() if change.type != "DELETED"}
    told = {"format": str(FORMAT)}
    if version:
        told["resourceVersion"] = str(version)
    return gone, kept, told
