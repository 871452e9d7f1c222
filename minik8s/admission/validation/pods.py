"""Validation of pods and of pod templates (pkg/apis/core/validation/validation.go)."""

from __future__ import annotations

from minik8s.admission.problems import Problems
from minik8s.admission.validation.addresses import check_address
from minik8s.admission.validation.common import (
    check_format,
    check_label_name,
    check_labels,
    check_one_of,
)
from minik8s.admission.validation.containers import ContainerChecks, check_ids
from minik8s.admission.validation.metadata import check_annotations
from minik8s.admission.validation.scheduling import check_affinity, check_spread, check_tolerations
from minik8s.admission.validation.volumes import check_volumes
from minik8s.model.formats import dns1123_subdomain, out_of_range, qualified_name
from minik8s.model.metadata import Document

RESTART_POLICIES = ("Always", "OnFailure", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")
SECONDS_MAX = 2**31 - 1
NAMESERVERS_MAX = 3
SEARCHES_MAX = 32

MIRROR = "kubernetes.io/config.mirror"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

_NAMES = ("serviceAccountName", "nodeName")
_LABELS = ("hostname", "subdomain")
_CLASSES = ("priorityClassName", "runtimeClassName")


def check_pod(problems: Problems, document: Document) -> None:
    """The annotations and the spec of a pod."""
    spec = document.get("spec") or {}
    annotations = (document.get("metadata") or {}).get("annotations")
    if annotations:
        check_pod_annotations(problems, "metadata.annotations", annotations, spec)
    check_pod_spec(problems, "spec", spec)
    _check_host_ports(problems, "spec", spec, is_pod=True)
    for field in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            _check_image_blanks(problems, f"spec.{field}[{index}].image", container)


def check_pod_create(problems: Problems, document: Document) -> None:
    """What a pod cannot have yet when it is made."""
    check_pod(problems, document)
    spec = document.get("spec") or {}
    if spec.get("ephemeralContainers"):
        problems.forbidden("spec.ephemeralContainers", "cannot be set on create")
    if spec.get("nodeName") and spec.get("schedulingGates"):
        problems.forbidden(
            "spec.nodeName", "cannot be set until all schedulingGates have been cleared"
        )


def _check_image_blanks(problems: Problems, path: str, container: Document) -> None:
    image = container.get("image", "")
    if image != image.strip():
        problems.invalid(path, image, "must not have leading or trailing whitespace")


def check_template(
    problems: Problems, path: str, template: Document, claims: tuple[str, ...] = ()
) -> None:
    """A PodTemplateSpec; `claims` are names of volumes that its pods get besides their own."""
    metadata = template.get("metadata") or {}
    spec = template.get("spec") or {}
    check_labels(problems, f"{path}.labels", metadata.get("labels"))
    check_annotations(problems, f"{path}.annotations", metadata.get("annotations"))
    check_pod_annotations(problems, f"{path}.annotations", metadata.get("annotations") or {}, spec)
    check_pod_spec(problems, f"{path}.spec", spec, claims)
    _check_host_ports(problems, f"{path}.spec", spec, is_pod=False)
    if spec.get("ephemeralContainers"):
        problems.forbidden(
            f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template"
        )


def check_pod_annotations(
    problems: Problems, path: str, annotations: dict[str, str], spec: Document
) -> None:
    """The annotations that mean something to pods."""
    if MIRROR in annotations and not spec.get("nodeName"):
        problems.invalid(
            f"{path}[{MIRROR}]",
            annotations[MIRROR],
            "must set spec.nodeName if mirror pod annotation is set",
        )
    cost = annotations.get(DELETION_COST)
    if cost is not None and not _is_int32(cost):
        problems.invalid(f"{path}[{DELETION_COST}]", cost, "must be a 32bit integer")


def _is_int32(text: str) -> bool:
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits.lstrip("0")) > 10:
        return False
    return -(2**31) <= int(text) < 2**31


