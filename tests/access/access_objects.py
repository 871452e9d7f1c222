"""Roles, bindings and users in few words."""

from __future__ import annotations

from typing import Any

from minik8s.apiserver import User

GROUP = "rbac.authorization.k8s.io"


def user(name: str, *groups: str) -> User:
    """A user who has logged in."""
    return User(name, (*groups, "system:authenticated"))


def rule(verbs: str, resources: str, group: str = "", names: str = "") -> dict[str, Any]:
    """A rule about resources; words are parted by spaces."""
    document: dict[str, Any] = {
        "verbs": verbs.split(),
        "apiGroups": [group],
        "resources": resources.split(),
    }
    if names:
        document["resourceNames"] = names.split()
    return document


def role(name: str, *rules: dict[str, Any], namespace: str = "", **more: Any) -> dict[str, Any]:
    """A Role, or without a namespace a ClusterRole."""
    return {**_object("Role", name, namespace), "rules": list(rules), **more}


def binding(
    name: str, of: str, *subjects: dict[str, Any], namespace: str = "", local: bool = False
) -> dict[str, Any]:
    """A RoleBinding, or without a namespace a ClusterRoleBinding; `local` binds a Role."""
    reference = {"apiGroup": GROUP, "kind": "Role" if local else "ClusterRole", "name": of}
    document = _object("RoleBinding", name, namespace)
    return {**document, "roleRef": reference, "subjects": list(subjects)}


def _object(kind: str, name: str, namespace: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    kind = kind if namespace else f"Cluster{kind}"
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata}


def namespace(name: str) -> dict[str, Any]:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def to_user(name: str) -> dict[str, Any]:
    """A user as a subject."""
    return {"apiGroup": GROUP, "kind": "User", "name": name}


def to_group(name: str) -> dict[str, Any]:
    """A group as a subject."""
    return {"apiGroup": GROUP, "kind": "Group", "name": name}


def to_account(name: str, home: str) -> dict[str, Any]:
    """A service account as a subject."""
    return {"kind": "ServiceAccount", "name": name, "namespace": home}
