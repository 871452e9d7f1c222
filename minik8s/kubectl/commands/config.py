"""`kubectl config`: look at the kubeconfig and choose a context."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.commands import helping
from minik8s.kubectl.failures import Failure, raise_all
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.kubeconfig import config_path
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.structs import typed
from minik8s.kubectl.tabwriter import table_writer
from minik8s.model.metadata import Document

_COLUMNS = ("CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE")


def run(call: Call) -> int:
    """`kubectl config` alone: what it can do."""
    if call.arguments:
        raise call.usage(f"unknown command {quote(call.arguments[0])}")
    helping.show(call)
    return 1


def current_context(call: Call) -> None:
    """Print the current context."""
    if not call.io.contexts.current:
        raise Failure("current-context is not set")
    call.out(f"{call.io.contexts.current}\n")


def use_context(call: Call) -> int | None:
    """Choose the current context."""
    if len(call.arguments) != 1:
        return _unexpected(call)
    [name] = call.arguments
    if name not in call.io.contexts.contexts:
        raise Failure(f"no context exists with the name: {quote(name)}")
    call.io.contexts.use(name)
    call.out(f"Switched to context {quote(name)}.\n")
    return None


def get_contexts(call: Call) -> None:
    """List contexts, all of them or those named."""
    output = call.flags.text("output")
    if output not in ("", "name"):
        raise Failure(
            f"--output {output} is not available in kubectl config get-contexts; resetting to "
            "default output format"
        )
    contexts = call.io.contexts
    names = call.arguments or contexts.names()
    known = sorted(name for name in names if name in contexts.contexts)
    if output == "name":
        call.out("".join(f"{name}\n" for name in known))
    else:
        _context_table(call, known)
    raise_all([Failure(f"context {name} not found") for name in names if name not in known])


def _context_table(call: Call, names: list[str]) -> None:
    contexts = call.io.contexts
    out = table_writer(call.out)
    if not call.flags.on("no-headers"):
        out.write("\t".join(_COLUMNS) + "\n")
    for name in names:
        context = contexts.contexts[name]
        cells = (
            "*" if name == contexts.current else "",
            name,
            context.get("cluster", ""),
            context.get("user", ""),
            context.get("namespace", ""),
        )
        out.write("\t".join(cells) + "\n")
    out.flush()


def get_clusters(call: Call) -> None:
    """List the clusters."""
    _names(call, call.io.contexts.clusters)


def get_users(call: Call) -> None:
    """List the users."""
    _names(call, call.io.contexts.users)


def _names(call: Call, entries: dict[str, Document]) -> None:
    call.out("".join(f"{name}\n" for name in ("NAME", *sorted(entries))))


def rename_context(call: Call) -> int | None:
    """Give a context another name."""
    if len(call.arguments) != 2:
        return _unexpected(call)
    old, new = call.arguments
    contexts = call.io.contexts
    if old not in contexts.contexts:
        raise Failure(f"cannot rename the context {quote(old)}, it's not in {config_path(call)}")
    if new in contexts.contexts:
        raise Failure(
            f"cannot rename the context {quote(old)}, the context {quote(new)} already exists in "
            f"{config_path(call)}"
        )
    contexts.rename(old, new)
    call.out(f"Context {quote(old)} renamed to {quote(new)}.\n")
    return None


def delete_context(call: Call) -> None:
    """Forget a context."""
    _delete(call, "context", call.io.contexts.contexts)


def delete_cluster(call: Call) -> None:
    """Forget a cluster."""
    _delete(call, "cluster", call.io.contexts.clusters)


def delete_user(call: Call) -> None:
    """Forget a user."""
    _delete(call, "user", call.io.contexts.users)


def _delete(call: Call, what: str, entries: dict[str, Document]) -> None:
    if len(call.arguments) != 1:
        helping.show(call)
        return
    [name] = call.arguments
    if name not in entries:
        raise Failure(f"cannot delete {what} {name}, not in {config_path(call)}")
    if what == "context" and name == call.io.contexts.current:
        call.err(
            'warning: this removed your active context, use "kubectl config use-context" to '
            "select a different one\n"
        )
    del entries[name]
    call.out(f"deleted {what} {name} from {config_path(call)}\n")


def view(call: Call) -> None:
    """Print the kubeconfig, with its secrets left out unless asked for."""
    contexts = call.io.contexts
    minify = call.flags.on("minify")
    if minify:
        _check_minified(call)
    raw = call.flags.on("raw") or call.flags.on("flatten")
    object_printer(call)(typed(contexts.document(raw=raw, minify=minify)))


def _check_minified(call: Call) -> None:
    contexts = call.io.contexts
    if not contexts.current:
        raise Failure("current-context must exist in order to minify")
    context = contexts.contexts.get(contexts.current)
    if context is None:
        raise Failure(f"cannot locate context {contexts.current}")
    for what, entries in (("user", contexts.users), ("cluster", contexts.clusters)):
        name = context.get(what, "")
        if name and name not in entries:
            raise Failure(f"cannot locate {what} {name}")


def _unexpected(call: Call) -> int:
    """Too few or too many arguments: the help, and what was not expected."""
    helping.show(call)
    raise Failure(f"Unexpected args: [{' '.join(call.arguments)}]")
