"""`kubectl expose`: a Service for what runs already."""

from __future__ import annotations

from collections.abc import Mapping

from minik8s.kubectl.call import Call
from minik8s.kubectl.commands.run import parse_labels
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.generate import make, without_empty
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.overrides import overridden
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.model.metadata import Document, labels_of
from minik8s.model.registry import SERVICE

_KINDS = (
    ("", "ReplicationController"),
    ("", "Service"),
    ("", "Pod"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
)
_LONGEST_NAME = 63
_AFFINITIES = ("None", "ClientIP")


def run(call: Call) -> None:
    """Make a Service for each object."""
    dry_run = call.dry_run()
    printer = object_printer(call, "exposed", dry_run)

    def expose(target: Target) -> None:
        service = overridden(call, SERVICE, _service(call, target))
        printer(make(call, service, dry_run))

    select(Query.typed(call)).visit(expose)


def _service(call: Call, target: Target) -> Document:
    flags, kind = call.flags, target.kind
    if (kind.group, kind.kind) not in _KINDS:
        raise Failure(f"cannot expose a {kind.kind}.{kind.group}".rstrip("."))
    selector = _selector(call, target)
    ports = _numbers(call, target)
    labels = flags.text("labels")
    affinity = flags.text("session-affinity")
    if affinity and affinity not in _AFFINITIES:
        raise Failure(f"unknown session affinity: {affinity}")
    balanced = flags.text("type") == "LoadBalancer"
    namespace = call.namespace if call.namespace_given else ""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": without_empty(
            name=flags.text("name") or target.name[:_LONGEST_NAME],
            namespace=namespace,
            labels=parse_labels(labels) if labels else labels_of(target.object),
        ),
        "spec": without_empty(
            ports=_ports(call, target, ports),
            selector=selector,
            clusterIP=flags.text("cluster-ip"),
            type=flags.text("type"),
            externalIPs=[flags.text("external-ip")] if flags.text("external-ip") else [],
            sessionAffinity=affinity,
            loadBalancerIP=flags.text("load-balancer-ip") if balanced else "",
        ),
        "status": {"loadBalancer": {}},
    }


# -- what the exposed object tells


def _selector(call: Call, target: Target) -> Mapping[str, str]:
    """The labels of the pods; raises Failure where they cannot be told."""
    text = call.flags.text("selector")
    if text:
        return parse_labels(text)
    problem = "couldn't retrieve selectors via --selector flag or introspection: "
    spec = target.object.get("spec") or {}
    kind = target.kind.kind
    if kind == "Pod":
        labels = labels_of(target.object)
        if not labels:
            raise Failure(f"{problem}the pod has no labels and cannot be exposed")
        return labels
    if kind == "Service" and spec.get("selector") is None:
        raise Failure(f"{problem}the service has no pod selector set")
    selector = spec.get("selector") or {}
    if kind in ("Deployment", "ReplicaSet"):
        if not selector.get("matchLabels"):
            raise Failure(
                f"{problem}invalid {kind.lower()}: no selectors, therefore cannot be exposed"
            )
        if selector.get("matchExpressions"):
            expressions = " ".join(map(_expression, selector["matchExpressions"]))
            raise Failure(
                f'{problem}couldn\'t convert expressions - "[{expressions}]" to map-based '
                "selector format"
            )
        selector = selector["matchLabels"]
    if not selector:
        raise Failure("selector must be specified")
    found: Mapping[str, str] = selector
    return found


def _expression(expression: Document) -> str:
    values = " ".join(expression.get("values") or ())
    return f"{{Key:{expression['key']} Operator:{expression['operator']} Values:[{values}]}}"


def _declared(target: Target) -> list[tuple[str, str]]:
    """The ports that the object names, each with its protocol."""
    spec = target.object.get("spec") or {}
    if target.kind.kind == "Service":
        ports = [(port["port"], port) for port in spec.get("ports") or ()]
    else:
        pod = spec if target.kind.kind == "Pod" else spec["template"]["spec"]
        ports = [
            (port["containerPort"], port)
            for container in pod.get("containers") or ()
            for port in container.get("ports") or ()
        ]
    return [(str(number), port.get("protocol") or "TCP") for number, port in ports]


def _numbers(call: Call, target: Target) -> list[str]:
    """The numbers of the Service's ports."""
    text = call.flags.text("port")
    if text:
        return text.split(",")
    numbers = list(dict.fromkeys(number for number, _ in _declared(target)))
    if not numbers and call.flags.text("cluster-ip") != "None":
        raise Failure("couldn't find port via --port flag or introspection")
    return numbers


def _ports(call: Call, target: Target, numbers: list[str]) -> list[Document]:
    ports: list[Document] = []
    declared = _declared(target)
    for place, text in enumerate(numbers, 1):
        number = _number(text)
        name = f"port-{place}" if len(numbers) > 1 else ""
        chosen = call.flags.text("protocol")
        protocols = [chosen] if chosen else _protocols(declared, text)
        for protocol in protocols:
            if len(protocols) > 1:
                name = f"port-{place}-{protocol.lower()}"
            ports.append(
                without_empty(
                    name=name,
                    protocol=protocol,
                    port=number,
                    targetPort=_target_port(call.flags.text("target-port"), number),
                )
            )
    return ports


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Failure(f"strconv.Atoi: parsing {quote(text)}: invalid syntax") from None


def _protocols(declared: list[tuple[str, str]], number: str) -> list[str]:
    found = list(dict.fromkeys(protocol for each, protocol in declared if each == number))
    return found or ["TCP"]


def _target_port(text: str, number: int) -> int | str:
    if not text:
        return number
    return int(text) if text.isdecimal() else text
