"""`kubectl run`: a pod from flags, perhaps with a terminal in it."""

from __future__ import annotations

import re
from collections.abc import Callable

from minik8s.errors import ApiError, NotFound
from minik8s.kubectl.call import Call, DryRun
from minik8s.kubectl.commands.attach import attach
from minik8s.kubectl.commands.delete import Deletion, propagation
from minik8s.kubectl.failures import COLLECTED, Exit, Failure, raise_all
from minik8s.kubectl.generate import make, without_empty
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.overrides import overridden
from minik8s.kubectl.pairs import parse_pairs
from minik8s.kubectl.pods import chosen_container, running_timeout
from minik8s.kubectl.selection import Target
from minik8s.kubectl.waiting import wait_until
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.registry import POD, SERVICE
from minik8s.model.workloads import is_ready, is_terminal, pod_phase

_RESTARTS = ("Always", "OnFailure", "Never")
_PULLS = ("Always", "IfNotPresent", "Never")
VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
"""An environment variable's name (apimachinery's IsEnvVarName)."""
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_IMAGE = re.compile(
    rf"(?:(?:{_HOST}(?:\.{_HOST})*|\[[0-9a-fA-F:]+\])(?::\d+)?/)?{_PART}(?:/{_PART})*"
    r"(?::\w[\w.-]{0,127})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
"""An image's name, tag and digest (github.com/distribution/reference)."""


def run(call: Call) -> int | None:
    """Create a pod, and attach to it if that is wanted."""
    flags = call.flags
    annotations, _ = parse_pairs(flags.items("annotations"), "annotations", removable=False)
    labels = parse_labels(flags.text("labels")) if flags.text("labels") else {}
    environment = _environment(flags.items("env"))
    restart = _restart_policy(call)
    _check_word(flags.text("image-pull-policy"), "image pull policy", _PULLS)
    timeout = running_timeout(call)
    dry_run = call.dry_run()
    printer = object_printer(call, "created", dry_run)
    attached = flags.on("attach") if flags.given("attach") else flags.on("stdin")
    _validate(call, dry_run, attached=attached)
    pod = _pod(call, labels, annotations, environment, restart)
    made = [make(call, overridden(call, POD, pod), dry_run)]
    problems: list[Exception] = []
    if flags.on("expose"):
        try:
            made.append(make(call, _service(call, labels), dry_run))
        except COLLECTED as error:
            problems.append(error)
    if attached:
        try:
            return _attached(call, made[0], restart, timeout)
        finally:
            if flags.on("rm"):
                _remove(call, made)
    for document in made:
        printer(document)
    raise_all(problems)
    return None


def parse_labels(text: str) -> dict[str, str]:
    """Labels written as `a=b,c=d`; raises Failure."""
    labels: dict[str, str] = {}
    for pair in text.split(","):
        parts = pair.split("=")
        if len(parts) != 2:
            raise Failure(f"unexpected label spec: {pair}")
        if not parts[0]:
            raise Failure("unexpected empty label key")
        labels[parts[0]] = parts[1]
    return labels


def _environment(pairs: list[str]) -> list[Document]:
    environment = []
    for pair in pairs:
        name, found, value = pair.partition("=")
        if not found or not VARIABLE.fullmatch(name) or name.startswith(".."):
            raise Failure(f"invalid env: {pair}")
        environment.append(without_empty(name=name, value=value))
    return environment


def _restart_policy(call: Call) -> str:
    policy = call.flags.text("restart")
    if not policy:
        return "OnFailure" if call.flags.on("stdin") else "Always"
    _check_word(policy, "restart policy", _RESTARTS)
    return policy


def _check_word(word: str, what: str, words: tuple[str, ...]) -> None:
    if word and word not in words:
        raise Failure(f"invalid {what}: {word}, valid values are: {', '.join(words)}")


def _validate(call: Call, dry_run: DryRun, *, attached: bool) -> None:
    flags = call.flags
    image, port = flags.text("image"), flags.text("port")
    if not call.arguments or flags.dash == 0:
        raise Failure("NAME is required for run")
    if not image:
        raise Failure("--image is required")
    if not _IMAGE.fullmatch(image):
        raise Failure(f"invalid image name {quote(image)}: invalid reference format")
    rules = (
        (
            flags.on("tty") and not flags.on("stdin"),
            "-i/--stdin is required for containers with -t/--tty=true",
        ),
        (flags.on("expose") and not port, "--port must be set when exposing a service"),
        (port and not re.fullmatch(r"[+-]?\d+", port), "--port must be a number"),
        (
            not attached and flags.on("rm"),
            "--rm should only be used for attached containers",
        ),
        (
            attached and dry_run is not DryRun.NONE,
            "--dry-run=[server|client] can't be used with attached containers options "
            "(--attach, --stdin, or --tty)",
        ),
    )
    for broken, text in rules:
        if broken:
            raise Failure(text)


# -- what is made


def _pod(
    call: Call,
    labels: dict[str, str],
    annotations: dict[str, str],
    environment: list[Document],
    restart: str,
) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(call, labels or {"run": call.arguments[0]}, annotations),
        "spec": {
            "containers": [_container(call, environment)],
            "dnsPolicy": "ClusterFirst",
            "restartPolicy": restart,
        },
        "status": {},
    }


