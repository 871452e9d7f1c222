"""`kubectl exec`."""

from __future__ import annotations

from dataclasses import replace

from minik8s.errors import InternalError
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Exit, Failure
from minik8s.kubectl.pods import (
    attachable_pod,
    chosen_container,
    find_container,
    invalid_container,
    named_object,
    running_timeout,
)
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query
from minik8s.kubectl.sessions import carry, wants_tty
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.workloads import is_terminal, pod_phase


def run(call: Call) -> int | None:
    """Run a program in a container, and end with its exit code."""
    flags, dash, arguments = call.flags, call.flags.dash, call.arguments
    files = flags.items("filename")
    if dash not in (0, 1) and (len(arguments) > 1 or (arguments and files)):
        raise call.usage(
            "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead"
        )
    resource = arguments[0] if arguments and dash != 0 else ""
    argv = arguments[dash:] if dash in (0, 1) else []
    try:
        timeout = running_timeout(call)
    except Failure as error:
        raise call.usage(str(error)) from None
    if not (resource or files):
        raise Failure("pod, type/name or --filename must be specified")
    if not argv:
        raise Failure("you must specify at least one command for the container")
    pod = attachable_pod(call, _object(call, resource), timeout)
    return execute(call, pod, argv)


def _object(call: Call, resource: str) -> Document:
    if resource:
        return named_object(call, resource)
    query = replace(Query.typed(call, ()), latest=True)
    targets = select(query).targets_or_raise(go_on=False)
    if len(targets) != 1:
        raise Failure("cannot exec into multiple objects at a time")
    return targets[0].object


def execute(call: Call, pod: Document, argv: list[str]) -> int | None:
    """Run a program in the chosen container of a pod."""
    flags = call.flags
    if is_terminal(pod):
        raise Failure(
            "cannot exec into a container in a completed pod; current phase is " + pod_phase(pod)
        )
    name = flags.text("container")
    if not name:
        name = chosen_container(call, pod, "", quiet=flags.on("quiet"))["name"]
    elif find_container(pod, name) is None:
        raise invalid_container(pod, name)
    stdin = flags.on("stdin")
    tty = wants_tty(call, stdin=stdin, tty=flags.on("tty"), quiet=flags.on("quiet"))
    try:
        session = call.client.exec(
            name_of(pod), argv, name, namespace_of(pod), stdin=stdin, tty=tty
        )
    except InternalError as error:
        raise Failure(error.message) from None
    code = carry(call, session, stdin=stdin, tty=tty)
    if code:
        raise Exit(code, f"command terminated with exit code {code}")
    return None
