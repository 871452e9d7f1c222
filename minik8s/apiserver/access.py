"""Who may do what: role-based access control, compiled from the stored roles and bindings.

Vocabulary: a *subject* is a user, a group or a service account, which is a user with a name of
its own form; a *grant* is one rule with the binding it comes from; the *rights* of a user in
one namespace (or in none) are all the grants there, in the order in which they are asked.

Nothing is compiled before somebody outside `system:masters` asks. A change of a role or a
binding makes all rights be compiled anew, each when it is next asked for; roles that did not
change are not read again, and the bindings of a subject are found without looking at others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from minik8s.apiserver.accessrules import Rule, rules_of
from minik8s.apiserver.messages import User
from minik8s.errors import Forbidden
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ROLE,
    ROLE_BINDING,
)
from minik8s.store import Store, StoreEvent

MASTERS = "system:masters"
"""The group whose members may do everything, whatever the roles say."""

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = "system:anonymous"
ACCOUNT_PREFIX = "system:serviceaccount:"
ACCOUNTS_GROUP = "system:serviceaccounts"

MEMORY = 4096
"""How many users' rights, and how many answers in each, are remembered."""

_RBAC = "rbac.authorization.k8s.io"
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

_Place: TypeAlias = tuple[str, str]
"""Namespace (empty for cluster-scoped kinds) and name."""
_Subject: TypeAlias = tuple[str, str]
"""`User` or `Group`, and the name."""


class Attributes(NamedTuple):
    """What somebody wants to do: a verb on a resource, or with `path` on a path."""

    user: User
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""


class Decision(NamedTuple):
    """An answer; the reason says what allows it, or which roles could not be found."""

    allowed: bool
    reason: str = ""


class Grant(NamedTuple):
    """One rule that a user has, and where it comes from."""

    rule: Rule
    source: str


@dataclass(frozen=True, slots=True)
class _Binding:
    """One binding as it applies to one subject."""

    place: _Place
    role: tuple[str, str]
    """Kind and name of the role."""
    source: str


class Rights:
    """What one user may do in one namespace, or with paths and across namespaces in none."""

    __slots__ = ("_answers", "grants", "problems")

    def __init__(self, grants: tuple[Grant, ...], problems: tuple[str, ...]) -> None:
        self.grants = grants
        self.problems = problems
        self._answers: dict[tuple[str, str, str, str], tuple[Grant, ...]] = {}

    @property
    def rules(self) -> list[Rule]:
        """The rules alone."""
        return [grant.rule for grant in self.grants]

    def allows(self, verb: str, group: str, resource: str, subresource: str, name: str) -> bool:
        """Whether a verb on a resource, or on one object, is allowed."""
        for rule, _ in self._matching(verb, group, resource, subresource):
            if not rule.names or name in rule.names:
                return True
        return False

    def decide(self, wanted: Attributes) -> Decision:
        """The answer with its reason."""
        for rule, source in self._candidates(wanted):
            if not rule.names or wanted.name in rule.names:
                return Decision(True, f"RBAC: allowed by {source}")
        if not self.problems:
            return Decision(False)
        text = self.problems[0] if len(self.problems) == 1 else f"[{', '.join(self.problems)}]"
        return Decision(False, f"RBAC: {text}")

    def _candidates(self, wanted: Attributes) -> Iterator[Grant]:
        if wanted.path:
            allowed = (g for g in self.grants if g.rule.allows_path(wanted.verb, wanted.path))
            yield from allowed
        else:
            yield from self._matching(
                wanted.verb, wanted.group, wanted.resource, wanted.subresource
            )

    def _matching(
        self, verb: str, group: str, resource: str, subresource: str
    ) -> tuple[Grant, ...]:
        """The grants of a verb on a resource, down to the first that is for every name."""
        key = (verb, group, resource, subresource)
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= MEMORY:
                self._answers.clear()
            answer = self._answers[key] = tuple(self._scan(*key))
        return answer

    def _scan(self, verb: str, group: str, resource: str, subresource: str) -> Iterator[Grant]:
        for grant in self.grants:
            if grant.rule.allows_resource(verb, group, resource, subresource):
                yield grant
                if not grant.rule.names:
                    return