def _container(call: Call, environment: list[Document]) -> Document:
    flags = call.flags
    name, arguments = call.arguments[0], call.arguments[1:]
    stdin = flags.on("stdin")
    return {
        "name": name,
        "image": flags.text("image"),
        **without_empty(
            command=arguments if flags.on("command") else [],
            args=[] if flags.on("command") else arguments,
            ports=[{"containerPort": int(flags.text("port"))}] if flags.text("port") else [],
            env=environment,
            imagePullPolicy=flags.text("image-pull-policy"),
            securityContext={"privileged": True} if flags.on("privileged") else {},
        ),
        **{
            field: True
            for field, on in (
                ("stdin", stdin),
                ("stdinOnce", stdin and not flags.on("leave-stdin-open")),
                ("tty", flags.on("tty")),
            )
            if on
        },
        "resources": {},
    }


def _metadata(call: Call, labels: dict[str, str], annotations: dict[str, str]) -> Document:
    namespace = call.namespace if call.namespace_given else ""
    return {
        "name": call.arguments[0],
        **without_empty(namespace=namespace, labels=labels, annotations=annotations),
    }


def _service(call: Call, labels: dict[str, str]) -> Document:
    port = int(call.flags.text("port"))
    return {
        "apiVersion": "v1",
        "kind": "Service",
        # The service gets the labels that the person gave, the pod others if there are none.
        "metadata": _metadata(call, labels, {}),
        "spec": {
            "ports": [{"port": port, "protocol": "TCP", "targetPort": port}],
            "selector": labels or {"run": call.arguments[0]},
        },
        "status": {"loadBalancer": {}},
    }


# -- attaching


def _attached(call: Call, pod: Document, restart: str, timeout: float) -> int | None:
    """Attach to the pod once it runs; its program's exit code if it is not started again."""
    _attach(call, _wait(call, pod, timeout, _can_be_attached))
    if call.flags.on("leave-stdin-open") or restart == "Always":
        return None
    ended = _wait(call, pod, timeout, is_terminal if restart == "Never" else _has_succeeded)
    title = f"pod {namespace_of(ended)}/{name_of(ended)}"
    if _has_succeeded(ended):
        return None
    statuses = (ended.get("status") or {}).get("containerStatuses") or [{}]
    terminated = (statuses[0].get("state") or {}).get("terminated") or {}
    code = terminated.get("exitCode", 0)
    if not code:
        raise Failure(f"{title} failed with unknown exit code")
    reason, message = terminated.get("reason", ""), terminated.get("message", "")
    raise Exit(code, f"{title} terminated ({reason})\n{message}")


def _can_be_attached(pod: Document) -> bool:
    return is_terminal(pod) or is_ready(pod)


def _has_succeeded(pod: Document) -> bool:
    return pod_phase(pod) == "Succeeded"


def _wait(call: Call, pod: Document, timeout: float, done: Callable[[Document], bool]) -> Document:
    """The pod, once something holds for it; raises Failure at the timeout."""
    name, namespace = name_of(pod), namespace_of(pod)
    found: list[Document] = []

    def look() -> bool:
        found.append(call.client.get(POD, name, namespace))
        return done(found[-1])

    try:
        if not wait_until(call.client, timeout, look):
            raise Failure("timed out waiting for the condition")
    except NotFound:
        raise NotFound.resource(POD.plural, POD.group, "") from None
    return found[-1]


def _attach(call: Call, pod: Document) -> None:
    name, namespace = name_of(pod), namespace_of(pod)
    container = chosen_container(call, pod, "", quiet=call.flags.on("quiet"))["name"]
    said = call.client.logs(name, container, namespace)
    if is_terminal(pod):
        call.out(said)
        return
    if said.endswith(" \n"):
        said = said[:-1]  # a prompt, whose line has not ended; a log knows whole lines only
    try:
        attach(call, pod, command="kubectl attach", said=said)
    except (ApiError, Failure) as error:
        call.err(
            f"warning: couldn't attach to pod/{name}, falling back to streaming logs: {error}\n"
        )
        call.out(call.client.logs(name, container, namespace))


def _remove(call: Call, made: list[Document]) -> None:
    deletion = Deletion(
        call,
        policy=propagation(call),
        wait=False,
        ignore_not_found=True,
        quiet=call.flags.on("quiet"),
    )
    kinds = {"Pod": POD, "Service": SERVICE}
    for document in made:
        target = Target(kinds[document["kind"]], namespace_of(document), name_of(document))
        try:
            deletion.delete(target)
        except NotFound:
            continue
