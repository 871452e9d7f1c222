"""Containers, described: in a pod with their state, in a pod template without."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from minik8s.kubectl.describe.base import amount, long_time
from minik8s.kubectl.describe.environment import environment
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.gotext import quote
from minik8s.model.metadata import Document

FieldOf = Callable[[str], str]
"""The value of a field of the pod that a variable refers to."""


def containers(
    out: Writer,
    title: str,
    entries: Iterable[Document],
    statuses: Iterable[Document] = (),
    field_of: FieldOf = lambda _: "",
    *,
    indent: str = "",
) -> None:
    """A list of containers; `indent` is "" in a pod and two spaces in a template."""
    known = {status.get("name"): status for status in statuses}
    entries = list(entries)
    out.line(0, f"{indent}{title}:{'' if entries else ' <none>'}")
    for container in entries:
        status = known.get(container.get("name"))
        _basics(out, container, status, indent[:1])
        _words(out, "Command", container.get("command") or [])
        _words(out, "Args", container.get("args") or [])
        if status is not None:
            _state(out, status)
        resources(out, container.get("resources") or {}, 2)
        for title_, field in _PROBES:
            if container.get(field):
                out.line(2, title_, probe_text(container[field]))
        environment(out, container, field_of)
        _mounts(out, container)


_PROBES = (
    ("Liveness:", "livenessProbe"),
    ("Readiness:", "readinessProbe"),
    ("Startup:", "startupProbe"),
)


def _basics(out: Writer, container: Document, status: Document | None, indent: str) -> None:
    out.line(1, f"{indent}{container.get('name', '')}:")
    if status is not None:
        out.line(2, "Container ID:", status.get("containerID", ""))
    out.line(2, "Image:", container.get("image", ""))
    if status is not None:
        out.line(2, "Image ID:", status.get("imageID", ""))
    ports = container.get("ports") or []
    for title, field in (("Port", "containerPort"), ("Host Port", "hostPort")):
        text = ", ".join(_port(port, field) for port in ports)
        out.line(2, f"{title}s:" if "," in text else f"{title}:", text or "<none>")
    seccomp = (container.get("securityContext") or {}).get("seccompProfile")
    if seccomp:
        out.line(2, "SeccompProfile:", seccomp.get("type", ""))
        if seccomp.get("type") == "Localhost":
            out.line(3, "LocalhostProfile:", seccomp.get("localhostProfile", ""))


def _port(port: Document, field: str) -> str:
    text = f"{port.get(field, 0)}/{port.get('protocol', '')}"
    return f"{text} ({port['name']})" if port.get("name") else text


def _words(out: Writer, title: str, words: list[str]) -> None:
    if words:
        out.line(2, f"{title}:")
    for word in words:
        for line in word.split("\n"):
            out.line(3, line)


def resources(out: Writer, wanted: Mapping[str, Document], level: int) -> None:
    """Limits and requests."""
    for field in ("limits", "requests"):
        amounts = wanted.get(field) or {}
        if amounts:
            out.line(level, f"{field.title()}:")
        for name in sorted(amounts):
            out.line(level + 1, f"{name}:", amount(amounts[name]))


def _state(out: Writer, status: Document) -> None:
    _one_state(out, "State", status.get("state") or {})
    last = status.get("lastState") or {}
    if "terminated" in last:
        _one_state(out, "Last State", last)
    out.line(2, "Ready:", bool(status.get("ready")))
    out.line(2, "Restart Count:", status.get("restartCount", 0))


def _one_state(out: Writer, title: str, state: Document) -> None:
    if "running" in state:
        out.line(2, f"{title}:", "Running")
        out.line(3, "Started:", long_time(state["running"].get("startedAt")))
    elif "terminated" in state:
        _terminated(out, title, state["terminated"])
    else:
        out.line(2, f"{title}:", "Waiting")
        if (state.get("waiting") or {}).get("reason"):
            out.line(3, "Reason:", state["waiting"]["reason"])


def _terminated(out: Writer, title: str, ended: Document) -> None:
    out.line(2, f"{title}:", "Terminated")
    for field in ("reason", "message"):
        if ended.get(field):
            out.line(3, f"{field.title()}:", ended[field])
    out.line(3, "Exit Code:", ended.get("exitCode", 0))
    if ended.get("signal"):
        out.line(3, "Signal:", ended["signal"])
    out.line(3, "Started:", long_time(ended.get("startedAt")))
    out.line(3, "Finished:", long_time(ended.get("finishedAt")))


def _mounts(out: Writer, container: Document) -> None:
    mounts = container.get("volumeMounts") or []
    none = "" if mounts else "\t<none>"
    out.line(2, f"Mounts:{none}")
    for mount in sorted(mounts, key=lambda mount: str(mount.get("mountPath", ""))):
        modes = ["ro" if mount.get("readOnly") else "rw"]
        if mount.get("subPath"):
            modes.append(f"path={quote(mount['subPath'])}")
        out.line(3, f"{mount['mountPath']} from {mount['name']} ({','.join(modes)})")
    devices = container.get("volumeDevices") or []
    if devices:
        out.line(2, f"Devices:{none}")
    for device in sorted(devices, key=lambda device: str(device.get("devicePath", ""))):
        out.line(3, f"{device['devicePath']} from {device['name']}")


def probe_text(probe: Document) -> str:
    """A probe in one line."""
    times = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 0)}s "
        f"period={probe.get('periodSeconds', 0)}s "
        f"successThreshold={probe.get('successThreshold', 0)} "
        f"failureThreshold={probe.get('failureThreshold', 0)}"
    )
    if "exec" in probe:
        return f"exec [{' '.join(probe['exec'].get('command') or ())}] {times}"
    if "httpGet" in probe:
        return f"http-get {_url(probe['httpGet'])} {times}"
    if "tcpSocket" in probe:
        return (
            f"tcp-socket {probe['tcpSocket'].get('host', '')}:{probe['tcpSocket']['port']} {times}"
        )
    if "grpc" in probe:
        return f"grpc <pod>:{probe['grpc']['port']} {probe['grpc'].get('service', '')} {times}"
    return f"unknown {times}"


def _url(action: Document) -> str:
    host, path = str(action.get("host") or ""), str(action.get("path") or "")
    host = f"[{host}]" if ":" in host else host
    slash = "" if not path or path.startswith("/") else "/"
    return f"{str(action.get('scheme', '')).lower()}://{host}:{action['port']}{slash}{path}"
