"""`kubectl attach`."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.pods import (
    attachable_pod,
    chosen_container,
    named_object,
    running_timeout,
)
from minik8s.kubectl.sessions import A_DAY, carry, wants_tty
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.workloads import is_terminal, pod_phase

_RECORDED = (
    "All commands and output from this session will be recorded in container logs, including "
    "credentials and sensitive information passed through the command prompt.\n"
)
_PROMPT = "If you don't see a command prompt, try pressing enter.\n"


def run(call: Call) -> None:
    """Reach the main program of a container."""
    try:
        timeout = running_timeout(call)
    except Failure as error:
        raise call.usage(str(error)) from None
    words = call.arguments
    if not words:
        raise Failure("at least 1 argument is required for attach")
    if len(words) > 2:
        raise Failure(
            "expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw "
            f"{len(words)}: [{' '.join(words)}]"
        )
    pod = attachable_pod(call, named_object(call, *words), timeout)
    if is_terminal(pod):
        raise Failure(
            "cannot attach a container in a completed pod; current phase is " + pod_phase(pod)
        )
    attach(call, pod, command="kubectl attach")


def attach(call: Call, pod: Document, *, command: str, said: str = "") -> None:
    """Attach to the chosen container of a running pod, which has `said` something already."""
    flags, quiet = call.flags, call.flags.on("quiet")
    name = flags.text("container") if flags.knows("container") else ""
    try:
        container = chosen_container(call, pod, name, quiet=quiet)
    except Failure as error:
        raise Failure(f"cannot attach to the container: {error}") from None
    tty = flags.on("tty")
    if tty and not container.get("tty"):
        tty = False
        if not quiet:
            call.err(
                f"error: Unable to use a TTY - container {container['name']} did not allocate one\n"
            )
    elif container.get("tty"):
        tty = True
    stdin = flags.on("stdin")
    raw = wants_tty(call, stdin=stdin, tty=tty, quiet=quiet)
    if not quiet:
        call.err(_RECORDED + _PROMPT)
    call.out(said)
    session = call.client.attach(
        name_of(pod), container["name"], namespace_of(pod), stdin=stdin, tty=raw
    )
    # A server goes on for ever: what it says next is for whoever still looks.
    patience = 0.0 if pod["spec"].get("restartPolicy", "Always") == "Always" else A_DAY
    given = stdin and call.io.stdin
    # How the program ended is the pod's to tell, not the session's.
    carry(call, session, stdin=stdin, tty=raw, patience=A_DAY if given else patience)
    if raw and stdin and not quiet:
        call.out(
            f"Session ended, resume using '{command} {name_of(pod)} -c {container['name']} -n "
            f"{namespace_of(pod)} -i -t' command\n"
        )