def check_pod_spec(
    problems: Problems, path: str, spec: Document, claims: tuple[str, ...] = ()
) -> None:
    """A PodSpec, of a pod or of a template."""
    if spec.get("terminationGracePeriodSeconds") is None:
        problems.required(f"{path}.terminationGracePeriodSeconds")
    volumes = check_volumes(problems, f"{path}.volumes", spec.get("volumes") or [])
    ContainerChecks(problems, path, spec, {*volumes, *claims} if claims else volumes).check_all()
    check_one_of(problems, f"{path}.restartPolicy", spec.get("restartPolicy"), RESTART_POLICIES)
    check_one_of(problems, f"{path}.dnsPolicy", spec.get("dnsPolicy"), DNS_POLICIES)
    if spec.get("nodeSelector"):
        check_labels(problems, f"{path}.nodeSelector", spec["nodeSelector"])
    if spec.get("securityContext"):
        check_ids(problems, f"{path}.securityContext", spec["securityContext"])
    if spec.get("affinity"):
        check_affinity(problems, f"{path}.affinity", spec["affinity"])
    if spec.get("dnsConfig") or spec.get("dnsPolicy") == "None":
        _check_dns(problems, f"{path}.dnsConfig", spec)
    _check_gates(problems, path, spec)
    if spec.get("topologySpreadConstraints"):
        check_spread(
            problems, f"{path}.topologySpreadConstraints", spec["topologySpreadConstraints"]
        )
    _check_names(problems, path, spec)


def _check_host_ports(problems: Problems, path: str, spec: Document, *, is_pod: bool) -> None:
    """In the node's network a container's port is the node's port."""
    if not spec.get("hostNetwork"):
        return
    for index, container in enumerate(spec.get("containers") or ()):
        for position, port in enumerate(container.get("ports") or ()):
            host = port.get("hostPort", 0)
            if (is_pod or host) and host != port.get("containerPort", 0):
                problems.invalid(
                    f"{path}.containers[{index}].ports[{position}].hostPort",
                    host,
                    "must match `containerPort` when `hostNetwork` is true",
                )


def _check_dns(problems: Problems, path: str, spec: Document) -> None:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            problems.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not config.get("nameservers"):
            problems.required(
                f"{path}.nameservers",
                "must provide at least one DNS nameserver when `dnsPolicy` is None",
            )
            return
    servers = (config or {}).get("nameservers") or []
    if len(servers) > NAMESERVERS_MAX:
        problems.invalid(
            f"{path}.nameservers", servers, f"must not have more than {NAMESERVERS_MAX} nameservers"
        )
    for index, server in enumerate(servers):
        check_address(problems, f"{path}.nameservers[{index}]", server)
    _check_searches(problems, path, config or {})


def _check_searches(problems: Problems, path: str, config: Document) -> None:
    searches = config.get("searches") or []
    if len(searches) > SEARCHES_MAX:
        problems.invalid(
            f"{path}.searches", searches, f"must not have more than {SEARCHES_MAX} search paths"
        )
    for index, search in enumerate(searches):
        if search != ".":
            # An underscore is fine here, as in DNS itself.
            plain = search.removesuffix(".").replace("_", "-")
            check_format(problems, f"{path}.searches[{index}]", plain, dns1123_subdomain)
    for index, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            problems.required(f"{path}.options[{index}]", "must not be empty")


def _check_gates(problems: Problems, path: str, spec: Document) -> None:
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        where = f"{path}.readinessGates[{index}].conditionType"
        check_format(problems, where, gate.get("conditionType", ""), qualified_name)
    seen: set[str] = set()
    for index, gate in enumerate(spec.get("schedulingGates") or ()):
        where, name = f"{path}.schedulingGates[{index}]", gate.get("name", "")
        check_format(problems, where, name, qualified_name)
        if name in seen:
            problems.duplicate(where, name)
        seen.add(name)


def _check_names(problems: Problems, path: str, spec: Document) -> None:
    for field in _NAMES:
        if spec.get(field):
            check_format(problems, f"{path}.{field}", spec[field], dns1123_subdomain)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= SECONDS_MAX:
        problems.invalid(f"{path}.activeDeadlineSeconds", deadline, out_of_range(1, SECONDS_MAX))
    for field in _LABELS:
        if spec.get(field):
            check_label_name(problems, f"{path}.{field}", spec[field])
    if spec.get("tolerations"):
        check_tolerations(problems, f"{path}.tolerations", spec["tolerations"])
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        where = f"{path}.hostAliases[{index}]"
        check_address(problems, f"{where}.ip", alias.get("ip", ""))
        for position, name in enumerate(alias.get("hostnames") or ()):
            check_format(problems, f"{where}.hostnames[{position}]", name, dns1123_subdomain)
    for field in _CLASSES:
        if spec.get(field):
            check_format(problems, f"{path}.{field}", spec[field], dns1123_subdomain)
    policy = spec.get("preemptionPolicy")
    if policy is not None:
        check_one_of(problems, f"{path}.preemptionPolicy", policy, PREEMPTION_POLICIES)
