"""The file of `minik8s serve --users`: who may come in, and where they may do what.

A list of users in YAML (perhaps under the key `users`), each with

    name: anna                # who she is
    groups: [course]          # may be left out
    namespaces: [anna]        # where she works; made if they are missing
    role: edit                # a ClusterRole, bound in each of these namespaces

Everything is read and checked before anything is written, so a bad file changes nothing. What
kubectl needs beside this (discovery, `auth can-i`) every user has by the default roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from minik8s.apiserver.access import AUTHENTICATED
from minik8s.apiserver.messages import ADMIN, Request, User
from minik8s.apiserver.server import ApiServer
from minik8s.model.formats import dns1123_label
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import CLUSTER_ROLE, NAMESPACE, ROLE_BINDING, Kind

DEFAULT_ROLE = "edit"
LABEL = "minik8s.io/users-file"
"""Marks the bindings that come from the file: those that it no longer asks for are removed."""

_FIELDS = ("name", "groups", "namespaces", "role")


class UsersError(Exception):
    """The file cannot be used; the text names the file, the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Student:
    """One user of the file; `line` says where."""

    user: User
    namespaces: tuple[str, ...]
    role: str
    line: int = 0

    @property
    def file_name(self) -> str:
        """The user's name as a file may be called, for the kubeconfig."""
        return "".join(c if c.isalnum() or c in "-_.@" else "_" for c in self.user.name)


# -- reading


def read_users(text: str, source: str) -> tuple[Student, ...]:
    """The users of a file's text; `source` is the file's name. Raises UsersError."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "no YAML"
        line = mark.line + 1 if mark else 1
        raise UsersError(f"{source}:{line}: {problem}") from None
    return _Reader(source).users(root)


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source

    def users(self, root: Node | None) -> tuple[Student, ...]:
        rows = root
        if isinstance(root, MappingNode):
            rows = next((v for k, v in root.value if k.value == "users"), None)
        if not isinstance(rows, SequenceNode):
            self._fail(root, "a list of users is needed, each with a name")
        students: list[Student] = []
        for row in rows.value:
            student = self._user(row)
            for other in students:
                if other.file_name.lower() == student.file_name.lower():
                    self._fail(row, f"{_shown(student)} is too much like line {other.line}")
            students.append(student)
        return tuple(students)

    def _user(self, row: Node) -> Student:
        if not isinstance(row, MappingNode):
            self._fail(row, "a user is a mapping with a name")
        fields = self._fields(row)
        name = self._text(fields["name"]) if "name" in fields else ""
        if not name:
            self._fail(row, "a user needs a name")
        if name.startswith("system:") or name == ADMIN.name:
            self._fail(fields["name"], f"the name {name} belongs to the cluster")
        groups = tuple(text for _, text in self._texts(fields.get("groups")))
        namespaces = self._namespaces(fields.get("namespaces"))
        role = self._text(fields["role"]) if "role" in fields else DEFAULT_ROLE
        user = User(name, tuple(dict.fromkeys((*groups, AUTHENTICATED))))
        return Student(user, namespaces, role or DEFAULT_ROLE, row.start_mark.line + 1)

    def _fields(self, row: MappingNode) -> dict[str, Node]:
        fields: dict[str, Node] = {}
        for key, value in row.value:
            if key.value not in _FIELDS:
                self._fail(key, f"unknown field {key.value!r}; there are {', '.join(_FIELDS)}")
            if key.value in fields:
                self._fail(key, f"{key.value} is given twice")
            fields[key.value] = value
        return fields

    def _text(self, node: Node) -> str:
        if not isinstance(node, ScalarNode) or node.tag == "tag:yaml.org,2002:null":
            self._fail(node, "a text is needed here")
        text = str(node.value)
        if any(not character.isprintable() for character in text):
            self._fail(node, "a character here cannot be printed")
        return text

    def _texts(self, node: Node | None) -> Iterator[tuple[Node, str]]:
        if node is None:
            return
        if not isinstance(node, SequenceNode):
            self._fail(node, "a list is needed here")
        for item in node.value:
            yield item, self._text(item)

    def _namespaces(self, node: Node | None) -> tuple[str, ...]:
        names = []
        for item, name in self._texts(node):
            if dns1123_label(name):
                self._fail(item, f"{name!r} is no name for a namespace")
            names.append(name)
        return tuple(dict.fromkeys(names))

    def _fail(self, node: Node | None, why: str) -> NoReturn:
        line = node.start_mark.line + 1 if node is not None else 1
        raise UsersError(f"{self._source}:{line}: {why}")


def _shown(student: Student) -> str:
    return f"the name {student.user.name}"


# -- putting into effect


def admit_users(server: ApiServer, students: Sequence[Student], source: str) -> None:
    """Make the namespaces and bindings that the file asks for, and remove the others.

    Raises UsersError, before anything has changed, for a role that is not there.
    """
    store = server.backend.store
    for student in students:
        if student.namespaces and store.get(CLUSTER_ROLE, "", student.role) is None:
            raise UsersError(f"{source}:{student.line}: there is no ClusterRole {student.role}")
    wanted = {(namespace_of(b), name_of(b)): b for b in _bindings(students)}
    for namespace in dict.fromkeys(n for student in students for n in student.namespaces):
        if store.get(NAMESPACE, "", namespace) is None:
            _post(server, NAMESPACE, {"metadata": {"name": namespace}})
    for old in store.list(ROLE_BINDING):
        key = (namespace_of(old), name_of(old))
        if LABEL in (old["metadata"].get("labels") or {}):
            if key in wanted and _same_access(old, wanted[key]):
                del wanted[key]
            else:
                _call(server, Request("DELETE", ROLE_BINDING.path(*key)))
    for binding in wanted.values():
        _post(server, ROLE_BINDING, binding)


def _bindings(students: Iterable[Student]) -> Iterator[Document]:
    group = CLUSTER_ROLE.group
    for student in students:
        subject = {"apiGroup": group, "kind": "User", "name": student.user.name}
        for namespace in student.namespaces:
            yield {
                "metadata": {
                    "name": f"user-{student.file_name}",
                    "namespace": namespace,
                    "labels": {LABEL: "true"},
                },
                "roleRef": {"apiGroup": group, "kind": CLUSTER_ROLE.kind, "name": student.role},
                "subjects": [subject],
            }


def _same_access(old: Document, new: Document) -> bool:
    return all(old.get(field) == new[field] for field in ("roleRef", "subjects"))


def _post(server: ApiServer, kind: Kind, document: Document) -> None:
    namespace = document["metadata"].get("namespace")
    _call(server, Request("POST", kind.path(namespace), body=document))


def _call(server: ApiServer, request: Request) -> None:
    response = server.handle(request)
    if response.code >= 400:
        body = response.body
        raise UsersError(str(body["message"] if isinstance(body, dict) else body))
