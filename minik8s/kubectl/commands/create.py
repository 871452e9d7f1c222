"""`kubectl create -f`."""

from __future__ import annotations

from minik8s.errors import ApiError
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import Failure, add_source
from minik8s.kubectl.files import Source, sources
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.patches import with_last_applied
from minik8s.kubectl.rawrequests import raw_send
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Target
from minik8s.kubectl.yamlin import documents


def require_files(call: Call) -> None:
    """Complain unless `-f` or `-k` is given."""
    if not (call.flags.items("filename") or call.flags.text("kustomize")):
        raise Failure("must specify one of -f and -k")


def reject_arguments(call: Call) -> None:
    """Complain about arguments where none belong."""
    if call.arguments:
        raise call.usage(f"Unexpected args: [{' '.join(call.arguments)}]")


def run(call: Call) -> None:
    """Create what manifests say, object by object."""
    reject_arguments(call)
    dry_run = call.dry_run()
    validation = call.validation()
    printer = object_printer(call, "created", dry_run)
    require_files(call)
    if call.flags.text("raw"):
        _raw(call)
        return
    if call.flags.on("edit"):
        from minik8s.kubectl.commands.edit import edit_before_create

        edit_before_create(call)
        return
    options = call.options(dry_run, validation)
    created: list[Target] = []

    def create(target: Target) -> None:
        document = target.object
        if call.flags.on("save-config"):
            document = with_last_applied(document)
        if dry_run is not DryRun.CLIENT:
            try:
                document = call.client.create(target.kind, document, target.namespace, options)
            except ApiError as error:
                raise add_source("creating", target.source, error) from None
        created.append(target)
        printer(document)

    select(manifests(call, validate=validation != "Ignore")).visit(create)
    if not created:
        raise Failure("no objects passed to create")


def manifests(call: Call, *, validate: bool) -> Query:
    """The objects that `-f` names, in the namespace of the command."""
    flags = call.flags
    return Query(
        call,
        namespace=call.namespace,
        validate=validate,
        enforce_namespace=call.namespace_given,
        labels=flags.text("selector") if flags.knows("selector") else "",
    )


def _raw(call: Call) -> None:
    flags = call.flags
    if flags.on("edit"):
        raise Failure("--raw and --edit are mutually exclusive")
    if len(flags.items("filename")) != 1:
        raise Failure("--raw can only use a single local file or stdin")
    if flags.text("output"):
        raise Failure("--raw and --output are mutually exclusive")
    (source,) = sources(call)
    if not isinstance(source, Source):
        raise source
    raw_send(call, "POST", flags.text("raw"), next(iter(documents(source.content(call))), None))
