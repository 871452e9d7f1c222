"""Tab completion: commands, kubectl's words, flags, live names, variables and files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from minik8s.bash.commands import HARMLESS, SHELL_BUILTINS
from minik8s.errors import ApiError
from minik8s.model.metadata import name_of
from minik8s.terminal.machines import Machines
from minik8s.terminal.session import HOME, Session

_SEPARATORS = re.compile(r"(?:\|\||&&|[|;&(]|\$\(|`)")
_FILE_FLAGS = ("-f", "--filename", "--from-file", "--kustomize", "-k")
_VALUED = ("-n", "--namespace", "-l", "--selector", "-o", "--output", "-c", "--container")
_ON_PODS = ("exec", "logs", "attach", "port-forward", "debug", "cp")
_ON_TYPES = (
    "get",
    "describe",
    "delete",
    "edit",
    "label",
    "annotate",
    "patch",
    "scale",
    "rollout",
    "expose",
    "set",
    "wait",
    "explain",
    "autoscale",
)
_OTHER_WORDS: Mapping[str, tuple[str, ...]] = {
    "gcloud": ("container", "config", "version"),
    "gcloud container": ("clusters",),
    "gcloud container clusters": ("create", "delete", "describe", "get-credentials", "list"),
    "gcloud config": ("get-value", "list"),
    "minikube": ("start", "status", "stop", "delete", "ip", "profile", "version"),
    "minikube profile": ("list",),
    "cilium": ("hubble", "install", "status", "uninstall", "version"),
    "cilium hubble": ("disable", "enable"),
    "hubble": ("list", "observe", "status", "version"),
    "minik8s": ("diff", "explain", "help", "lint", "matrix", "set", "version"),
    "minik8s set": (
        "enforcement=off",
        "enforcement=on",
        "established=keep",
        "established=rejudge",
        "tracking=off",
        "tracking=on",
    ),
}


class Node(Protocol):
    """A command of kubectl's tree."""

    @property
    def children(self) -> Mapping[str, Node]:
        """Its subcommands by name."""

    @property
    def flags(self) -> Mapping[str, Any]:
        """Its flags by long name."""

    def find(self, argv: list[str]) -> tuple[Node, list[str]]:
        """Walk along a command line."""


