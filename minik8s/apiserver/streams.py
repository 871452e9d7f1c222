"""Ways into a pod: exec, attach, logs and port-forward, and why one may be refused.

The refusals are those of the pod registry's strategy (pkg/registry/core/pod) and of the
kubelet. A program itself runs in the backend; what comes back is a session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from minik8s.apiserver.backend import Backend, LogOptions, PortForward
from minik8s.apiserver.call import Call
from minik8s.apiserver.messages import TEXT, Request, Response
from minik8s.clock import rfc3339
from minik8s.errors import BadRequest, Cause, InternalError, Invalid, NotFound
from minik8s.model.metadata import Document, name_of
from minik8s.model.registry import POD

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
    _check_host(pod)
    namespace, name, backend = call.route.home, call.route.name, call.backend
    return Response(
        101, session=PortForward(namespace, name, lambda port: backend.dial(namespace, name, port))
    )


# -- containers


def _check_host(pod: Document) -> None:
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
    _check_host(pod)
    if "running" not in _state(pod, container):
        raise InternalError.wrap(
            f'unable to upgrade connection: container not found ("{container}")'
        )
    return container


def _state(pod: Document, container: str) -> Document:
    state: Document = _container_status(pod, container).get("state") or {}
    return state


def _container_status(pod: Document, container: str) -> Document:
    status = pod.get("status") or {}
    for field in _STATUS_FIELDS:
        for entry in status.get(field) or ():
            if entry.get("name") == container:
                found: Document = entry
                return found
    return {}


# -- logs


def logs(call: Call) -> Response:
    """A container's output so far, or as a stream to follow."""
    options = _log_options(call.request)
    pod = call.existing()
    container = chosen_container(pod, call.request.parameter("container"))
    _check_host(pod)
    _check_started(pod, container, options)
    namespace, name, backend = call.route.home, call.route.name, call.backend
    if options.follow:
        follower = LogFollower(backend, namespace, name, container, options)
        return Response(200, content_type=TEXT, log=follower)
    lines = backend.log_lines(namespace, name, container, previous=options.previous)
    return Response(200, log_text(lines, options, backend.clock.now), content_type=TEXT)


def _check_started(pod: Document, container: str, options: LogOptions) -> None:
    """Raise the kubelet's BadRequest for a container without a log."""
    status = _container_status(pod, container)
    state, name = status.get("state") or {}, name_of(pod)
    if options.previous and not (status.get("lastState") or {}).get("terminated"):
        raise BadRequest(f'previous terminated container "{container}" in pod "{name}" not found')
    waiting = state.get("waiting")
    if waiting is not None and not status.get("restartCount"):
        reason = waiting.get("reason", "")
        word = "waiting to start"
        if reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
            reason = {"ErrImagePull": "image can't be pulled"}.get(
                reason, "trying and failing to pull image"
            )
        raise BadRequest(f'container "{container}" in pod "{name}" is {word}: {reason}')


def _log_options(request: Request) -> LogOptions:
    numbers = {}
    for field, low in (("tailLines", 0), ("sinceSeconds", 1), ("limitBytes", 1)):
        numbers[field] = _number(request, field, low)
    return LogOptions(
        follow=request.flag("follow"),
        previous=request.flag("previous"),
        timestamps=request.flag("timestamps"),
        tail_lines=numbers["tailLines"],
        since_seconds=numbers["sinceSeconds"],
        limit_bytes=numbers["limitBytes"],
    )


def _number(request: Request, field: str, low: int) -> int | None:
    text = request.parameter(field)
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
    if number < low:
        bound = "must be greater than or equal to 0" if low == 0 else "must be greater than 0"
        cause = Cause("FieldValueInvalid", f"Invalid value: {number}: {bound}", field)
        raise Invalid.object("PodLogOptions", "", "", [cause])
    return number


def log_text(lines: Sequence[tuple[float, bytes]], options: LogOptions, now: float) -> bytes:
    """Lines as a client gets them: the last ones, the young ones, with their moments."""
    if options.since_seconds is not None:
        lines = [entry for entry in lines if entry[0] >= now - options.since_seconds]
    if options.tail_lines is not None:
        lines = lines[-options.tail_lines :] if options.tail_lines else []
    if options.timestamps:
        text = b"".join(f"{nanoseconds(when)} ".encode() + line + b"\n" for when, line in lines)
    else:
        text = b"".join(line + b"\n" for _, line in lines)
    return text if options.limit_bytes is None else text[: options.limit_bytes]


def nanoseconds(moment: float) -> str:
    """A moment as container logs write it (RFC 3339 with nanoseconds).

    >>> nanoseconds(0.25)
    '1970-01-01T00:00:00.250000000Z'
    """
    fraction = round(moment % 1 * 1_000_000_000)
    if fraction == 1_000_000_000:
        moment, fraction = moment + 1, 0
    return f"{rfc3339(moment)[:-1]}.{fraction:09}Z"


class LogFollower:
    """A container's output, read on at the reader's own pace; ends with the container."""

    __slots__ = ("_backend", "_options", "_place", "_read", "closed")

    def __init__(
        self, backend: Backend, namespace: str, pod: str, container: str, options: LogOptions
    ) -> None:
        self.closed = False
        self._backend = backend
        self._place = (namespace, pod, container)
        self._options = options
        self._read = 0

    def poll(self) -> bytes:
        """What was written since the last call (the first one: the wanted part so far)."""
        if self.closed:
            return b""
        try:
            lines = self._backend.log_lines(*self._place)
        except NotFound:  # the pod is gone, and its log with it
            self.closed = True
            return b""
        options = self._options
        if self._read:  # only the first part is cut
            options = LogOptions(timestamps=options.timestamps)
        news = log_text(lines[self._read :], options, self._backend.clock.now)
        self._read = len(lines)
        if not self._goes_on():
            self.closed = True
        return news

    def _goes_on(self) -> bool:
        namespace, name, container = self._place
        pod = self._backend.store.get(POD, namespace, name)
        return pod is not None and "running" in _state(pod, container)

    def close(self) -> None:
        """Stop following."""
        self.closed = True
