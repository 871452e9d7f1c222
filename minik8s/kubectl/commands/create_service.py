"""`kubectl create service ...`."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.commands.helping import require_subcommand
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.generate import begin, without_empty
from minik8s.model.formats import dns1123_subdomain, port_name, port_number
from minik8s.model.metadata import Document


def service(call: Call) -> int:
    """`create service` alone."""
    return require_subcommand(call)


def service_clusterip(call: Call) -> None:
    """Create a service with an address in the cluster."""
    _create(call, "ClusterIP", address=call.flags.text("clusterip"))


def service_nodeport(call: Call) -> None:
    """Create a service with a port on each node."""
    _create(call, "NodePort", node_port=call.flags.number("node-port"))


def service_loadbalancer(call: Call) -> None:
    """Create a service behind a load balancer."""
    _create(call, "LoadBalancer")


def service_externalname(call: Call) -> None:
    """Create a service that stands for a DNS name."""
    _create(call, "ExternalName", external=call.flags.text("external-name"))


def _create(
    call: Call, kind: str, *, address: str = "", node_port: int = 0, external: str = ""
) -> None:
    creation = begin(call)
    pairs = call.flags.items("tcp")
    if address != "None" and not pairs and kind != "ExternalName":
        raise Failure("at least one tcp port specifier must be provided")
    if kind == "ExternalName" and dns1123_subdomain(external):
        raise Failure(f"invalid service external name {external}")
    labels = {"app": creation.name}
    spec = without_empty(
        ports=[_port(pair, node_port) for pair in pairs],
        selector=labels,
        clusterIP=address,
        type=kind,
        externalName=external,
    )
    creation.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": creation.metadata(labels=labels),
            "spec": spec,
            "status": {"loadBalancer": {}},
        },
        f"failed to create {kind} service:",
    )


def _port(pair: str, node_port: int) -> Document:
    first, colon, second = pair.partition(":")
    number = _number(first)
    target: int | str = number
    if colon:
        second = second.partition(":")[0]
        if second.lstrip("+-").isdigit():
            target = int(second)
            if port_number(target):
                raise Failure(port_number(target)[0])
        else:
            problems = port_name(second)
            if problems:
                raise Failure(",".join(problems))
            target = second
    made: Document = {
        "name": pair.replace(":", "-"),
        "protocol": "TCP",
        "port": number,
        "targetPort": target,
    }
    return {**made, "nodePort": node_port} if node_port else made


def _number(text: str) -> int:
    """A port; raises Failure with the words of Go's strconv."""
    if not text.isdigit():
        raise Failure(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    number = int(text)
    if number > 65535:
        raise Failure(f'strconv.ParseUint: parsing "{text}": value out of range')
    return number
