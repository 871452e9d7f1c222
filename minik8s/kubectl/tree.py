"""The commands of kubectl as a tree, read from the tables beside this module.

`root()` is the tree; `Command.find` walks it along a command line as cobra does, and
`Command.flags` are the flags that a command takes, the global ones included. Completion reads
the same tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from minik8s.kubectl.flags import HELP, Flag

_TABLES = Path(__file__).parent / "table"
_PRINT = ("allow-missing-template-keys", "output", "show-managed-fields", "template")
_GROUPS = {
    "PRINT": _PRINT,
    "TEMPLATE": tuple(name for name in _PRINT if name != "output"),
    "FILES": ("filename", "kustomize", "recursive"),
}
_OPTIONAL = {
    "bool": "true",
    "tristate": "true",
    "cascade": "background",
    "dry-run": "unchanged",
    "validate": "strict",
}
"""What a flag means without a value: by its name, or by its type."""

_DEPRECATED = {
    "cpu-percent": "Use --cpu with percentage or resource quantity format (e.g., '70%' for "
    "utilization or '500m' for milliCPU).",
    "enable-managedby-label": "The flag `enable-managedby-label` has been deprecated. Use the "
    "`managedByLabel` option in the `buildMetadata` field instead.",
    "filename@run": "it is ignored by kubectl run and will be removed in a future release",
    "record": "--record will be removed in the future",
    "reorder": "use the new 'sortOptions' field in kustomization.yaml instead.",
}
_GLOBAL = (
    "as as-group as-uid as-user-extra cache-dir certificate-authority client-certificate "
    "client-key cluster context disable-compression insecure-skip-tls-verify kubeconfig kuberc "
    "log-flush-frequency match-server-version namespace password profile profile-output "
    "proxy-url request-timeout server tls-server-name token user@kubectl username v vmodule "
    "warnings-as-errors"
)
_HIDDEN_COMMANDS = ("alpha",)


@dataclass(slots=True)
class Command:
    """One command; `path` is what is typed after `kubectl`, without flags."""

    path: str
    does: str = ""
    runs: str = ""
    """`module.function` below minik8s.kubectl.commands."""
    usage: str = ""
    aliases: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    """Words that a person may have meant this command by."""
    section: str = ""
    own: Mapping[str, Flag] = field(default_factory=dict)
    children: dict[str, Command] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The last word."""
        return self.path.rpartition(" ")[2]

    @property
    def full(self) -> str:
        """The command as a message names it: `kubectl create deployment`."""
        return f"kubectl {self.path}".rstrip()

    @property
    def flags(self) -> dict[str, Flag]:
        """Every flag that the command takes."""
        inherited = dict(global_flags())
        if self.path.startswith("config"):
            inherited["kubeconfig"] = _flag_table()["kubeconfig"]
        return {**inherited, "help": HELP, **self.own}

    def child(self, word: str) -> Command | None:
        """The subcommand of a name or an alias."""
        known = self.children.get(word)
        if known is not None:
            return known
        return next((c for c in self.children.values() if word in c.aliases), None)

    def find(self, argv: list[str]) -> tuple[Command, list[str]]:
        """The command that a line names, and the line without the command's words."""
        words = self._words(argv)
        first = next(words, None)
        if first is None:
            return self, argv
        child = self.child(argv[first])
        if child is None:
            return self, argv
        return child.find(argv[:first] + argv[first + 1 :])

    def words(self, argv: list[str]) -> list[str]:
        """The words of a line that are neither flags nor values of flags."""
        return [argv[place] for place in self._words(argv)]

    def _words(self, argv: list[str]) -> Iterator[int]:
        place, flags = 0, self.flags
        letters = {f.shorthand: f for f in flags.values() if f.shorthand}
        while place < len(argv):
            word = argv[place]
            if word == "--":
                return
            if word.startswith("-") and "=" not in word and _takes_next(word, flags, letters):
                place += 1
            elif word and not word.startswith("-"):
                yield place
            place += 1

    def suggestions(self, typed: str) -> list[str]:
        """Subcommands whose names are close to a word (cobra's SuggestionsFor)."""
        close = []
        for name, command in self.children.items():
            if name in _HIDDEN_COMMANDS:
                continue
            if distance(typed.lower(), name.lower()) <= 2 or name.startswith(typed.lower()):
                close.append(name)
            close += [name for word in command.found if word == typed.lower()]
        return close


def _takes_next(word: str, flags: Mapping[str, Flag], letters: Mapping[str, Flag]) -> bool:
    if word.startswith("--"):
        flag = flags.get(word[2:])
    elif len(word) == 2:
        flag = letters.get(word[1])
    else:
        return False
    return flag is None or not flag.optional


def distance(one: str, other: str) -> int:
    """The Levenshtein distance of two words.

    >>> distance("foo", "top")
    2
    """
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]


@cache
def _flag_table() -> dict[str, Flag]:
    table = {}
    for line in (_TABLES / "flags.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        key, shorthand, kind, default, text = line.split("|", 4)
        name = key.partition("@")[0]
        optional = _OPTIONAL.get(name) or _OPTIONAL.get(kind, "")
        deprecated = _DEPRECATED.get(key, "")
        table[key] = Flag(
            name,
            shorthand,
            kind,
            default,
            text,
            optional,
            hidden=bool(deprecated),
            deprecated=deprecated,
        )
    return table


@cache
def global_flags() -> dict[str, Flag]:
    """The flags that every command takes."""
    table = _flag_table()
    return {table[key].name: table[key] for key in _GLOBAL.split()}


def _own_flags(text: str) -> dict[str, Flag]:
    table, flags = _flag_table(), {}
    for word in text.split():
        for key in _GROUPS.get(word, (word,)):
            name, given, default = key.partition("=")
            flag = table[name.removesuffix("!")]
            if given:
                flag = flag.with_default(default)
            if name.endswith("!"):
                flag = flag.as_required()
            flags[flag.name] = flag
    return dict(sorted(flags.items()))


def _records() -> Iterator[tuple[str, str, dict[str, str]]]:
    section, path, fields, key = "", "", {}, ""  # type: str, str, dict[str, str], str
    for line in (_TABLES / "commands.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line:
            continue
        if line.startswith("        "):
            fields[key] += " " + line.strip()
        elif line.startswith("    "):
            key, _, value = line.strip().partition(": ")
            fields[key] = value
        else:
            if path:
                yield section, path, fields
            path, fields = ("", {}) if line.startswith("[") else (line, {})
            section = line.strip("[]") if line.startswith("[") else section
    yield section, path, fields


@cache
def root() -> Command:
    """The tree of all commands."""
    top = Command("", does="Control a Kubernetes cluster", runs="helping.root", usage="")
    for section, path, fields in _records():
        parent = top
        for word in path.split()[:-1]:
            parent = parent.children[word]
        command = Command(
            path,
            does=fields.get("does", ""),
            runs=fields.get("runs", ""),
            usage=fields.get("usage", ""),
            aliases=tuple(fields.get("alias", "").split()),
            found=tuple(fields.get("found", "").split()),
            section=section,
            own=_own_flags(fields.get("flags", "")),
        )
        parent.children[command.name] = command
    return top
