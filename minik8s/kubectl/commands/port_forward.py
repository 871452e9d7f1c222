"""`kubectl port-forward`: ports of this computer that lead to ports of a pod."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

from minik8s.apiserver import PortForward
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.pods import attachable_pod, named_object, running_timeout
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import POD
from minik8s.model.workloads import pod_phase

_HIGHEST = 65535


def run(call: Call) -> int:
    """Forward ports until Ctrl-C."""
    if len(call.arguments) < 2:
        raise call.usage("TYPE/NAME and list of ports are required for port-forward")
    try:
        timeout = running_timeout(call)
    except Failure as error:
        raise call.usage(str(error)) from None
    title, *ports = call.arguments
    document = named_object(call, title)
    pod = attachable_pod(call, document, timeout)
    pairs = _to_service(document, pod, ports) if _is_service(document) else _to_pod(pod, ports)
    pod = call.client.get(POD, name_of(pod), namespace_of(pod))
    if pod_phase(pod) != "Running":
        raise Failure(
            f"unable to forward port because pod is not running. Current status={pod_phase(pod)}"
        )
    addresses = _addresses(call.flags.items("address"))
    parsed = [_parsed(pair) for pair in pairs]
    way = call.client.port_forward(name_of(pod), namespace_of(pod))
    forwarder = Forwarder(call, way, addresses)
    forwarder.listen(parsed)
    code = call.io.follow(forwarder.pump)
    if forwarder.lost:
        raise Failure("lost connection to pod")
    return code


# -- which ports


def _is_service(document: Document) -> bool:
    return document.get("kind") == "Service"


def _split(port: str) -> tuple[str, str]:
    parts = port.split(":")
    return (parts[0], parts[1]) if len(parts) == 2 else (parts[0], parts[0])


def _to_pod(pod: Document, ports: list[str]) -> list[str]:
    """The ports with the names of the pod's ports made numbers."""
    declared = [
        port
        for field_name in ("containers", "initContainers")
        for container in pod["spec"].get(field_name) or ()
        for port in container.get("ports") or ()
    ]
    _refuse_udp(ports, declared, "containerPort", lambda name: _named(pod, declared, name))
    converted = []
    for port in ports:
        local, remote = _split(port)
        if not remote:
            raise Failure("remote port cannot be empty")
        number = remote if _is_number(remote) else str(_named(pod, declared, remote))
        converted.append(number if local == remote else f"{local}:{number}")
    return converted


def _named(pod: Document, declared: list[Document], name: str) -> int:
    for port in declared:
        if port.get("name") == name:
            return int(port["containerPort"])
    raise Failure(f"Pod '{name_of(pod)}' does not have a named port '{name}'")


def _to_service(service: Document, pod: Document, ports: list[str]) -> list[str]:
    """The ports with the Service's ports made those of the pod behind it."""
    declared = (service.get("spec") or {}).get("ports") or []
    _refuse_udp(ports, declared, "port", lambda name: _service_port(service, declared, name))
    translated = []
    for port in ports:
        local, remote = _split(port)
        if _is_number(remote):
            number = int(remote)
        else:
            number = _service_port(service, declared, remote)
            local = str(number) if local == remote else local
        target = str(_target(service, declared, pod, number))
        translated.append(target if local == target else f"{local}:{target}")
    return translated


def _service_port(service: Document, declared: list[Document], name: str) -> int:
    for port in declared:
        if port.get("name", "") == name:
            return int(port["port"])
    raise Failure(f"Service '{name_of(service)}' does not have a named port '{name}'")


def _target(service: Document, declared: list[Document], pod: Document, number: int) -> int:
    for port in declared:
        if port["port"] != number:
            continue
        target = port.get("targetPort") or number
        if service["spec"].get("clusterIP") == "None":
            return number
        if isinstance(target, int):
            return target
        ports = [
            each
            for container in pod["spec"].get("containers") or ()
            for each in container.get("ports") or ()
        ]
        return _named(pod, ports, target)
    raise Failure(f"Service {name_of(service)} does not have a service port {number}")


