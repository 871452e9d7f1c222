"""`kubectl logs`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from minik8s.admission.scalars import time_problem
from minik8s.apiserver import LogOptions, LogStream
from minik8s.errors import ApiError, NotFound
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure, message_of
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.pods import (
    DEFAULT_CONTAINER,
    by_logging,
    container_names,
    find_container,
    go_struct,
    invalid_container,
    named_object,
    pods_behind,
    running_timeout,
)
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query
from minik8s.model.metadata import Document, annotations_of, name_of, namespace_of

_USAGE = (
    "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
    "POD or TYPE/NAME is a required argument for the logs command"
)
_SELECTOR_TAIL = 10


@dataclass(frozen=True, slots=True)
class _Source:
    """One container's log."""

    pod: Document
    container: str

    @property
    def prefix(self) -> str:
        """What `--prefix` puts before each line."""
        return f"[pod/{name_of(self.pod)}/{self.container}] "


def run(call: Call) -> int | None:
    """Print the logs of containers."""
    flags, words = call.flags, call.arguments
    selector = flags.text("selector")
    if len(words) > 2 or not (words or selector):
        raise call.usage(_USAGE)
    if len(words) == 1 and selector:
        raise call.usage("only a selector (-l) or a POD name is allowed")
    timeout = running_timeout(call)
    options = _options(call)
    container = words[1] if len(words) == 2 else flags.text("container")
    found = _objects(call, words[0] if words else "", selector)
    _validate(call, container, options)
    sources: list[_Source] = []
    for document in found:
        sources += _sources(call, document, container, timeout)
    if not flags.on("follow"):
        for source in sources:
            _print(call, source, options)
        return None
    limit = flags.number("max-log-requests")
    if len(sources) > 1 and len(sources) > limit:
        raise Failure(
            f"you are attempting to follow {len(sources)} log streams, but maximum allowed "
            f"concurrency is {limit}, use --max-log-requests to increase the limit"
        )
    return _follow(call, sources, options)


def _options(call: Call) -> LogOptions:
    flags = call.flags
    tail: int | None = flags.number("tail")
    if tail == -1:
        default = flags.text("selector") and not flags.given("tail")
        tail = _SELECTOR_TAIL if default else None
    since_time = flags.text("since-time")
    if since_time and (problem := time_problem(since_time)) is not None:
        raise Failure(problem)
    return LogOptions(
        previous=flags.on("previous"),
        timestamps=flags.on("timestamps"),
        tail_lines=tail,
        since_seconds=round(flags.seconds("since")) or None,
        since_time=since_time,
        limit_bytes=flags.number("limit-bytes") or None,
    )


def _validate(call: Call, container: str, options: LogOptions) -> None:
    flags = call.flags
    if flags.text("since-time") and flags.seconds("since"):
        raise Failure("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if flags.on("all-containers") and container:
        raise Failure(
            f"--all-containers=true should not be specified with container name {container}"
        )
    if flags.given("container") and len(call.arguments) == 2:
        raise Failure("only one of -c or an inline [CONTAINER] arg is allowed")
    if flags.number("limit-bytes") < 0:
        raise Failure("--limit-bytes must be greater than 0")
    if options.since_seconds is not None and options.since_seconds < 0:
        raise Failure("--since must be greater than 0")
    if options.tail_lines is not None and options.tail_lines < -1:
        raise Failure("--tail must be greater than or equal to -1")


def _objects(call: Call, resource: str, selector: str) -> list[Document]:
    try:
        if resource:
            return [named_object(call, resource)]
        query = Query(
            call, namespace=call.namespace, arguments=("pods",), labels=selector, files=False
        )
        targets = select(query).targets_or_raise(go_on=False)
    except NotFound as error:
        raise Failure(
            f"error from server (NotFound): {message_of(error)} in namespace "
            f"{quote(call.namespace)}"
        ) from None
    if not targets:
        call.err(f"No resources found in {call.namespace} namespace.\n")
    return [target.object for target in targets]


def _sources(call: Call, document: Document, container: str, timeout: float) -> list[_Source]:
    every = call.flags.on("all-pods")
    if document.get("kind") == "Pod":
        return _of_pod(call, document, container, every)
    try:
        pods = pods_behind(call, document, timeout, by_logging)
    except Failure as error:
        if "not implemented" in str(error) or "without a selector" in str(error):
            raise Failure(f"cannot get the logs from {go_struct(document)}: {error}") from None
        raise
    if every:
        return [source for pod in pods for source in _of_pod(call, pod, container, every)]
    if len(pods) > 1:
        call.err(f"Found {len(pods)} pods, using pod/{name_of(pods[0])}\n")
    return _of_pod(call, pods[0], container, every)


def _of_pod(call: Call, pod: Document, container: str, every: bool) -> list[_Source]:
    spec = pod.get("spec") or {}
    if call.flags.on("all-containers"):
        fields = ("initContainers", "containers", "ephemeralContainers")
        return [_Source(pod, c["name"]) for field in fields for c in spec.get(field) or ()]
    default = annotations_of(pod).get(DEFAULT_CONTAINER, "")
    if not container and default:
        if find_container(pod, default) is None:
            call.err(f"Default container name {quote(default)} not found in pod {name_of(pod)}\n")
        else:
            container = default
    if not container:
        container = spec["containers"][0]["name"]
        if "," in container_names(pod) and not every:
            call.err(f"Defaulted container {quote(container)} out of: {container_names(pod)}\n")
    if find_container(pod, container) is None:
        raise invalid_container(pod, container)
    return [_Source(pod, container)]


def _prefixed(call: Call, source: _Source, text: str) -> str:
    if not (call.flags.on("prefix") or call.flags.on("all-pods")):
        return text
    return "".join(source.prefix + line for line in re.findall(r"[^\n]*\n|[^\n]+", text))


def _print(call: Call, source: _Source, options: LogOptions) -> None:
    try:
        text = call.client.logs(
            name_of(source.pod), source.container, namespace_of(source.pod), options
        )
    except ApiError as error:
        if not call.flags.on("ignore-errors"):
            raise
        call.out(f"error: {error.message}\n")
        return
    call.out(_prefixed(call, source, text))


def _follow(call: Call, sources: list[_Source], options: LogOptions) -> int:
    streams: list[tuple[_Source, LogStream]] = []
    for source in sources:
        stream = call.client.follow_logs(
            name_of(source.pod),
            source.container,
            namespace_of(source.pod),
            replace(options, follow=True),
        )
        streams.append((source, stream))
    return call.io.follow(_pump(call, streams))


def _pump(call: Call, streams: list[tuple[_Source, LogStream]]) -> Callable[[], bool]:
    def pump() -> bool:
        for source, stream in streams:
            text = stream.poll().decode(errors="replace")
            if text:
                call.out(_prefixed(call, source, text))
        return any(not stream.closed for _, stream in streams)

    return pump
