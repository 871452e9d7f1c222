"""`kubectl port-forward`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import parse_int
from minik8s.kubectl.pods import by_activity, named_object, pods_behind, running_timeout
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.workloads import pod_phase

_LOOPBACK = {"localhost": ("127.0.0.1", "[::1]")}


@dataclass(frozen=True, slots=True)
class _Ports:
    """One pair of ports: 0 stands for any free local port."""

    local: int
    remote: int


def run(call: Call) -> int:
    """Open ports of this computer that lead to ports of a pod, until Ctrl-C."""
    if len(call.arguments) < 2:
        raise call.usage("TYPE/NAME and list of ports are required for port-forward")
    name, *typed = call.arguments
    timeout = running_timeout(call)
    target = named_object(call, name)
    is_pod = target.get("kind") == "Pod"
    pod = target if is_pod else pods_behind(call, target, timeout, by_activity)[0]
    ports = [_parse(_translated(text, target, pod)) for text in typed]
    if pod_phase(pod) != "Running":
        raise Failure(
            f"unable to forward port because pod is not running. Current status={pod_phase(pod)}"
        )
    forward = call.client.port_forward(name_of(pod), namespace_of(pod))
    handled: list[int] = []
    opened = [number for pair in ports if (number := _open(call, pair, forward.dial, handled))]
    if not opened:
        wanted = " ".join(f"{{{pair.local} {pair.remote}}}" for pair in ports)
        raise Failure(f"unable to listen on any of the requested ports: [{wanted}]")
    return call.io.follow(lambda: _report(call, handled))


def _report(call: Call, handled: list[int]) -> bool:
    """Name the connections since the last time; the ports stay open."""
    for number in handled:
        call.out(f"Handling connection for {number}\n")
    handled.clear()
    return True


def _open(
    call: Call, ports: _Ports, dial: Callable[[int], object], handled: list[int]
) -> int | None:
    """Listen on one local port; its number, None if somebody else has it."""
    number = ports.local

    def connect() -> object:
        handled.append(number)
        return dial(ports.remote)

    try:
        number = call.io.listen(ports.local, connect)
    except OSError:
        errors = " ".join(
            f"unable to create listener: Error listen {family} {host}:{ports.local}: bind: "
            "address already in use"
            for family, host in (("tcp4", "127.0.0.1"), ("tcp6", "[::1]"))
        )
        call.err(
            f"Unable to listen on port {ports.local}: Listeners failed to create with the "
            f"following errors: [{errors}]\n"
        )
        return None
    for address in call.flags.items("address") or ["localhost"]:
        for host in _LOOPBACK.get(address, (address,)):
            call.out(f"Forwarding from {host}:{number} -> {ports.remote}\n")
    return number


def _parse(text: str) -> _Ports:
    """`LOCAL:REMOTE`, `:REMOTE` or one number for both (client-go's portforward)."""
    parts = text.split(":")
    if len(parts) > 2:
        raise Failure(f"invalid port format '{text}'")
    local, remote = (parts[0], parts[-1])
    if len(parts) == 2 and not local:
        local = "0"
    pair = _Ports(_number("local", local), _number("remote", remote))
    if pair.remote == 0:
        raise Failure("remote port must be > 0")
    return pair


def _number(side: str, text: str) -> int:
    try:
        number = parse_int(text, 17)
        if 0 <= number < 65536:
            return number
        why = f'strconv.ParseUint: parsing "{text}": value out of range'
    except ValueError:
        why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
    raise Failure(f"error parsing {side} port '{text}': {why}")


def _translated(text: str, target: Document, pod: Document) -> str:
    """Ports with the Service's port, or a name, replaced by the pod's number."""
    local, colon, remote = text.partition(":")
    wanted = remote if colon else local
    if target.get("kind") == "Service":
        number = str(_behind_service(target, pod, wanted))
    elif wanted.isdigit() or not wanted:
        return text
    else:
        number = str(_by_name(pod, wanted, f"Pod '{name_of(pod)}' does not have a named port"))
    if not colon:
        local = wanted if wanted.isdigit() else number
    return f"{local}:{number}" if local != number else number


def _behind_service(service: Document, pod: Document, wanted: str) -> int:
    """The container port behind a port of a Service, by number or name."""
    spec = service.get("spec") or {}
    for port in spec.get("ports") or ():
        if wanted in (str(port["port"]), port.get("name")):
            target = port.get("targetPort") or port["port"]
            if spec.get("clusterIP") == "None":
                return int(port["port"])
            if isinstance(target, int):
                return target
            return _by_name(pod, target, f"Pod '{name_of(pod)}' does not have a named port")
    kind = "port" if wanted.isdigit() else "named port"
    raise Failure(f"Service {name_of(service)} does not have a service {kind} {wanted}")


def _by_name(pod: Document, name: str, complaint: str) -> int:
    containers: list[dict[str, Any]] = pod["spec"]["containers"]
    for container in containers:
        for port in container.get("ports") or ():
            if port.get("name") == name:
                return int(port["containerPort"])
    raise Failure(f"{complaint} '{name}'")