def _refuse_udp(
    ports: list[str], declared: list[Document], key: str, named: Callable[[str], int]
) -> None:
    """Complain about ports that are there for UDP only."""
    protocols: dict[int, set[str]] = {}
    for each in declared:
        protocols.setdefault(each[key], set()).add(each.get("protocol") or "TCP")
    for port in ports:
        _, remote = _split(port)
        if not remote:
            continue
        number = int(remote) if _is_number(remote) else named(remote)
        if "UDP" in protocols.get(number, ()) and "TCP" not in protocols[number]:
            raise Failure(f"UDP protocol is not supported for {remote}")


def _is_number(text: str) -> bool:
    return text.lstrip("+-").isdecimal()


def _parsed(pair: str) -> tuple[int, int]:
    """The local and the remote port; 0 means any free local one."""
    parts = pair.split(":")
    if len(parts) > 2:
        raise Failure(f"invalid port format '{pair}'")
    local = parts[0] if len(parts) == 1 else parts[0] or "0"
    numbers = []
    for word, text in (("local", local), ("remote", parts[-1])):
        problem = ""
        if not text.isdecimal():
            problem = "invalid syntax"
        elif int(text) > _HIGHEST:
            problem = "value out of range"
        if problem:
            raise Failure(
                f"error parsing {word} port '{text}': strconv.ParseUint: parsing {quote(text)}: "
                f"{problem}"
            )
        numbers.append(int(text))
    if not numbers[1]:
        raise Failure("remote port must be > 0")
    return numbers[0], numbers[1]


def _addresses(given: list[str]) -> list[str]:
    found: set[str] = set()
    for address in given:
        if address == "localhost":
            found |= {"127.0.0.1", "::1"}
            continue
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise Failure(f"{address} is not a valid IP") from None
        found.add(address)
    return sorted(found)


# -- forwarding


@dataclass(slots=True)
class Forwarder:
    """The open ports, and the connections through them."""

    call: Call
    way: PortForward
    addresses: list[str]
    lost: bool = False
    _opened: list[tuple[int, int, object]] = field(default_factory=list)

    def listen(self, ports: list[tuple[int, int]]) -> None:
        """Open local ports; raises Failure if none can be opened."""
        heard = False
        for local, remote in ports:
            try:
                self._listen(local, remote)
                heard = True
            except OSError:
                self.call.err(f"Unable to listen on port {local}: {self._problems(local)}\n")
        if not heard:
            shown = " ".join(f"{{{local} {remote}}}" for local, remote in ports)
            raise Failure(f"unable to listen on any of the requested ports: [{shown}]")

    def _listen(self, local: int, remote: int) -> None:
        numbers: list[int] = []

        def dial() -> object:
            self.call.out(f"Handling connection for {numbers[0]}\n")
            connection = self.way.dial(remote)
            self._opened.append((numbers[0], remote, connection))
            return connection

        numbers.append(self.call.io.listen(local, dial))
        for address in self.addresses:
            host = f"[{address}]" if ":" in address else address
            self.call.out(f"Forwarding from {host}:{numbers[0]} -> {remote}\n")

    def _problems(self, local: int) -> str:
        errors = []
        for address in self.addresses:
            version, host = ("tcp6", f"[{address}]") if ":" in address else ("tcp4", address)
            errors.append(
                f"unable to create listener: Error listen {version} {host}:{local}: bind: address "
                "already in use"
            )
        return f"Listeners failed to create with the following errors: [{' '.join(errors)}]"

    def pump(self) -> bool:
        """Look after the connections; False once the pod has refused one."""
        for local, remote, connection in self._opened:
            if getattr(connection, "state", "") == "refused":
                self._tell(local, remote)
                self.lost = True
                return False
        self._opened = [
            each for each in self._opened if getattr(each[2], "state", "") == "connecting"
        ]
        return True

    def _tell(self, local: int, remote: int) -> None:
        why = self.way.complaint(remote, "connect: connection refused")
        self.call.log(
            f'"An error occurred forwarding" err={quote(why)} localPort={local} '
            f"remotePort={remote}",
            "portforward.go:549",
            "E",
        )
