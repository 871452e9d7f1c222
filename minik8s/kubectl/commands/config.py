"""`kubectl config`: showing the kubeconfig, and moving between its contexts."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.commands.helping import require_subcommand, show
from minik8s.kubectl.failures import Failure, raise_all
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.structs import typed
from minik8s.kubectl.tabwriter import table_writer
from minik8s.model.metadata import Document


def run(call: Call) -> int:
    """`config` alone."""
    return require_subcommand(call)


def config_file(call: Call) -> str:
    """The kubeconfig's path, for messages."""
    flag = call.flags.text("kubeconfig") if call.flags.knows("kubeconfig") else ""
    home = call.io.env.get("HOME", "/root")
    return flag or call.io.env.get("KUBECONFIG", "") or f"{home}/.kube/config"


def unexpected(call: Call, word: str = "Unexpected") -> Failure:
    """The help, and a complaint about the arguments."""
    show(call)
    return Failure(f"{word} args: [{' '.join(call.arguments)}]")


def view(call: Call) -> None:
    """Show the kubeconfig."""
    flags = call.flags
    if call.arguments:
        raise call.usage(f"unexpected arguments: [{' '.join(call.arguments)}]")
    printer = object_printer(call)
    contexts = call.io.contexts
    current = contexts.current
    minify = flags.on("minify")
    if minify and flags.text("context"):
        current = flags.text("context")
    if minify and not current:
        raise Failure("current-context must exist in order to minify")
    if minify and current not in contexts.contexts:
        raise Failure(f"cannot locate context {current}")
    if minify:
        _check_whole(call, current)
    raw = flags.on("raw") or flags.on("flatten")
    before = contexts.current
    try:
        contexts.current = current
        document = contexts.document(raw=raw, minify=minify)
    finally:
        contexts.current = before
    printer(typed({**document, **{key: _entries(document, key) for key in _LISTS}}))


_LISTS: dict[str, tuple[str, Document]] = {
    "clusters": ("cluster", {"server": ""}),
    "users": ("user", {}),
    "contexts": ("context", {"cluster": "", "user": ""}),
}
"""The lists of the kubeconfig: what each entry holds, and the fields that are always there."""


def _entries(document: Document, key: str) -> list[Document] | None:
    word, least = _LISTS[key]
    entries = [{**entry, word: {**least, **entry[word]}} for entry in document[key]]
    return entries or None


def _check_whole(call: Call, name: str) -> None:
    """Complain about a context whose cluster or user is not there."""
    contexts = call.io.contexts
    context = contexts.contexts[name]
    for word, known in (("user", contexts.users), ("cluster", contexts.clusters)):
        if context.get(word) and context[word] not in known:
            raise Failure(f"cannot locate {word} {context[word]}")


def current_context(call: Call) -> None:
    """Print the name of the current context."""
    current = call.io.contexts.current
    if not current:
        raise Failure("current-context is not set")
    call.out(f"{current}\n")


def use_context(call: Call) -> None:
    """Make another context the current one."""
    if len(call.arguments) != 1:
        raise unexpected(call)
    (name,) = call.arguments
    if not name:
        raise Failure("empty context names are not allowed")
    try:
        call.io.contexts.use(name)
    except KeyError:
        raise Failure(f"no context exists with the name: {quote(name)}") from None
    call.out(f"Switched to context {quote(name)}.\n")


def get_contexts(call: Call) -> None:
    """List contexts."""
    output = call.flags.text("output")
    if output not in ("", "name"):
        raise Failure(
            f"--output {output} is not available in kubectl config get-contexts; resetting to "
            "default output format"
        )
    contexts = call.io.contexts
    wanted = call.arguments or contexts.names()
    errors = [
        Failure(f"context {name} not found") for name in wanted if name not in contexts.contexts
    ]
    out = table_writer(call.out)
    if not (output or call.flags.on("no-headers")):
        out.write("CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n")
    for name in sorted(name for name in wanted if name in contexts.contexts):
        context = contexts.contexts[name]
        cells = (context.get(key, "") for key in ("cluster", "user", "namespace"))
        mark = "*" if name == contexts.current else " "
        out.write(f"{name}\n" if output else "\t".join([mark, name, *cells]) + "\n")
    out.flush()
    raise_all(errors)


def get_clusters(call: Call) -> None:
    """List the names of the clusters."""
    call.out("".join(f"{name}\n" for name in ("NAME", *call.io.contexts.clusters)))


def get_users(call: Call) -> None:
    """List the names of the users."""
    call.out("".join(f"{name}\n" for name in ("NAME", *sorted(call.io.contexts.users))))


def rename_context(call: Call) -> None:
    """Give a context another name."""
    if len(call.arguments) != 2:
        raise unexpected(call)
    old, new = call.arguments
    if not new:
        raise Failure("You must specify a new non-empty context name")
    contexts, path = call.io.contexts, config_file(call)
    if old not in contexts.contexts:
        raise Failure(f"cannot rename the context {quote(old)}, it's not in {path}")
    if new in contexts.contexts:
        raise Failure(
            f"cannot rename the context {quote(old)}, the context {quote(new)} already exists in "
            f"{path}"
        )
    contexts.rename(old, new)
    call.out(f"Context {quote(old)} renamed to {quote(new)}.\n")


def delete_context(call: Call) -> None:
    """Forget a context."""
    if len(call.arguments) != 1:
        show(call)
        return
    (name,) = call.arguments
    contexts, path = call.io.contexts, config_file(call)
    if name not in contexts.contexts:
        raise Failure(f"cannot delete context {name}, not in {path}")
    if contexts.current == name:
        call.err(
            'warning: this removed your active context, use "kubectl config use-context" to '
            "select a different one\n"
        )
    contexts.remove(name)
    call.out(f"deleted context {name} from {path}\n")


def delete_cluster(call: Call) -> None:
    """Forget a cluster."""
    if len(call.arguments) != 1:
        show(call)
        return
    (name,) = call.arguments
    clusters, path = call.io.contexts.clusters, config_file(call)
    if name not in clusters:
        raise Failure(f"cannot delete cluster {name}, not in {path}")
    del clusters[name]
    call.out(f"deleted cluster {name} from {path}\n")


def delete_user(call: Call) -> None:
    """Forget a user."""
    if len(call.arguments) != 1:
        raise call.usage("user to delete is required")
    (name,) = call.arguments
    users, path = call.io.contexts.users, config_file(call)
    if name not in users:
        raise Failure(f"cannot delete user {name}, not in {path}")
    del users[name]
    call.out(f"deleted user {name} from {path}\n")
