"""`kubectl get`."""

from __future__ import annotations

from minik8s.errors import NotFound
from minik8s.kubectl.call import Call
from minik8s.kubectl.customcolumns import FORMATS as COLUMN_FORMATS
from minik8s.kubectl.customcolumns import columns_printer, print_columns
from minik8s.kubectl.failures import Failure, errors_in, raise_all
from minik8s.kubectl.output import FORMATS, NoPrinter, Printer, format_printer, name_printer
from minik8s.kubectl.rawrequests import raw_get
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Selection, Target
from minik8s.kubectl.sorting import Unsorted, sort_objects, sort_rows
from minik8s.kubectl.tables import TableOptions, TablePrinter
from minik8s.kubectl.tabwriter import table_writer
from minik8s.kubectl.watching import watch
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind


def run(call: Call) -> int | None:
    """List objects, or one."""
    flags = call.flags
    if flags.text("raw"):
        _check_raw(call)
        raw_get(call, flags.text("raw"))
        return None
    watches = flags.on("watch") or flags.on("watch-only")
    if watches and flags.text("sort-by"):
        only = "--watch-only requested, --sort-by will be ignored"
        both = "--watch requested, --sort-by will be ignored for watch events received"
        call.err(f"warning: {both if flags.on('watch') else only}\n")
    named = flags.items("filename") or flags.text("kustomize")
    if not watches and not call.arguments and not named:
        _complain(call)
    _validate(call)
    if watches:
        return watch(call, query(call), object_printer(call), table_printer_for(call))
    selection = select(query(call))
    try:
        if not is_table(call):
            _print_objects(call, selection)
        else:
            _print_tables(call, selection)
    except Unsorted as error:
        call.log(str(error), error.place, "F")
        return 1
    return None


def _complain(call: Call) -> None:
    call.err(
        'You must specify the type of resource to get. Use "kubectl api-resources" for a complete '
        "list of supported resources.\n\n"
    )
    raise call.usage(
        'Required resource not specified.\nUse "kubectl explain <resource>" for a detailed '
        "description of that resource (e.g. kubectl explain pods)."
    )


def _check_raw(call: Call) -> None:
    flags = call.flags
    if call.arguments:
        raise Failure("arguments may not be passed when --raw is specified")
    if flags.on("watch") or flags.on("watch-only") or flags.text("selector"):
        raise Failure(
            "--raw may not be specified with other flags that filter the server request or alter "
            "the output"
        )
    if flags.text("output"):
        raise Failure("--raw and --output are mutually exclusive")


def _validate(call: Call) -> None:
    flags, output = call.flags, call.flags.text("output")
    if flags.on("show-labels") and output not in ("", "wide"):
        raise Failure(f"--show-labels option cannot be used with {output} printer")
    if flags.items("label-columns") and output.startswith("custom-columns"):
        raise Failure(f"--label-columns option cannot be used with {output} printer")
    if flags.on("output-watch-events") and not (flags.on("watch") or flags.on("watch-only")):
        raise Failure("--output-watch-events option can only be used with --watch or --watch-only")


def is_table(call: Call) -> bool:
    """Whether the answer is printed as a table for people."""
    output = call.flags.text("output")
    return output == "wide" or not (output or call.flags.text("template"))


def query(call: Call) -> Query:
    """What the command line asks for."""
    flags = call.flags
    table = is_table(call) and flags.on("server-print")
    sorts = bool(flags.text("sort-by"))
    return Query(
        call,
        namespace=call.namespace,
        arguments=tuple(call.arguments),
        enforce_namespace=call.namespace_given and not flags.on("all-namespaces"),
        all_namespaces=flags.on("all-namespaces"),
        labels=flags.text("selector"),
        fields=flags.text("field-selector"),
        empty_selector=True,
        latest=True,
        table=table,
        subresource=flags.text("subresource"),
        chunk=0 if sorts else flags.number("chunk-size"),
        include="Object" if table and sorts else "",
    )


# -- whole objects


def object_printer(call: Call) -> Printer | None:
    """The printer that `-o` asks for; None for tables. Raises Failure for an unknown format."""
    if is_table(call):
        return None
    output = call.flags.text("output") or "go-template"
    columns = columns_printer(call, output)
    if columns is not None:
        return lambda document: print_columns(call, columns, document)
    printer = name_printer(call) if output == "name" else format_printer(call, output)
    if printer is None:
        raise NoPrinter(output, (*FORMATS, *COLUMN_FORMATS, "wide"))
    return printer


