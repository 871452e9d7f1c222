"""One command under way: its flags, its arguments, its surroundings, its cluster."""

from __future__ import annotations

from enum import Enum

from minik8s.client import Client, WriteOptions
from minik8s.clock import rfc3339
from minik8s.kubectl.actingas import acting_as
from minik8s.kubectl.failures import Exit, Failure, Unreachable, UsageFailure
from minik8s.kubectl.flags import Flags
from minik8s.kubectl.gotext import parse_bool, quote
from minik8s.kubectl.io import IO
from minik8s.kubectl.tree import Command

NO_CLUSTER = "http://localhost:8080"
"""Where kubectl looks for a server when the kubeconfig names none."""


class DryRun(Enum):
    """What `--dry-run` asks for; the value is what is added to a success message."""

    NONE = ""
    CLIENT = " (dry run)"
    SERVER = " (server dry run)"


class Call:
    """A command line that has been read, and what its command needs to run."""

    def __init__(self, command: Command, flags: Flags, io: IO) -> None:
        self.command = command
        self.flags = flags
        self.io = io
        self.arguments = flags.arguments
        self.warnings: list[str] = []
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """The cluster that the context (`--context`, or the current one) leads to."""
        if self._client is None:
            self._client = self._connect(self.flags.text("context") or self.io.contexts.current)
        return self._client

    def _connect(self, name: str) -> Client:
        """A client for a context; raises Unreachable where it leads nowhere."""
        contexts = self.io.contexts
        if name and name not in contexts.contexts:
            raise Exit(
                1,
                f"Error in configuration: context was not found for specified context: {name}\n",
            )
        cluster = contexts.clusters.get(contexts.contexts.get(name, {}).get("cluster", ""))
        if cluster is None:
            raise Unreachable(NO_CLUSTER)
        try:
            client = contexts.client(name, warn=self.warn)
        except KeyError:
            raise Unreachable(str(cluster.get("server") or NO_CLUSTER)) from None
        client.headers = acting_as(self.flags, contexts.contexts[name].get("user", ""))
        return client

    @property
    def namespace(self) -> str:
        """The namespace to work in."""
        return self.flags.text("namespace") or self.io.contexts.namespace(
            self.flags.text("context")
        )

    @property
    def namespace_given(self) -> bool:
        """Whether `-n` names the namespace (files may then not name another)."""
        return bool(self.flags.text("namespace"))

    def out(self, text: str) -> None:
        """Write to standard output."""
        self.io.out(text)

    def err(self, text: str) -> None:
        """Write to standard error."""
        self.io.err(text)

    def warn(self, text: str) -> None:
        """Pass a warning of the server on, once."""
        if text not in self.warnings:
            self.warnings.append(text)
            self.warning_line(text)

    def warning_line(self, text: str) -> None:
        """A warning, in yellow on a terminal that knows colours."""
        term = self.io.env.get("TERM", "dumb")
        coloured = self.io.tty and term != "dumb" and "NO_COLOR" not in self.io.env
        word = "\x1b[33;1mWarning:\x1b[0m" if coloured else "Warning:"
        self.err(f"{word} {text}\n")

    def typed_line(self) -> str:
        """The next line of standard input; empty at its end."""
        if self.io.stdin is not None:
            line, _, self.io.stdin = self.io.stdin.partition("\n")
            return line
        return self.io.read_line() or ""

    def log(self, text: str, place: str = "helpers.go:711", level: str = "W") -> None:
        """A line as klog writes it."""
        stamp = rfc3339(self.io.now())
        self.err(
            f"{level}{stamp[5:7]}{stamp[8:10]} {stamp[11:19]}.000000    4711 {place}] {text}\n"
        )

    def usage(self, message: str) -> UsageFailure:
        """An error about the command line, with a hint where to look."""
        return UsageFailure(message, self.command.full)

    def dry_run(self) -> DryRun:
        """What `--dry-run` says; raises Failure for a value that it does not take."""
        if not self.flags.knows("dry-run"):
            return DryRun.NONE
        value = self.flags.text("dry-run")
        if value == "unchanged":
            self.log("--dry-run is deprecated and can be replaced with --dry-run=client.")
            return DryRun.CLIENT
        if value in _DRY_RUNS:
            return _DRY_RUNS[value]
        try:
            chosen = DryRun.CLIENT if parse_bool(value) else DryRun.NONE
        except ValueError:
            raise Failure(
                f'Invalid dry-run value ({value}). Must be "none", "server", or "client".'
            ) from None
        self.log(
            f"--dry-run={value} is deprecated (boolean value) and can be replaced with "
            f"--dry-run={chosen.name.lower()}."
        )
        return chosen

    def validation(self) -> str:
        """What `--validate` says, as the `fieldValidation` parameter."""
        value = self.flags.text("validate")
        if value in _VALIDATIONS:
            return _VALIDATIONS[value]
        try:
            return "Strict" if parse_bool(value) else "Ignore"
        except ValueError:
            raise Failure(
                f"invalid - validate option {quote(value)}; must be one of: strict (or true), "
                "warn, ignore (or false)"
            ) from None

    def options(self, dry_run: DryRun, validation: str = "", manager: str = "") -> WriteOptions:
        """The parameters of a write."""
        if not manager and self.flags.knows("field-manager"):
            manager = self.flags.text("field-manager")
        return WriteOptions(
            dry_run=dry_run is DryRun.SERVER, field_manager=manager, field_validation=validation
        )


_DRY_RUNS = {"client": DryRun.CLIENT, "server": DryRun.SERVER, "none": DryRun.NONE}
_VALIDATIONS = {"strict": "Strict", "warn": "Warn", "ignore": "Ignore"}
