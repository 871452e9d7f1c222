"""`kubectl create` of small kinds: namespace, serviceaccount, quota, ingress, token and more."""

from __future__ import annotations

import re

from minik8s.errors import ApiError
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure, Unreachable
from minik8s.kubectl.generate import begin, without_empty
from minik8s.kubectl.gotext import format_duration
from minik8s.kubectl.quantities import canonical
from minik8s.kubectl.selectortext import parse_label_selector
from minik8s.model.metadata import Document
from minik8s.model.registry import SERVICE_ACCOUNT


def namespace(call: Call) -> None:
    """Create a namespace."""
    creation = begin(call)
    creation.create(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": creation.metadata(namespaced=False),
            "spec": {},
            "status": {},
        }
    )


def serviceaccount(call: Call) -> None:
    """Create a service account."""
    creation = begin(call)
    creation.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": creation.metadata()},
        "failed to create serviceaccount:",
    )


def quota(call: Call) -> None:
    """Create a resource quota."""
    creation = begin(call)
    hard = _hard(call.flags.text("hard"))
    scopes = call.flags.text("scopes").split(",") if call.flags.text("scopes") else []
    if "" in scopes:
        raise Failure('invalid resource quota scope ""')
    creation.create(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": creation.metadata(),
            "spec": without_empty(hard=hard, scopes=scopes),
            "status": {},
        },
        "failed to create quota:",
    )


def _hard(text: str) -> dict[str, str]:
    hard = {}
    for statement in text.split(",") if text else ():
        if statement.count("=") != 1:
            raise Failure(f"Invalid argument syntax {statement}, expected <resource>=<value>")
        name, _, value = statement.partition("=")
        try:
            hard[name] = canonical(value)
        except ValueError as error:
            raise Failure(str(error)) from None
    return dict(sorted(hard.items()))


# -- ingress

_RULE = re.compile(
    r"(?P<host>[\w\*\-\.]*)(?P<path>/.*)=(?P<svcname>[\w\-]+):(?P<svcport>[\w\-]+)"
    r"(,(?P<istls>tls=?(?P<secretname>[\w\-]+)?))?"
)


def ingress(call: Call) -> None:
    """Create an ingress."""
    creation = begin(call)
    flags = call.flags
    rules, default = flags.items("rule"), flags.text("default-backend")
    _check_ingress(rules, default, flags.items("annotation"))
    annotations = dict(item.split("=", 1) for item in flags.items("annotation"))
    spec = without_empty(
        ingressClassName=flags.text("class"),
        defaultBackend=_backend(default) if default else None,
        tls=_tls(rules),
        rules=_rules(rules),
    )
    creation.create(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": creation.metadata(annotations=dict(sorted(annotations.items()))),
            "spec": spec,
            "status": {"loadBalancer": {}},
        },
        "failed to create ingress:",
    )


def _check_ingress(rules: list[str], default: str, annotations: list[str]) -> None:
    if not (rules or default):
        raise Failure(
            "not enough information provided: every ingress has to either specify a "
            "default-backend (which catches all traffic) or a list of rules (which catch specific "
            "paths)"
        )
    for rule in rules:
        if _RULE.match(rule) is None:
            raise Failure(
                f"rule {rule} is invalid and should be in format "
                "host/path=svcname:svcport[,tls[=secret]]"
            )
    for annotation in annotations:
        if "=" not in annotation:
            raise Failure(f"annotation {annotation} is invalid and should be in format key=[value]")
    if default and default.count(":") != 1:
        raise Failure("default-backend should be in format servicename:serviceport")


def _backend(service: str) -> Document:
    name, port = service.split(":")[:2]
    where: Document = {"number": int(port)} if port.isdigit() else {"name": port}
    return {"service": {"name": name, "port": where}}


