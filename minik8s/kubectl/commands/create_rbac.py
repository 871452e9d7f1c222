"""`kubectl create role|clusterrole|rolebinding|clusterrolebinding`."""

from __future__ import annotations

from dataclasses import dataclass

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Exit, Failure, NoSuchResource
from minik8s.kubectl.generate import Creation, begin, without_empty
from minik8s.kubectl.resources import kind_named
from minik8s.model.metadata import Document

_GROUP = "rbac.authorization.k8s.io"
_VERBS = frozenset(
    [
        "*",
        "get",
        "delete",
        "list",
        "create",
        "update",
        "patch",
        "watch",
        "proxy",
        "deletecollection",
        "use",
        "bind",
        "escalate",
        "impersonate",
    ]
)
_PATH_VERBS = frozenset(["*", "get", "post", "put", "delete", "patch", "head", "options"])
_SPECIAL = {
    "use": [("podsecuritypolicies", "policy"), ("podsecuritypolicies", "extensions")],
    "bind": [("roles", _GROUP), ("clusterroles", _GROUP)],
    "escalate": [("roles", _GROUP), ("clusterroles", _GROUP)],
    "impersonate": [
        ("users", ""),
        ("serviceaccounts", ""),
        ("groups", ""),
        ("userextras", "authentication.k8s.io"),
    ],
}


@dataclass(frozen=True, slots=True)
class _Resource:
    name: str
    group: str
    sub: str


