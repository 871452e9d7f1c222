"""Ways into a pod: exec, attach and port-forward, and why one may be refused.

The refusals are those of the pod registry's strategy (pkg/registry/core/pod) and of the
kubelet. A program itself runs in the backend; what comes back is a session.
"""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.apiserver.backend import PortForward
from minik8s.apiserver.call import Call
from minik8s.apiserver.messages import Response
from minik8s.errors import BadRequest, InternalError
from minik8s.model.metadata import Document, name_of

_STATUS_FIELDS = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


def exec_in_pod(call: Call) -> Response:
    """Run a program in a container."""
    request = call.request
    argv = list(request.query.get("command", ()))
    if not argv:
        raise BadRequest("you must specify at least one command for the container")
    container = _running_container(call)
    session = call.backend.exec(
        call.route.home,
        call.route.name,
        container,
        argv,
        stdin=request.flag("stdin"),
        tty=request.flag("tty"),
        clock=call.program_clock(),
    )
    return Response(101, session=session)


def attach(call: Call) -> Response:
    """Reach the main program of a container."""
    request = call.request
    container = _running_container(call)
    session = call.backend.attach(
        call.route.home,
        call.route.name,
        container,
        stdin=request.flag("stdin"),
        tty=request.flag("tty"),
    )
    return Response(101, session=session)


def port_forward(call: Call) -> Response:
    """A way to the ports of a pod; each connection is dialled when the client asks for it."""
    pod = call.existing()
    check_host(pod)
    namespace, name, backend = call.route.home, call.route.name, call.backend
    return Response(
        101, session=PortForward(namespace, name, lambda port: backend.dial(namespace, name, port))
    )


# -- containers


def check_host(pod: Document) -> None:
    """Raise the BadRequest for a pod that has no node yet."""
    if not (pod.get("spec") or {}).get("nodeName"):
        raise BadRequest(f"pod {name_of(pod)} does not have a host assigned")


def chosen_container(pod: Document, wanted: str) -> str:
    """The container that a request means; raises BadRequest for none or a wrong one."""
    spec = pod.get("spec") or {}
    containers, init = _names(spec.get("containers")), _names(spec.get("initContainers"))
    ephemeral = _names(spec.get("ephemeralContainers"))
    if wanted:
        if wanted not in (*containers, *init, *ephemeral):
            raise BadRequest(f"container {wanted} is not valid for pod {name_of(pod)}")
        return wanted
    if len(containers) == 1:
        return containers[0]
    if not containers:
        raise BadRequest(f"a container name must be specified for pod {name_of(pod)}")
    text = (
        f"a container name must be specified for pod {name_of(pod)}, "
        f"choose one of: [{' '.join(containers)}]"
    )
    if init:
        text += f" or one of the init containers: [{' '.join(init)}]"
    raise BadRequest(text)


def _names(containers: Iterable[Document] | None) -> list[str]:
    return [container["name"] for container in containers or ()]


def _running_container(call: Call) -> str:
    """The container to run in; raises BadRequest, or InternalError if it is not running."""
    pod = call.existing()
    container = chosen_container(pod, call.request.parameter("container"))
    check_host(pod)
    if "running" not in _state(pod, container):
        raise InternalError.wrap(
            f'unable to upgrade connection: container not found ("{container}")'
        )
    return container


def _state(pod: Document, container: str) -> Document:
    state: Document = container_status(pod, container).get("state") or {}
    return state


def container_status(pod: Document, container: str) -> Document:
    """What a pod's status says of one of its containers; empty if it says nothing."""
    status = pod.get("status") or {}
    for field in _STATUS_FIELDS:
        for entry in status.get(field) or ():
            if entry.get("name") == container:
                found: Document = entry
                return found
    return {}