def _print_objects(call: Call, selection: Selection) -> None:
    targets, error = selection.targets()
    errors = _unless_ignored(call, error)
    if errors and selection.single:
        raise_all(errors)
    if targets or not call.flags.on("ignore-not-found"):
        printer = object_printer(call)
        assert printer is not None
        printer(_one_or_list(call, selection, targets))
    raise_all(errors)


def _unless_ignored(call: Call, error: Exception | None) -> list[Exception]:
    errors = errors_in(error)
    if call.flags.on("ignore-not-found"):
        return [each for each in errors if not isinstance(each, NotFound)]
    return errors


def _one_or_list(call: Call, selection: Selection, targets: list[Target]) -> Document:
    if selection.single and len(targets) == 1:
        return targets[0].object
    items = [target.object for target in targets]
    if call.flags.text("sort-by"):
        items = sort_objects(items, call.flags.text("sort-by"))
    return {
        "apiVersion": "v1",
        "kind": "List",
        "metadata": {"resourceVersion": ""},
        "items": items,
    }


# -- tables


def table_options(call: Call, kind: Kind | None, *, with_kind: bool) -> TableOptions:
    """What the flags uncover of a table."""
    flags = call.flags
    prefix = ""
    if kind is not None and (with_kind or flags.on("show-kind")):
        prefix = f"{kind.kind}.{kind.group}".lower().rstrip(".")
    namespaced = kind is None or kind.namespaced
    return TableOptions(
        kind=prefix,
        headers=not flags.on("no-headers"),
        wide=flags.text("output") == "wide",
        namespaces=flags.on("all-namespaces") and namespaced,
        label_columns=flags.items("label-columns"),
        labels=flags.on("show-labels"),
    )


def table_printer_for(call: Call) -> TablePrinter:
    """The printer of a watch's tables."""
    return TablePrinter(table_options(call, None, with_kind=False), call.io.now())


def _print_tables(call: Call, selection: Selection) -> None:
    targets, error = selection.targets()
    errors = _unless_ignored(call, error)
    field = call.flags.text("sort-by")
    with_kind = len({(target.kind.group, target.kind.kind) for target in targets}) > 1
    written = [0]
    separate = [False]

    def write(text: str) -> None:
        if separate[0]:
            call.out("\n")
            separate[0] = False
        written[0] += len(text)
        call.out(text)

    out = table_writer(write)
    printer: TablePrinter | None = None
    last: Kind | None = None
    for target in _sorted(targets, field):
        if printer is None or last != target.kind:
            out.flush()
            out.forget()
            separate[0] = last is not None and not call.flags.on("no-headers") and written[0] > 0
            options = table_options(call, target.kind, with_kind=with_kind)
            printer, last = TablePrinter(options, call.io.now()), target.kind
        document = _with_sorted_rows(target.object, field)
        if document is not None:
            printer.print(document, out)
    out.flush()
    if not written[0] and not errors and not call.flags.on("ignore-not-found"):
        _say_nothing_found(call, targets, selection)
    raise_all(errors)


def _sorted(targets: list[Target], field: str) -> list[Target]:
    """Answers of the server in the order of a field of theirs, if there are several."""
    if not field or len(targets) < 2:
        return targets
    order = sort_objects([target.object for target in targets], field)
    by_identity = {id(target.object): target for target in targets}
    return [by_identity[id(document)] for document in order]


def _with_sorted_rows(document: Document, field: str) -> Document | None:
    """A table in the order of a field; None if it has no such order, which kubectl passes over."""
    if not field or document.get("kind") != "Table":
        return document
    try:
        return {**document, "rows": sort_rows(document.get("rows") or [], field)}
    except Failure:
        return None


def _say_nothing_found(call: Call, targets: list[Target], selection: Selection) -> None:
    kinds = [target.kind for target in targets] or selection.kinds
    namespaced = all(kind.namespaced for kind in kinds) and not call.flags.on("all-namespaces")
    if namespaced:
        call.err(f"No resources found in {call.namespace} namespace.\n")
    else:
        call.err("No resources found\n")
