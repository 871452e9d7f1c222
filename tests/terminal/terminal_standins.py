"""Commands with which the recorded scripts were run in real bash, written anew."""

import json

_PODS = {
    "frontend": "frontend-6864ff68cc-7r2fc",
    "backend": "backend-69d87c4548-kx4sz",
    "monitoring": "monitoring-5d8b-zzzzz",
}
_TABLE = (
    "NAME                            READY   STATUS    RESTARTS   AGE\n"
    "pod/backend-69d87c4548-kx4sz    1/1     Running   0          8m18s\n"
    "pod/frontend-6864ff68cc-7r2fc   1/1     Running   0          8m18s\n"
)
_POLICIES = (
    "NAME                             POD-SELECTOR   AGE\n"
    "backend-ingress-deny             app=backend    1h\n"
)
NAMES = (
    "kubectl",
    "curl",
    "cilium",
    "hubble",
    "gcloud",
    "minikube",
    "sudo",
    "tar",
    "nslookup",
    "wget",
)


def _pod(number, name):
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "labels": {"app": name.split("-")[0]},
            "creationTimestamp": f"2021-03-0{number + 1}T10:00:00Z",
        },
        "status": {
            "podIP": f"10.0.0.{number + 7}",
            "phase": "Running",
            "containerStatuses": [{"name": "c", "ready": number != 1, "restartCount": number}],
        },
        "spec": {
            "nodeName": f"node-{number % 2}",
            "containers": [
                {"name": "c", "image": f"nginx:1.{number}", "ports": [{"containerPort": 8080}]}
            ],
        },
    }


def _pods(app):
    names = [_PODS[app]] if app in _PODS else list(_PODS.values())
    items = [_pod(number, name) for number, name in enumerate(names)]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=4) + "\n"


def answer(name, args, stdin):
    """(stdout, stderr, exit code) of one call."""
    if name == "kubectl":
        return _kubectl(list(args), stdin)
    if name == "curl":
        if "denied" in " ".join(args) or "--connect-timeout" in args:
            return "", "curl: (28) Connection timed out after 5001 milliseconds\n", 28
        return "HTTP/1.1 200 OK\r\nX-Powered-By: Express\r\n\r\n", "", 0
    if name == "nslookup":
        return f"Server:\t\t10.96.0.10\nName:\t{args[0]}\n", "", 0
    return f"{name} {' '.join(args)}\n", "", 0


def _kubectl(args, stdin):
    if "--" in args and "exec" in args[: args.index("--")]:
        return _exec(args[args.index("--") + 1 :], stdin)
    if "get" in args and "json" in " ".join(args):
        chosen = [arg.split("=")[1] for arg in args if arg.startswith("app=")]
        return _pods(chosen[0] if chosen else ""), "", 0
    if "get" in args and "networkpolicies" in args:
        return _POLICIES, "", 0
    if "get" in args and any("pods" in arg for arg in args):
        return _TABLE, "", 0
    if "-f" in args and args[args.index("-f") + 1] == "-":
        return _apply(stdin)
    if "missing" in args:
        return "", 'Error from server (NotFound): pods "missing" not found\n', 1
    return f"kubectl {' '.join(args)}\n", "", 0


def _exec(inner, stdin):
    if inner[0] not in ("curl", "wget", "nslookup"):
        return f"exec({inner[0]}):{' '.join(inner[1:])}\n", "", 0
    out, err, code = answer(inner[0], inner[1:], stdin)
    if code:
        err += f"command terminated with exit code {code}\n"
    return out, err, code


def _apply(stdin):
    kinds = [line.split(":")[1].strip() for line in stdin.splitlines() if line.startswith("kind:")]
    if not kinds:
        return "", "error: no objects passed to apply\n", 1
    size = len(stdin)
    return "".join(f"{kind.lower()} created ({size} bytes)\n" for kind in kinds), "", 0
