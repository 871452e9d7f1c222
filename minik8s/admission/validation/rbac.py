"""Validation of roles and bindings (pkg/apis/rbac/validation/validation.go)."""

from __future__ import annotations

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import check_format, check_selector
from minik8s.model.formats import dns1123_subdomain
from minik8s.model.metadata import Document

GROUP = "rbac.authorization.k8s.io"


def path_segment(name: str) -> list[str]:
    """What is wrong with a name that need only fit into a path, as roles' names do."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{char}'" for char in "/%" if char in name]


def check_role(problems: Problems, document: Document) -> None:
    """The rules of a Role."""
    for index, rule in enumerate(document.get("rules") or ()):
        _check_rule(problems, f"rules[{index}]", rule, namespaced=True)


def check_cluster_role(problems: Problems, document: Document) -> None:
    """The rules of a ClusterRole, or the selectors of the roles that it gathers."""
    for index, rule in enumerate(document.get("rules") or ()):
        _check_rule(problems, f"rules[{index}]", rule, namespaced=False)
    aggregation = document.get("aggregationRule")
    if aggregation is None:
        return
    selectors = aggregation.get("clusterRoleSelectors") or []
    path = "aggregationRule.clusterRoleSelectors"
    if not selectors:
        problems.required(
            path, "at least one clusterRoleSelector required if aggregationRule is non-nil"
        )
    for index, selector in enumerate(selectors):
        check_selector(problems, f"{path}[{index}]", selector)


def _check_rule(problems: Problems, path: str, rule: Document, *, namespaced: bool) -> None:
    if not rule.get("verbs"):
        problems.required(f"{path}.verbs", "verbs must contain at least one value")
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            problems.invalid(
                f"{path}.nonResourceURLs",
                urls,
                "namespaced rules cannot apply to non-resource URLs",
            )
        if any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
            problems.invalid(
                f"{path}.nonResourceURLs",
                urls,
                "rules cannot apply to both regular resources and non-resource URLs",
            )
        return
    if not rule.get("apiGroups"):
        problems.required(f"{path}.apiGroups", "resource rules must supply at least one api group")
    if not rule.get("resources"):
        problems.required(f"{path}.resources", "resource rules must supply at least one resource")


def check_role_binding(problems: Problems, document: Document) -> None:
    """Role and subjects of a RoleBinding."""
    _check_binding(problems, document, ("ClusterRole", "Role"))


def check_cluster_role_binding(problems: Problems, document: Document) -> None:
    """Role and subjects of a ClusterRoleBinding."""
    _check_binding(problems, document, ("ClusterRole",))


def _check_binding(problems: Problems, document: Document, kinds: tuple[str, ...]) -> None:
    role = document.get("roleRef") or {}
    if role.get("apiGroup") != GROUP:
        problems.not_supported("roleRef.apiGroup", role.get("apiGroup", ""), (GROUP,))
    if role.get("kind") not in kinds:
        problems.not_supported("roleRef.kind", role.get("kind", ""), kinds)
    if not role.get("name"):
        problems.required("roleRef.name")
    else:
        check_format(problems, "roleRef.name", role["name"], path_segment)
    for index, subject in enumerate(document.get("subjects") or ()):
        _check_subject(problems, f"subjects[{index}]", subject, kinds)


def _check_subject(
    problems: Problems, path: str, subject: Document, kinds: tuple[str, ...]
) -> None:
    name, kind = subject.get("name", ""), subject.get("kind", "")
    group = subject.get("apiGroup", "")
    if not name:
        problems.required(f"{path}.name")
    if kind == "ServiceAccount":
        if name:
            check_format(problems, f"{path}.name", name, dns1123_subdomain)
        if group:
            problems.not_supported(f"{path}.apiGroup", group, ("",))
        if not subject.get("namespace") and "Role" not in kinds:
            problems.required(f"{path}.namespace")
    elif kind in ("User", "Group"):
        if group != GROUP:
            problems.not_supported(f"{path}.apiGroup", group, (GROUP,))
    else:
        problems.not_supported(f"{path}.kind", kind, ("ServiceAccount", "User", "Group"))


def check_binding_update(problems: Problems, new: Document, old: Document) -> None:
    """A stored binding keeps its role."""
    if new.get("roleRef") != old.get("roleRef"):
        problems.invalid("roleRef", new.get("roleRef"), "cannot change roleRef")
