"""What `-o` asks for: a printer for objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotemplate import GoTemplate, TemplateError
from minik8s.kubectl.gotext import canonical, compact_json, indented_json, quote
from minik8s.kubectl.govalue import go_syntax, go_value
from minik8s.kubectl.jsonpath import JSONPath, JSONPathError
from minik8s.kubectl.kyaml import kyaml_text
from minik8s.kubectl.structs import Typed
from minik8s.kubectl.yamlout import yaml_text
from minik8s.model.metadata import Document, name_of

Printer = Callable[[Document], None]

JSON_FORMATS = ("json", "yaml", "kyaml")
_JSONPATH = ("jsonpath", "jsonpath-as-json", "jsonpath-file")
_TEMPLATES = ("go-template", "go-template-file", "template", "templatefile")
FORMATS = (*JSON_FORMATS, "name", *_TEMPLATES, *_JSONPATH)


class NoPrinter(Failure):
    """An output format that nothing prints."""

    def __init__(self, output: str, formats: tuple[str, ...]) -> None:
        super().__init__(
            f"unable to match a printer suitable for the output format {quote(output)}, allowed "
            f"formats are: {','.join(sorted(formats))}"
        )


def object_printer(call: Call, operation: str = "", dry_run: DryRun = DryRun.NONE) -> Printer:
    """The printer for the result of a command that changes something.

    Without `-o` it says what was done: `pod/x created`.
    """
    output = call.flags.text("output")
    if not call.flags.given("output") and call.flags.text("template"):
        output = "go-template"
    if output in ("", "name"):
        return name_printer(call, "" if output else operation + dry_run.value)
    printer = format_printer(call, output)
    if printer is None:
        raise NoPrinter(output, FORMATS)
    return printer


def format_printer(call: Call, output: str) -> Printer | None:
    """The printer of a format that shows whole objects, or None."""
    if output.lower() in JSON_FORMATS:
        return _data_printer(call, output.lower())
    return template_printer(call, output)


def template_printer(call: Call, output: str) -> Printer | None:
    """The printer of a JSONPath or Go template, or None."""
    template = call.flags.text("template")
    for formats, make in ((_JSONPATH, _jsonpath_printer), (_TEMPLATES, _go_template_printer)):
        name, text = output, template
        if not template:
            name, _, text = output.partition("=")
        if name in formats:
            if not text:
                raise Failure("template format specified but no template given")
            return make(call, name, text)
    return None


def qualified_name(document: Document) -> str:
    """An object as messages name it: `deployment.apps/web`."""
    group = str(document.get("apiVersion", "")).rpartition("/")[0]
    kind = str(document.get("kind", "")).lower()
    return f"{kind}.{group}/{name_of(document)}" if group else f"{kind}/{name_of(document)}"


def name_printer(call: Call, operation: str = "") -> Printer:
    """Prints `pod/x`, or `pod/x created`."""

    def show(document: Document) -> None:
        for item in document["items"] if _is_list(document) else [document]:
            name = qualified_name(item) if name_of(item) else f"{qualified_name(item)}<unknown>"
            call.out(f"{name} {operation}\n" if operation else f"{name}\n")

    return show


def _is_list(document: Document) -> bool:
    return isinstance(document.get("items"), list) and str(document.get("kind")).endswith("List")


def without_managed_fields(document: Document) -> Document:
    """The document, or its items, without `metadata.managedFields`."""
    if _is_list(document):
        items = [without_managed_fields(item) for item in document["items"]]
        return type(document)({**document, "items": items})
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return document
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    return type(document)({**document, "metadata": kept})


def _data_printer(call: Call, output: str) -> Printer:
    keep = call.flags.on("show-managed-fields")
    printed: list[bool] = []

    def show(document: Document) -> None:
        document = document if keep else without_managed_fields(document)
        ordered: Any = document if isinstance(document, Typed) else canonical(document)
        if output == "json":
            call.out(indented_json(ordered) + "\n")
        elif output == "kyaml":
            call.out(kyaml_text(ordered))
        else:
            call.out(("---\n" if printed else "") + yaml_text(document))
        printed.append(True)

    return show


def read_argument(call: Call, path: str) -> str:
    """A template that stands in a file."""
    try:
        return call.io.read_file(path).decode()
    except (FileNotFoundError, IsADirectoryError) as error:
        why = "no such file or directory"
        if isinstance(error, IsADirectoryError):
            raise Failure(f"error reading --template {path}, read {path}: is a directory") from None
        raise Failure(f"error reading --template {path}, open {path}: {why}") from None


def _jsonpath_printer(call: Call, name: str, text: str) -> Printer:
    if name == "jsonpath-file":
        text = read_argument(call, text)
    try:
        path = JSONPath(text, allow_missing=call.flags.on("allow-missing-template-keys"))
    except JSONPathError as error:
        raise Failure(f"error parsing jsonpath {text}, {error}") from None

    def show(document: Document) -> None:
        data = _as_floats(document) if isinstance(document, Typed) else document
        try:
            call.out(path.render(data, as_json=name == "jsonpath-as-json"))
        except JSONPathError as error:
            raise Failure(
                f"error executing jsonpath {quote(text)}: Error executing template: {error}. "
                "Printing more information for debugging the template:\n\ttemplate was:\n\t\t"
                f"{text}\n\tobject given to jsonpath engine was:\n\t\t{go_syntax(data)}\n\n\n"
            ) from None

    return show


def _as_floats(value: Any) -> Any:
    """Numbers as encoding/json reads them back from a typed value."""
    if isinstance(value, dict):
        return {key: _as_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _go_template_printer(call: Call, name: str, text: str) -> Printer:
    if name in ("go-template-file", "templatefile"):
        text = read_argument(call, text)
    allow = call.flags.on("allow-missing-template-keys")
    try:
        template = GoTemplate(text, allow_missing=allow)
    except TemplateError as error:
        raise Failure(f"error parsing template {text}, {error}") from None

    def show(document: Document) -> None:
        out: list[str] = []
        try:
            template.render(document, out)
        except TemplateError as error:
            out.append(
                f"Error executing template: {error}. Printing more information for debugging the "
                f"template:\n\ttemplate was:\n\t\t{text}\n\traw data was:\n\t\t"
                f"{compact_json(document)}\n\tobject given to template engine was:\n\t\t"
                f"{go_value(document)}\n\n"
            )
            raise Failure(f"error executing template {quote(text)}: {error}") from None
        finally:
            call.out("".join(out))

    return show
