"""`kubectl describe`."""

from __future__ import annotations

from dataclasses import replace

from minik8s.errors import NotFound
from minik8s.kubectl.call import Call
from minik8s.kubectl.describe import Subject, describe_object
from minik8s.kubectl.failures import COLLECTED, Failure, errors_in, message_of, raise_all
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target


def run(call: Call) -> None:
    """Show objects in detail."""
    if not (call.arguments or call.flags.items("filename") or call.flags.text("kustomize")):
        raise Failure(
            'You must specify the type of resource to describe. Use "kubectl api-resources" for a '
            "complete list of supported resources.\n"
        )
    selection = select(_query(call))
    targets, error = selection.targets()
    if isinstance(error, NotFound) and len(call.arguments) == 2:
        _describe_by_prefix(call, error)
        return
    errors = errors_in(error)
    seen: set[str] = set()
    written = False
    for target in targets:
        try:
            text = _described(call, target, events=len(targets) == 1)
        except COLLECTED as failure:
            if message_of(failure) not in seen:
                seen.add(message_of(failure))
                errors.append(failure)
            continue
        call.out(f"\n\n{text}" if written else text)
        written = True
    if not targets and not errors:
        where = "" if call.flags.on("all-namespaces") else f" in {call.namespace} namespace."
        call.err(f"No resources found{where}\n")
    raise_all(errors)


def _query(call: Call) -> Query:
    flags = call.flags
    return replace(
        Query.typed(call),
        all_namespaces=flags.on("all-namespaces"),
        labels=flags.text("selector"),
        empty_selector=True,
        chunk=flags.number("chunk-size"),
    )


def _described(call: Call, target: Target, *, events: bool) -> str:
    """The description of an object as the server has it now.

    `events` is what holds for events where the command line says nothing.
    """
    flags = call.flags
    document = call.client.get(target.kind, target.name, target.namespace)
    return describe_object(
        Subject(
            call.client,
            target.kind,
            document,
            call.io.now(),
            show_events=flags.on("show-events") if flags.given("show-events") else events,
            chunk=flags.number("chunk-size"),
        )
    )


def _describe_by_prefix(call: Call, error: NotFound) -> None:
    """Describe what begins with the typed name; raises the error if nothing does."""
    kind, prefix = call.arguments
    query = Query(
        call,
        namespace=call.namespace,
        arguments=(kind,),
        files=False,
        empty_selector=True,
        one_type=True,
        chunk=call.flags.number("chunk-size"),
    )
    targets = select(query).targets_or_raise(go_on=False)
    matching = [target for target in targets if target.name.startswith(prefix)]
    if not matching:
        raise error
    for target in matching:
        call.out(f"{_described(call, target, events=False)}\n")