def _tls(rules: list[str]) -> list[Document]:
    entries: list[Document] = []
    seen: set[str] = set()
    for rule in rules:
        parts = rule.split(",")
        host = rule.split("/", 1)[0]
        if len(parts) != 2 or host in seen:
            continue
        seen.add(host)
        secret = parts[1].partition("=")[2]
        same = [entry for entry in entries if entry.get("secretName", "") == secret]
        if same:
            same[0].setdefault("hosts", []).append(host)
        elif host or secret:
            entries.append(without_empty(hosts=[host] if host else [], secretName=secret))
    return entries


def _rules(rules: list[str]) -> list[Document]:
    made: list[Document] = []
    for rule in rules:
        host, path = rule.split(",")[0].split("/", 1)
        where, service = path.split("=")[:2]
        where = "/" + where
        prefix = where.endswith("*")
        entry = {
            "path": where[:-1] if prefix else where,
            "pathType": "Prefix" if prefix else "Exact",
            "backend": _backend(service),
        }
        same = [one for one in made if one.get("host", "") == host]
        if same:
            same[0]["http"]["paths"].append(entry)
        else:
            made.append({**without_empty(host=host), "http": {"paths": [entry]}})
    return made


# -- the rest

_AMOUNT = re.compile(r"[0-9]+%?")


def poddisruptionbudget(call: Call) -> None:
    """Create a pod disruption budget."""
    creation = begin(call)
    flags = call.flags
    least, most = flags.text("min-available"), flags.text("max-unavailable")
    if not flags.text("selector"):
        raise Failure("a selector must be specified")
    if not (least or most):
        raise Failure("one of min-available or max-unavailable must be specified")
    if least and most:
        raise Failure("min-available and max-unavailable cannot be both specified")
    for name, value in (("min-available", least), ("max-unavailable", most)):
        if value and _AMOUNT.fullmatch(value) is None:
            raise Failure(f"invalid format specified for {name}")
    spec: Document = {}
    if least:
        spec["minAvailable"] = int(least) if least.isdigit() else least
    spec["selector"] = parse_label_selector(flags.text("selector"))
    if most:
        spec["maxUnavailable"] = int(most) if most.isdigit() else most
    status = dict.fromkeys(
        ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"), 0
    )
    creation.create(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": creation.metadata(),
            "spec": spec,
            "status": status,
        },
        "failed to create poddisruptionbudgets:",
    )


def priorityclass(call: Call) -> None:
    """Create a priority class."""
    creation = begin(call)
    flags = call.flags
    document: Document = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": creation.metadata(namespaced=False),
        "value": flags.number("value"),
        **without_empty(
            globalDefault=flags.on("global-default"), description=flags.text("description")
        ),
        "preemptionPolicy": flags.text("preemption-policy"),
    }
    if not flags.on("global-default"):
        document.pop("globalDefault", None)
    creation.create(document, "failed to create priorityclass:")


def token(call: Call) -> None:
    """Ask for a service account's token."""
    if len(call.arguments) != 1:
        raise call.usage(f"exactly one NAME is required, got {len(call.arguments)}")
    flags = call.flags
    seconds = flags.seconds("duration")
    if seconds < 0:
        raise Failure(f"--duration must be greater than or equal to 0: {format_duration(seconds)}")
    spec: Document = {"audiences": flags.items("audience") or None}
    if seconds:
        spec["expirationSeconds"] = int(seconds)
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "metadata": {},
        "spec": spec,
    }
    name = call.arguments[0]
    try:
        client = call.client
    except Unreachable as error:
        path = f"{SERVICE_ACCOUNT.path(call.namespace, name)}/token"
        raise Failure(f"failed to create token: {error.asked('Post', path)}") from None
    try:
        answer = client.create(SERVICE_ACCOUNT, request, call.namespace, name=name, sub="token")
    except ApiError as error:
        raise Failure(f"failed to create token: {error.message}") from None
    issued = str((answer.get("status") or {}).get("token") or "")
    if not issued:
        raise Failure("failed to create token: no token in server response")
    call.out(issued + "\n")
