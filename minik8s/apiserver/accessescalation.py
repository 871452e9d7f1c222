"""Nobody gives away rights that they do not have themselves (pkg/registry/rbac).

Whoever may `escalate` a role may write any rules into it, and whoever may `bind` one may give
it to anybody; everybody else must have every right that the role holds.
"""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.apiserver.access import MASTERS, Attributes, Rbac
from minik8s.apiserver.accessrules import Rule, compacted, quoted, rules_of, uncovered
from minik8s.apiserver.messages import User
from minik8s.errors import Forbidden, NotFound
from minik8s.model.metadata import Document
from minik8s.model.registry import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ROLE,
    ROLE_BINDING,
    Kind,
)

_ROLES = (ROLE, CLUSTER_ROLE)
_BINDINGS = (ROLE_BINDING, CLUSTER_ROLE_BINDING)
_ALL = ("*",)
_FULL = (Rule(_ALL, _ALL, _ALL), Rule(_ALL, paths=_ALL))
_COLLECTOR_FIELDS = ("finalizers", "managedFields", "ownerReferences", "resourceVersion")
"""What the garbage collector needs to change; that gives nobody a right."""


def check_escalation(
    rbac: Rbac, user: User, kind: Kind, namespace: str, new: Document, old: Document | None
) -> None:
    """Raise Forbidden for a role or binding that gives more than its writer has.

    `old` is the stored state, None for a new object; other kinds pass.
    """
    if kind.group != ROLE.group or MASTERS in user.groups:
        return
    if old is not None and _same_meaning(new, old):
        return
    if kind in _ROLES:
        _check_role(rbac, user, kind, namespace, new, old)
    elif kind in _BINDINGS:
        _check_binding(rbac, user, kind, namespace, new)


def _check_role(
    rbac: Rbac, user: User, kind: Kind, namespace: str, new: Document, old: Document | None
) -> None:
    name = new["metadata"].get("name", "")
    wanted = Attributes(user, "escalate", kind.group, kind.plural, "", name, namespace)
    if rbac.authorize(wanted).allowed:
        return
    _confirm(rbac, user, kind, namespace, name, rules_of(new))
    gathers = new.get("aggregationRule") or (old or {}).get("aggregationRule")
    if gathers and uncovered(rbac.rights(user, "").rules, _FULL):
        why = "must have cluster-admin privileges to use the aggregationRule"
        raise Forbidden.resource(kind.plural, kind.group, name, why)


def _check_binding(rbac: Rbac, user: User, kind: Kind, namespace: str, new: Document) -> None:
    reference = new.get("roleRef") or {}
    role_kind, role = reference.get("kind", ""), reference.get("name", "")
    bound = next((each for each in _ROLES if each.kind == role_kind), None)
    if bound is None or (bound is ROLE and not namespace):
        return  # validation has more to say about that
    wanted = Attributes(user, "bind", bound.group, bound.plural, "", role, namespace)
    if rbac.authorize(wanted).allowed:
        return
    rules = rbac.role_rules(role_kind, role, namespace)
    if rules is None:
        raise NotFound.resource(bound.plural, bound.group, role)
    _confirm(rbac, user, kind, namespace, new["metadata"].get("name", ""), rules)


def _confirm(
    rbac: Rbac, user: User, kind: Kind, namespace: str, name: str, rules: Iterable[Rule]
) -> None:
    rights = rbac.rights(user, namespace)
    missing = uncovered(rights.rules, rules)
    if not missing:
        return
    lines = "\n".join(sorted({str(rule) for rule in compacted(missing)}))
    why = (
        f'user "{user.name}" (groups={quoted(user.groups)}) is attempting to grant RBAC '
        f"permissions not currently held:\n{lines}"
    )
    if rights.problems:
        why += f"; resolution errors: [{', '.join(rights.problems)}]"
    raise Forbidden.resource(kind.plural, kind.group, name, why)


def _same_meaning(new: Document, old: Document) -> bool:
    """Whether nothing differs but what the garbage collector changes."""
    return _bare(new) == _bare(old)


def _bare(document: Document) -> Document:
    metadata = {k: v for k, v in document["metadata"].items() if k not in _COLLECTOR_FIELDS}
    return {**document, "metadata": metadata}
