"""The logs of containers: as they are now, or followed.

What is left out, and in which order, is the kubelet's choice (pkg/kubelet/kuberuntime/logs).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from minik8s.admission.scalars import time_problem
from minik8s.apiserver.backend import ContainerLog, LogOptions
from minik8s.apiserver.call import Call
from minik8s.apiserver.messages import TEXT, Request, Response
from minik8s.apiserver.streams import check_host, chosen_container, container_status
from minik8s.clock import parse_rfc3339, rfc3339
from minik8s.errors import BadRequest, Cause, Invalid
from minik8s.model.metadata import Document, name_of


def logs(call: Call) -> Response:
    """A container's output so far, or as a stream to follow."""
    options = _log_options(call.request)
    pod = call.existing()
    container = chosen_container(pod, call.request.parameter("container"))
    check_host(pod)
    _check_started(pod, container, options)
    log = call.backend.log(call.route.home, call.route.name, container, previous=options.previous)
    reader = LogReader(log, options, call.backend.clock.now)
    if options.follow:
        return Response(200, content_type=TEXT, log=reader)
    return Response(200, reader.all(), content_type=TEXT)


def _check_started(pod: Document, container: str, options: LogOptions) -> None:
    """Raise the kubelet's BadRequest for a container without a log."""
    status = container_status(pod, container)
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


# -- options


def _log_options(request: Request) -> LogOptions:
    """Read a request's PodLogOptions; raises BadRequest for what cannot be read, or Invalid."""
    options = LogOptions(
        follow=request.flag("follow"),
        previous=request.flag("previous"),
        timestamps=request.flag("timestamps"),
        tail_lines=_number(request, "tailLines"),
        since_seconds=_number(request, "sinceSeconds"),
        since_time=_moment(request, "sinceTime"),
        limit_bytes=_number(request, "limitBytes"),
    )
    if causes := list(_faults(options)):
        raise Invalid.object("PodLogOptions", "", "", causes)
    return options


def _number(request: Request, field: str) -> int | None:
    text = request.parameter(field)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _moment(request: Request, field: str) -> str:
    text = request.parameter(field)
    if text in ("", "null"):
        return ""
    problem = time_problem(text)
    if problem is not None:
        raise BadRequest(problem)
    return text


def _faults(options: LogOptions) -> Iterator[Cause]:
    """What makes options invalid (ValidatePodLogOptions)."""
    if options.tail_lines is not None and options.tail_lines < 0:
        yield _too_small("tailLines", options.tail_lines, "must be greater than or equal to 0")
    if options.limit_bytes is not None and options.limit_bytes < 1:
        yield _too_small("limitBytes", options.limit_bytes, "must be greater than 0")
    if options.since_seconds is not None:
        if options.since_time:
            text = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
            yield Cause("FieldValueForbidden", text, "[]")  # the empty path, as Go prints it
        elif options.since_seconds < 1:
            yield _too_small("sinceSeconds", options.since_seconds, "must be greater than 0")


def _too_small(field: str, value: int, bound: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {value}: {bound}", field)


# -- reading


class LogReader:
    """One container's output, read at the reader's own pace; it ends with the container.

    The reader's place is the number of a line. Who reads more slowly than the container writes
    goes on at the oldest line that is left, as after a rotation of the log.
    """

    __slots__ = ("_left", "_log", "_next", "_since", "_timestamps", "_wake", "closed")

    def __init__(self, log: ContainerLog, options: LogOptions, now: float) -> None:
        """`now` is the moment from which `options.since_seconds` counts back."""
        self.closed = False
        self._log = log
        self._timestamps = options.timestamps
        self._left = options.limit_bytes
        self._since = float("-inf")
        if options.since_seconds is not None:
            self._since = now - options.since_seconds
        elif options.since_time:
            self._since = parse_rfc3339(options.since_time)
        self._wake: Callable[[], None] | None = None
        self._next = 0
        if options.tail_lines is not None:
            unfinished = log.partial() is not None and (log.ended or not options.follow)
            self._next = max(0, len(log) + unfinished - options.tail_lines)

    def all(self) -> bytes:
        """All that is there, a line that goes on included."""
        text = self._finished()
        rest = self._rest()
        if rest and not self._log.ended:
            rest += b"\n"
        return self._cut(text + rest)

    def poll(self) -> bytes:
        """What was written since the last call (the first one: the wanted part so far)."""
        if self.closed:
            return b""
        text = self._finished()
        if self._log.ended:
            text += self._rest()
            self.close()
        return self._cut(text)

    def listen(self, wake: Callable[[], None]) -> None:
        """Have `wake` called, on any thread, when there may be something new."""
        self._wake = wake
        self._log.listeners.append(wake)

    def close(self) -> None:
        """Stop following."""
        self.closed = True
        if self._wake is not None:
            self._log.listeners.remove(self._wake)
            self._wake = None

    def _finished(self) -> bytes:
        """The lines that have ended since the last call."""
        start = self._next
        self._next = max(start, len(self._log))
        lines = (entry for entry in self._log.lines(start) if entry[0] >= self._since)
        return b"".join(self._shown(*entry) + b"\n" for entry in lines)

    def _rest(self) -> bytes:
        """The line that has not ended, with no line end (a partial line of the CRI's logs)."""
        rest = self._log.partial()
        if rest is None or self._next > len(self._log):
            return b""
        self._next += 1
        return self._shown(*rest) if rest[0] >= self._since else b""

    def _shown(self, when: float, line: bytes) -> bytes:
        return f"{nanoseconds(when)} ".encode() + line if self._timestamps else line

    def _cut(self, text: bytes) -> bytes:
        """Text as far as the wanted number of bytes allows; then the log is over."""
        if self._left is None:
            return text
        text = text[: self._left]
        self._left -= len(text)
        if not self._left:
            self.close()
        return text


def nanoseconds(moment: float) -> str:
    """A moment as container logs write it (RFC 3339 with nanoseconds).

    >>> nanoseconds(0.25)
    '1970-01-01T00:00:00.250000000Z'
    """
    fraction = round(moment % 1 * 1_000_000_000)
    if fraction == 1_000_000_000:
        moment, fraction = moment + 1, 0
    return f"{rfc3339(moment)[:-1]}.{fraction:09}Z"