class Rbac:
    """The authorizer of one cluster, over its stored roles and bindings."""

    __slots__ = ("_bindings", "_known", "_rights", "_roles", "_store", "_watching")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watching = False
        self._roles: dict[tuple[str, str, str], tuple[Rule, ...]] = {}
        self._bindings: dict[_Subject, dict[_Place, _Binding]] = {}
        self._known: dict[_Place, tuple[_Subject, ...]] = {}
        self._rights: dict[tuple[str, tuple[str, ...], str], Rights] = {}

    def authorize(self, wanted: Attributes) -> Decision:
        """Whether somebody may do something, and why."""
        if MASTERS in wanted.user.groups:
            return Decision(True)
        return self.rights(wanted.user, wanted.namespace).decide(wanted)

    def check(self, wanted: Attributes) -> None:
        """Raise the Forbidden of something that is not allowed."""
        decision = self.authorize(wanted)
        if not decision.allowed:
            raise forbidden(wanted, decision.reason)

    def rights(self, user: User, namespace: str) -> Rights:
        """What a user may do in a namespace; "" for what is not in one."""
        key = (user.name, user.groups, namespace)
        rights = self._rights.get(key)
        if rights is None:
            if len(self._rights) >= MEMORY:
                self._rights.clear()
            rights = self._rights[key] = self._compile(user, namespace)
        return rights

    def role_rules(self, kind: str, name: str, namespace: str) -> tuple[Rule, ...] | None:
        """The rules of a role that a binding in a namespace names; None if it is not there."""
        home = namespace if kind == ROLE.kind else ""
        key = (kind, home, name)
        rules = self._roles.get(key)
        if rules is None:
            self._watch()
            document = self._store.get(ROLE if home else CLUSTER_ROLE, home, name)
            if document is None or (kind == ROLE.kind and not home):
                return None
            rules = self._roles[key] = rules_of(document)
        return rules

    # -- compiling

    def _compile(self, user: User, namespace: str) -> Rights:
        self._watch()
        subjects = [("User", user.name), *(("Group", group) for group in user.groups)]
        found: dict[_Place, _Binding] = {}
        for subject in subjects:
            for place, binding in self._bindings.get(subject, {}).items():
                if place[0] in ("", namespace):
                    found.setdefault(place, binding)
        grants: list[Grant] = []
        problems: list[str] = []
        for _, binding in sorted(found.items()):
            kind, name = binding.role
            rules = self.role_rules(kind, name, binding.place[0])
            if rules is None:
                problems.append(f'{kind.lower()}.{_RBAC} "{name}" not found')
            else:
                grants += [Grant(rule, binding.source) for rule in rules]
        return Rights(tuple(grants), tuple(problems))

    def _watch(self) -> None:
        """Read the bindings, and hear of changes from now on."""
        if self._watching:
            return
        self._watching = True
        self._store.subscribe(self._observe)
        for kind in (CLUSTER_ROLE_BINDING, ROLE_BINDING):
            for document in self._store.list(kind):
                self._add(document)

    def _observe(self, event: StoreEvent) -> None:
        kind = event.kind
        if kind.group != _RBAC:
            return
        document = event.object
        place = (namespace_of(document), name_of(document))
        if kind in (ROLE, CLUSTER_ROLE):
            self._roles.pop((kind.kind, *place), None)
        else:
            self._remove(place)
            if event.type != "DELETED":
                self._add(document)
        self._rights.clear()

    def _add(self, document: Document) -> None:
        place = (namespace_of(document), name_of(document))
        reference = document.get("roleRef") or {}
        role = (reference.get("kind", ""), reference.get("name", ""))
        subjects: list[_Subject] = []
        for entry in document.get("subjects") or ():
            subject = _subject(entry, place[0])
            if subject is not None and subject not in subjects:
                subjects.append(subject)
                source = f"{_described(document, role)} to {_subject_text(entry, place[0])}"
                self._bindings.setdefault(subject, {})[place] = _Binding(place, role, source)
        self._known[place] = tuple(subjects)

    def _remove(self, place: _Place) -> None:
        for subject in self._known.pop(place, ()):
            held = self._bindings[subject]
            held.pop(place, None)
            if not held:
                del self._bindings[subject]


def _subject(entry: Document, namespace: str) -> _Subject | None:
    kind, name = entry.get("kind"), entry.get("name", "")
    if kind in ("User", "Group"):
        return kind, name
    home = entry.get("namespace") or namespace
    if kind == "ServiceAccount" and home:
        return "User", account_user_name(home, name)
    return None


def _described(document: Document, role: tuple[str, str]) -> str:
    namespace = namespace_of(document)
    kind = ROLE_BINDING.kind if namespace else CLUSTER_ROLE_BINDING.kind
    name = f"{name_of(document)}/{namespace}" if namespace else name_of(document)
    return f'{kind} "{name}" of {role[0]} "{role[1]}"'


def _subject_text(entry: Document, namespace: str) -> str:
    name = entry.get("name", "")
    if entry.get("kind") == "ServiceAccount":
        name = f"{name}/{entry.get('namespace') or namespace}"
    return f'{entry.get("kind")} "{name}"'


# -- service accounts


def account_user_name(namespace: str, name: str) -> str:
    """The user name of a service account."""
    return f"{ACCOUNT_PREFIX}{namespace}:{name}"


def account_of(user_name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account with a user name, if it is one's."""
    if not user_name.startswith(ACCOUNT_PREFIX):
        return None
    namespace, colon, name = user_name.removeprefix(ACCOUNT_PREFIX).partition(":")
    return (namespace, name) if colon and namespace and name and ":" not in name else None


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups of every service account of a namespace, beside `system:authenticated`."""
    return (ACCOUNTS_GROUP, f"{ACCOUNTS_GROUP}:{namespace}")


# -- refusals


def forbidden(wanted: Attributes, reason: str = "") -> Forbidden:
    """The refusal of what is not allowed, in the API server's words."""
    text = _wish(wanted).translate(_HTML)
    if reason:
        text += f": {reason}"
    if wanted.path:
        return Forbidden(f"forbidden: {text}")
    return Forbidden.resource(wanted.resource, wanted.group, wanted.name, text)


def _wish(wanted: Attributes) -> str:
    who = f'User "{wanted.user.name}" cannot {wanted.verb}'
    if wanted.path:
        return f'{who} path "{wanted.path}"'
    resource = wanted.resource
    if wanted.subresource:
        resource += f"/{wanted.subresource}"
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    return f'{who} resource "{resource}" in API group "{wanted.group}" {where}'