class Completer:
    """Completes lines for one session; `tree` gives kubectl's commands."""

    def __init__(self, session: Session, machines: Machines, tree: Callable[[], Node]) -> None:
        self._session = session
        self._machines = machines
        self._tree = tree

    def complete(self, line: str) -> list[str]:
        """What the last word of a line can become; folders end in `/`, other words in a blank."""
        words = _words(_SEPARATORS.split(line)[-1])
        typed = words[-1]
        if typed.startswith("$"):
            return self._variables(typed)
        before = words[:-1]
        while before and re.fullmatch(r"[A-Za-z_]\w*=.*", before[0]):
            before = before[1:]
        if before[:1] == ["sudo"]:
            before = before[1:]
        if not before:
            return self._commands(typed) if "/" not in typed else self._files(typed)
        if re.search(r"[<>]\s*\S*$", line):
            return self._files(typed)
        alias = self._session.shell.aliases.get(before[0])
        if alias:
            before = [*alias.split(), *before[1:]]
        if before[0] == "kubectl":
            return self._kubectl(before[1:], typed)
        known = _OTHER_WORDS.get(" ".join(before))
        if known is not None:
            return _starting(typed, known)
        return self._files(typed)

    # -- plain words

    def _commands(self, typed: str) -> list[str]:
        shell = self._session.shell
        names = {*HARMLESS, *SHELL_BUILTINS, *shell.programs, *shell.aliases}
        if shell.files.exists("/usr/local/bin"):
            names |= {*shell.files.list("/usr/local/bin")}
        return _starting(typed, (name for name in names if name[0].isalpha()))

    def _variables(self, typed: str) -> list[str]:
        names = (f"${name}" for name in self._session.shell.variables)
        return [name for name in sorted(names) if name.startswith(typed)]

    def _files(self, typed: str) -> list[str]:
        folder, name = posixpath.split(typed)
        shown = f"{folder}/" if folder and folder != "/" else folder
        real = folder.replace("~", HOME, 1) if folder.startswith("~") else folder
        path = posixpath.normpath(posixpath.join(self._session.shell.cwd, real))
        files = self._session.files
        if not files.is_folder(path):
            return []
        found = []
        for entry in files.list(path):
            if entry.startswith(name) and (name.startswith(".") or not entry.startswith(".")):
                end = "/" if files.is_folder(f"{path.rstrip('/')}/{entry}") else " "
                found.append(f"{shown}{entry}{end}")
        return found

    # -- kubectl

    def _kubectl(self, words: list[str], typed: str) -> list[str]:
        command, _ = self._tree().find(words)
        if "--" in words:
            return self._files(typed) if "/" in typed else []
        previous = words[-1] if words else ""
        if previous in _FILE_FLAGS:
            return self._files(typed)
        if previous in ("-n", "--namespace"):
            return self._names("namespaces", typed)
        if previous in ("-o", "--output"):
            return _starting(typed, ("json", "jsonpath=", "name", "wide", "yaml"))
        if typed.startswith("-"):
            return _starting(typed, (f"--{name}" for name in command.flags))
        plain = _plain(words)
        if command.children and (not plain or plain[-1:] == [_last(command)]):
            return _starting(typed, command.children)
        return self._kubectl_objects(plain, typed, words)

    def _kubectl_objects(self, plain: list[str], typed: str, words: list[str]) -> list[str]:
        verb = plain[0] if plain else ""
        if plain[:2] in (["config", "use-context"], ["config", "delete-context"]):
            return _starting(typed, self._session.contexts.names())
        if verb in _ON_PODS:
            return self._targets(typed, words)
        if verb not in _ON_TYPES:
            return []
        skipped = 2 if verb in ("rollout", "set") else 1
        kinds = plain[skipped:]
        if "/" in typed:
            kind, _, name = typed.partition("/")
            return [f"{kind}/{found}" for found in self._names(kind, name, words)]
        if kinds:
            return self._names(kinds[0], typed, words)
        return _starting(typed, self._types())

    def _targets(self, typed: str, words: list[str]) -> list[str]:
        if "/" in typed:
            kind, _, name = typed.partition("/")
            return [f"{kind}/{found}" for found in self._names(kind, name, words)]
        return self._names("pods", typed, words)

    def _types(self) -> list[str]:
        machine = self._machines.current
        if machine is None:
            return []
        return [kind.plural for kind in machine.client().kinds()]

    def _names(self, typed_kind: str, typed: str, words: Iterable[str] = ()) -> list[str]:
        machine = self._machines.current
        client = machine.client() if machine is not None else None
        kind = client.find(typed_kind.split(",")[0]) if client is not None else None
        if client is None or kind is None:
            return []
        namespace = _namespace(list(words)) or self._session.contexts.namespace()
        try:
            items = client.list(kind, namespace if kind.namespaced else "")["items"]
        except ApiError:
            return []
        return _starting(typed, map(name_of, items))


def _starting(typed: str, names: Iterable[str]) -> list[str]:
    found = sorted({name for name in names if name.startswith(typed)})
    return [name if name.endswith("=") else f"{name} " for name in found]


def _words(text: str) -> list[str]:
    """The words of an unfinished command; the last may be empty."""
    words = text.lstrip().split()
    return words if words and not text[-1:].isspace() else [*words, ""]


def _last(command: Node) -> str:
    return str(getattr(command, "name", ""))


def _namespace(words: list[str]) -> str:
    for place, word in enumerate(words):
        if word in ("-n", "--namespace") and place + 1 < len(words):
            return words[place + 1]
        if word.startswith("--namespace="):
            return word.partition("=")[2]
    return ""


def _plain(words: list[str]) -> list[str]:
    """The words that are neither flags nor values of flags."""
    plain = []
    for place, word in enumerate(words):
        if not word.startswith("-") and (not place or words[place - 1] not in _VALUED):
            plain.append(word)
    return plain
