"""`kubectl auth`: may I, what may I, who am I."""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.apiserver.accessrules import Rule, compacted
from minik8s.client import Client
from minik8s.errors import Forbidden
from minik8s.kubectl.call import Call
from minik8s.kubectl.commands.helping import require_subcommand
from minik8s.kubectl.failures import Failure, NoSuchResource, Unreachable
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.resources import kind_named
from minik8s.kubectl.structs import typed
from minik8s.kubectl.tabwriter import table_writer
from minik8s.kubectl.unreachable import complain
from minik8s.model.metadata import Document

_VERBS = frozenset(
    (
        *("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"),
        *("use", "bind", "impersonate", "*", "approve", "sign", "escalate", "attest"),
    )
)
_PATH_VERBS = frozenset(("get", "put", "post", "head", "options", "delete", "patch", "*"))
_UNDISCOVERED = ("users", "groups")
"""Resources that no discovery tells of, and that roles name all the same."""

_ACCESS = "/apis/authorization.k8s.io/v1"
_IDENTITY = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def run(call: Call) -> int:
    """Tell which subcommands there are."""
    return require_subcommand(call)


# -- can-i


def can_i(call: Call) -> int:
    """Ask whether something is allowed; 1 if it is not."""
    if call.flags.on("list"):
        _list(call)
        return 0
    spec = _question(call)
    if call.flags.on("no-headers"):
        raise Failure("--no-headers cannot be set without --list specified")
    status = _ask(call.client, "selfsubjectaccessreviews", "SelfSubjectAccessReview", spec)
    allowed = bool(status.get("allowed"))
    if not call.flags.on("quiet"):
        why = [] if allowed else [status.get("reason"), status.get("evaluationError")]
        call.out(" - ".join(["yes" if allowed else "no", *filter(None, why)]) + "\n")
    return 0 if allowed else 1


def _question(call: Call) -> Document:
    """What is asked, as the spec of a review."""
    if len(call.arguments) != 2:
        raise Failure(
            "you must specify two arguments: verb resource or verb resource/resourceName.\n"
            "See 'kubectl auth can-i -h' for help and examples."
        )
    verb, what = call.arguments
    subresource = call.flags.text("subresource")
    if what.startswith("/"):
        if subresource:
            raise Failure("--subresource can not be used with NonResourceURL")
        _warn_verb(call, verb, _PATH_VERBS)
        return {"nonResourceAttributes": {"path": what, "verb": verb}}
    named, _, name = what.partition("/")
    everywhere = call.flags.on("all-namespaces")
    resource, group = _resource(call, named)
    if not everywhere:
        _warn_verb(call, verb, _VERBS)
    attributes = {
        "namespace": "" if everywhere else call.namespace,
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
        "name": name,
    }
    return {"resourceAttributes": {key: value for key, value in attributes.items() if value}}


def _resource(call: Call, named: str) -> tuple[str, str]:
    """The resource that is meant and its group; warns of one that lies in no namespace."""
    if named == "*":
        return named, ""
    try:
        kind = kind_named(call.client, named.lower())
    except Unreachable as error:
        complain(call, error, 2)
        _warn_of_missing(call, named.lower())
        return named, ""
    except NoSuchResource:
        if named.lower() not in _UNDISCOVERED:
            _warn_of_missing(call, named.lower())
        return named, ""
    if not kind.namespaced and not call.flags.on("all-namespaces"):
        where = f" in group '{kind.group}'" if kind.group else ""
        _warn(call, f"resource '{kind.plural}' is not namespace scoped{where}")
    return kind.plural, kind.group


def _warn_of_missing(call: Call, resource: str) -> None:
    plural, _, group = resource.partition(".")
    where = f" in group '{group}'" if group else ""
    _warn(call, f"the server doesn't have a resource type '{plural}'{where}")


def _warn_verb(call: Call, verb: str, known: frozenset[str]) -> None:
    if verb not in known:
        _warn(call, f"verb '{verb}' is not a known verb")


def _warn(call: Call, text: str) -> None:
    call.warning_line(f"{text}\n")


def _ask(client: Client, resource: str, kind: str, spec: Document) -> Document:
    """The status of a review."""
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    answer = client.request("POST", f"{_ACCESS}/{resource}", body=body).body
    assert isinstance(answer, dict)
    status: Document = answer["status"]
    return status


# -- can-i --list


def _list(call: Call) -> None:
    flags = call.flags
    if call.arguments:
        raise Failure("list option must be specified with no arguments")
    if flags.on("quiet") or flags.on("all-namespaces") or flags.text("subresource"):
        raise Failure(
            "list option can't be specified with neither quiet, all-namespaces nor subresource "
            "options"
        )
    spec = {"namespace": call.namespace}
    status = _ask(call.client, "selfsubjectrulesreviews", "SelfSubjectRulesReview", spec)
    if status.get("incomplete"):
        call.warning_line(f"the list may be incomplete: {status.get('evaluationError', '')}")
    writer = table_writer(call.out)
    if not flags.on("no-headers"):
        writer.write("Resources\tNon-Resource URLs\tResource Names\tVerbs\n")
    for rule in sorted(compacted(_simple_rules(status)), key=_order):
        cells = (rule.paths, rule.names, rule.verbs)
        writer.write("\t".join([_resource_cell(rule), *map(_go_list, cells)]) + "\n")
    writer.flush()


def _simple_rules(status: Document) -> Iterable[Rule]:
    for part in ("resourceRules", "nonResourceRules"):
        for written in status.get(part) or ():
            yield from Rule.of(written).simple()


def _order(rule: Rule) -> str:
    """The text of a rule by which kubectl sorts (PolicyRule.String)."""
    fields = {
        "Verbs": rule.verbs,
        "APIGroups": rule.groups,
        "Resources": rule.resources,
        "ResourceNames": rule.names,
        "NonResourceURLs": rule.paths,
    }
    return "".join(f"{name}:{_go_list(words)}," for name, words in fields.items())


def _go_list(words: Iterable[str]) -> str:
    return f"[{' '.join(words)}]"


def _resource_cell(rule: Rule) -> str:
    """`deployments.apps/scale`: the group stands before the subresource."""
    if not rule.resources:
        return ""
    resource, slash, subresource = rule.resources[0].partition("/")
    group = f".{rule.groups[0]}" if rule.groups and rule.groups[0] else ""
    return f"{resource}{group}{slash}{subresource}"


# -- whoami


def whoami(call: Call) -> None:
    """Show who the server takes one for."""
    printer = None
    if call.flags.given("output") or call.flags.text("template"):
        printer = object_printer(call)
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = call.client.request("POST", _IDENTITY, body=body).body
    except Forbidden:
        raise Failure(
            "the selfsubjectreviews API is not enabled in the cluster or you do not have "
            "permission to call it"
        ) from None
    assert isinstance(answer, dict)
    if printer is not None:
        printer(typed(answer))
        return
    user = answer["status"]["userInfo"]
    rows = [("ATTRIBUTE", "VALUE")]
    rows += [(word, user[field]) for word, field in _ATTRIBUTES if user.get(field)]
    if user.get("groups"):
        rows.append(("Groups", _go_list(user["groups"])))
    extra = user.get("extra") or {}
    rows += [(f"Extra: {key}", _go_list(extra[key])) for key in sorted(extra)]
    writer = table_writer(call.out)
    for row in rows:
        writer.write("\t".join(row) + "\n")
    writer.flush()


_ATTRIBUTES = (("Username", "username"), ("UID", "uid"))
