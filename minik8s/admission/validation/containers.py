"""Validation of a pod's containers, init containers and ephemeral containers."""

from __future__ import annotations

from collections.abc import Collection

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import (
    PROTOCOLS,
    check_label_name,
    check_one_of,
)
from minik8s.admission.validation.environment import check_environment
from minik8s.admission.validation.probes import PROBES, check_probes
from minik8s.admission.validation.resources import check_resources
from minik8s.admission.validation.volumes import check_mounts
from minik8s.model.formats import out_of_range, port_name, port_number
from minik8s.model.metadata import Document

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
ID_MAX = 2**31 - 1

_NEVER_EPHEMERAL = (
    "ports",
    "resources",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
)


class ContainerChecks:
    """The checks of one pod's containers, with what they need to know of the pod."""

    __slots__ = ("_grace", "_path", "_problems", "_spec", "_volumes")

    def __init__(
        self, problems: Problems, path: str, spec: Document, volumes: Collection[str]
    ) -> None:
        self._problems = problems
        self._path = path
        self._spec = spec
        self._volumes = volumes
        self._grace: int | None = spec.get("terminationGracePeriodSeconds")

    def check_all(self) -> None:
        """All three lists, in the order of the real checks."""
        self._check_containers(self._spec.get("containers") or [])
        self._check_init_containers(self._spec.get("initContainers") or [])
        self._check_ephemeral_containers(self._spec.get("ephemeralContainers") or [])

    def _check_containers(self, containers: list[Document]) -> None:
        path = f"{self._path}.containers"
        if not containers:
            self._problems.required(path)
            return
        names: set[str] = set()
        for index, container in enumerate(containers):
            where = f"{path}[{index}]"
            self._check_common(where, container)
            name = container.get("name", "")
            if name in names:
                self._problems.duplicate(f"{where}.name", name)
            names.add(name)
            check_probes(self._problems, where, container, self._grace)
            if container.get("restartPolicy") is not None:
                check_one_of(
                    self._problems,
                    f"{where}.restartPolicy",
                    container["restartPolicy"],
                    ("Always", "OnFailure", "Never"),
                )
        self._check_host_ports(path, containers)

    def _check_init_containers(self, containers: list[Document]) -> None:
        path, problems = f"{self._path}.initContainers", self._problems
        names = {each.get("name", "") for each in self._spec.get("containers") or ()}
        for index, container in enumerate(containers):
            where = f"{path}[{index}]"
            self._check_common(where, container)
            policy = container.get("restartPolicy")
            if policy is not None:
                check_one_of(problems, f"{where}.restartPolicy", policy, ("Always",))
            name = container.get("name", "")
            if name and name in names:
                problems.duplicate(f"{where}.name", name)
            names.add(name)
            self._check_host_ports(path, [container])
            if policy == "Always":
                check_probes(problems, where, container, self._grace)
                continue
            for field in ("lifecycle", *PROBES):
                if container.get(field) is not None:
                    problems.forbidden(
                        f"{where}.{field}",
                        "may not be set for init containers without restartPolicy=Always",
                    )

    def _check_ephemeral_containers(self, containers: list[Document]) -> None:
        path, problems = f"{self._path}.ephemeralContainers", self._problems
        lists = ("containers", "initContainers")
        others = {each.get("name", "") for field in lists for each in self._spec.get(field) or ()}
        names = set(others)
        for index, container in enumerate(containers):
            where, name = f"{path}[{index}]", container.get("name", "")
            self._check_common(where, container)
            if name in names:
                problems.duplicate(f"{where}.name", name)
            names.add(name)
            target = container.get("targetContainerName")
            if target and target not in others:
                problems.not_found(f"{where}.targetContainerName", target)
            for field in _NEVER_EPHEMERAL:
                if container.get(field):
                    problems.forbidden(
                        f"{where}.{field}", "cannot be set for an Ephemeral Container"
                    )

    def _check_common(self, path: str, container: Document) -> None:
        """What holds for containers of every list."""
        problems = self._problems
        check_label_name(problems, f"{path}.name", container.get("name"))
        if not container.get("image"):
            problems.required(f"{path}.image")
        check_one_of(
            problems,
            f"{path}.terminationMessagePolicy",
            container.get("terminationMessagePolicy"),
            MESSAGE_POLICIES,
        )
        if container.get("ports"):
            _check_ports(problems, f"{path}.ports", container["ports"])
        check_environment(problems, path, container)
        check_mounts(problems, path, container, self._volumes)
        check_one_of(
            problems, f"{path}.imagePullPolicy", container.get("imagePullPolicy"), PULL_POLICIES
        )
        if container.get("resources"):
            check_resources(problems, f"{path}.resources", container["resources"])
        if container.get("securityContext"):
            _check_security(problems, f"{path}.securityContext", container["securityContext"])

    def _check_host_ports(self, path: str, containers: list[Document]) -> None:
        """A port of the node can be taken once."""
        taken: set[str] = set()
        for index, container in enumerate(containers):
            for position, port in enumerate(container.get("ports") or ()):
                if not port.get("hostPort"):
                    continue
                key = f"{port.get('protocol')}/{port.get('hostIP', '')}/{port['hostPort']}"
                if key in taken:
                    self._problems.duplicate(f"{path}[{index}].ports[{position}].hostPort", key)
                taken.add(key)


def _check_ports(problems: Problems, path: str, ports: list[Document]) -> None:
    names: set[str] = set()
    for index, port in enumerate(ports):
        where, name = f"{path}[{index}]", port.get("name")
        if name:
            complaints = port_name(name)
            problems.each_invalid(f"{where}.name", name, complaints)
            if not complaints and name in names:
                problems.duplicate(f"{where}.name", name)
            names.add(name)
        number = port.get("containerPort")
        if not number:
            problems.required(f"{where}.containerPort")
        else:
            problems.each_invalid(f"{where}.containerPort", number, port_number(number))
        if port.get("hostPort"):
            problems.each_invalid(
                f"{where}.hostPort", port["hostPort"], port_number(port["hostPort"])
            )
        check_one_of(problems, f"{where}.protocol", port.get("protocol"), PROTOCOLS)


def check_ids(problems: Problems, path: str, context: Document) -> None:
    """The user and group numbers of a security context."""
    for field in ("fsGroup", "runAsUser", "runAsGroup"):
        value = context.get(field)
        if value is not None and not 0 <= value <= ID_MAX:
            problems.invalid(f"{path}.{field}", value, out_of_range(0, ID_MAX))


def _check_security(problems: Problems, path: str, context: Document) -> None:
    check_ids(problems, path, context)
    if context.get("allowPrivilegeEscalation") is not False:
        return
    if context.get("privileged"):
        problems.invalid(
            path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        )
    added = (context.get("capabilities") or {}).get("add") or ()
    if "CAP_SYS_ADMIN" in added:
        problems.invalid(
            path,
            context,
            "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
        )