def _unique(items: list[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _verbs(call: Call) -> list[str]:
    verbs = call.flags.items("verb")
    return ["*"] if "*" in verbs else _unique(verbs)


def _resources(call: Call) -> list[_Resource]:
    found: list[_Resource] = []
    for typed in call.flags.items("resource"):
        path, _, sub = typed.partition("/")
        name, dot, group = path.partition(".")
        resource = _Resource(name, group, sub)
        if name == "*" and not dot and "/" not in typed:
            return [resource]
        found.append(resource)
    return found


def _served(call: Call, resource: _Resource) -> tuple[str, str] | None:
    try:
        kind = kind_named(
            call.client, f"{resource.name}.{resource.group}" if resource.group else resource.name
        )
    except NoSuchResource:
        return None
    return kind.plural, kind.group


def _check_resources(call: Call, verbs: list[str], resources: list[_Resource]) -> None:
    for verb in verbs:
        if verb not in _VERBS:
            call.err(f"Warning: '{verb}' is not a standard resource verb\n")
    if not resources:
        raise Failure("at least one resource must be specified")
    for resource in resources:
        if not resource.name:
            raise Failure("resource must be specified if apiGroup/subresource specified")
        if resource.name == "*":
            return
        served = _served(call, resource)
        there = served or (resource.name, resource.group)
        special = [_SPECIAL[verb] for verb in verbs if verb in _SPECIAL]
        for verb in verbs:
            if verb in _SPECIAL and there not in _SPECIAL[verb]:
                raise Failure(f"can not perform '{verb}' on '{there[0]}' in group '{there[1]}'")
        if served is None and not special:
            raise Exit(1, str(NoSuchResource(resource.name, resource.group)))


def _rules(
    call: Call, verbs: list[str], resources: list[_Resource], paths: list[str]
) -> list[Document]:
    groups: dict[str, list[str]] = {}
    for resource in resources:
        name, group = _served(call, resource) or (resource.name, resource.group)
        full = f"{name}/{resource.sub}" if resource.sub else name
        if full not in groups.setdefault(group, []):
            groups[group].append(full)
    names = _unique(call.flags.items("resource-name"))
    rules = [
        {
            "verbs": verbs,
            "apiGroups": [group],
            "resources": groups[group],
            **without_empty(resourceNames=names),
        }
        for group in sorted(groups)
    ]
    if paths:
        rules.append({"verbs": verbs, "nonResourceURLs": paths})
    return rules


def role(call: Call) -> None:
    """Create a role with one rule."""
    creation = begin(call)
    verbs, resources = _verbs(call), _resources(call)
    if not verbs:
        raise Failure("at least one verb must be specified")
    _check_resources(call, verbs, resources)
    creation.create(
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": "Role",
            "metadata": creation.metadata(),
            "rules": _rules(call, verbs, resources, []),
        }
    )


def clusterrole(call: Call) -> None:
    """Create a cluster role."""
    creation = begin(call)
    verbs, resources = _verbs(call), _resources(call)
    paths = _unique(call.flags.items("non-resource-url"))
    document: Document = {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": creation.metadata(namespaced=False),
    }
    aggregation = _aggregation(call)
    if aggregation:
        if paths or verbs or resources or call.flags.items("resource-name"):
            raise Failure(
                "aggregation rule must be specified without nonResourceURLs, verbs, resources or "
                "resourceNames"
            )
        selectors = [{"matchLabels": aggregation}]
        document |= {
            "rules": None,
            "aggregationRule": {"clusterRoleSelectors": selectors},
        }
    else:
        _check_cluster_role(call, verbs, resources, paths)
        document["rules"] = _rules(call, verbs, resources, paths)
    creation.create(document)


def _aggregation(call: Call) -> dict[str, str]:
    text = call.flags.text("aggregation-rule")
    pairs = {}
    for pair in text.split(",") if text else ():
        key, equals, value = pair.partition("=")
        if not equals:
            raise Failure(f"malformed pair, expect string=string: {pair}")
        pairs[key.strip()] = value.strip()
    return dict(sorted(pairs.items()))


def _check_cluster_role(
    call: Call, verbs: list[str], resources: list[_Resource], paths: list[str]
) -> None:
    if not verbs:
        raise Failure("at least one verb must be specified")
    if not (resources or paths):
        raise Failure("one of resource or nonResourceURL must be specified")
    if resources:
        _check_resources(call, verbs, resources)
    for verb in verbs if paths else ():
        if verb not in _PATH_VERBS:
            raise Failure(f"invalid verb: '{verb}' for nonResourceURL")
    for path in paths:
        if path == "*":
            continue
        if not path.startswith("/"):
            raise Failure("nonResourceURL should start with /")
        if "*" in path[:-1]:
            raise Failure("nonResourceURL only supports wildcard matches when '*' is at the end")


def _subjects(creation: Creation) -> list[Document]:
    flags = creation.call.flags
    subjects: list[Document] = []
    for kind in ("user", "group"):
        subjects += [
            {"kind": kind.capitalize(), "apiGroup": _GROUP, "name": name}
            for name in flags.items(kind)
        ]
    for account in flags.items("serviceaccount"):
        parts = account.split(":")
        if len(parts) != 2 or not all(parts):
            raise Failure("serviceaccount must be <namespace>:<name>")
        subjects.append({"kind": "ServiceAccount", "name": parts[1], "namespace": parts[0]})
    return subjects


def rolebinding(call: Call) -> None:
    """Bind a role or a cluster role in a namespace."""
    creation = begin(call)
    named, cluster = call.flags.text("role"), call.flags.text("clusterrole")
    if bool(named) is bool(cluster):
        raise Failure("exactly one of clusterrole or role must be specified")
    kind = "Role" if named else "ClusterRole"
    _bind(creation, "RoleBinding", kind, named or cluster, creation.metadata())


def clusterrolebinding(call: Call) -> None:
    """Bind a cluster role everywhere."""
    creation = begin(call)
    name = call.flags.text("clusterrole")
    metadata = creation.metadata(namespaced=False)
    _bind(creation, "ClusterRoleBinding", "ClusterRole", name, metadata)


def _bind(creation: Creation, kind: str, role: str, name: str, metadata: Document) -> None:
    creation.create(
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": kind,
            "metadata": metadata,
            **without_empty(subjects=_subjects(creation)),
            "roleRef": {"apiGroup": _GROUP, "kind": role, "name": name},
        },
        f"failed to create {kind.lower()}:",
    )
