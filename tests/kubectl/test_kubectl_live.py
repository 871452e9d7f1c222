"""Commands on a living cluster in this process, where simulated time passes as they wait."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

import minik8s
from minik8s.apiserver import ApiServer
from minik8s.client import Contexts, InProcessTransport
from minik8s.cluster import Cluster
from minik8s.kubectl import MemoryIO, main

TUTORIAL = Path(minik8s.__file__).parent / "data" / "tutorial"
FILES = {path.name: path.read_bytes() for path in TUTORIAL.glob("*.yaml")}


class Laptop:
    """A cluster with the demo app, and a kubectl for it."""

    def __init__(self) -> None:
        self.cluster = Cluster(nodes=2, seed=1)
        self.contexts = Contexts()
        self.contexts.add(
            "minik8s",
            InProcessTransport(ApiServer(self.cluster.runtime)),
            cluster={"server": "https://127.0.0.1:6443"},
            user={"token": "x"},
        )
        self.files = dict(FILES)
        self.io = MemoryIO(self.contexts)
        self.kubectl("create -f demo-app.yaml")

    @property
    def now(self) -> float:
        return self.cluster.clock.now

    def run(
        self,
        line: str,
        stdin: str | None = None,
        editor: Callable[[str], str] | None = None,
    ) -> tuple[str, str, int]:
        """What a command prints, and its exit code."""
        self.io = MemoryIO(self.contexts, files=self.files, now=lambda: self.now, stdin=stdin)
        if editor is not None:
            self.io.editor = editor
        code = main(shlex.split(line), self.io)
        self.files = self.io.files
        return self.io.stdout, self.io.stderr, code

    def kubectl(self, line: str, stdin: str | None = None) -> str:
        """What a command prints that succeeds and has nothing to complain about."""
        out, err, code = self.run(line, stdin)
        assert (err, code) == ("", 0), line
        return out


@pytest.fixture
def laptop() -> Laptop:
    return Laptop()


def test_programs_run_in_pods(laptop: Laptop) -> None:
    out = laptop.kubectl("exec deploy/frontend -- curl -sS -m 2 http://backend:8080")
    assert json.loads(out)["public"][0]["body"] == "public information"
    out, err, code = laptop.run("exec deploy/frontend -- sh -c 'echo a; echo b >&2; exit 3'")
    assert (out, code) == ("a\n", 3)
    assert err == "b\ncommand terminated with exit code 3\n"
    out, err, code = laptop.run("exec -i deploy/frontend -- cat", stdin="one\ntwo\n")
    assert (out, err, code) == ("one\ntwo\n", "", 0)


def test_a_tty_needs_a_terminal(laptop: Laptop) -> None:
    out, err, code = laptop.run("exec -it deploy/frontend -- echo hi", stdin="")
    assert (out, code) == ("hi\n", 0)
    assert err == "Unable to use a TTY - input is not a terminal or the right kind of file\n"


def test_a_program_that_is_not_there(laptop: Laptop) -> None:
    out, err, code = laptop.run("exec deploy/frontend -- nosuch")
    assert (out, code) == ("", 1)
    assert 'exec: "nosuch": executable file not found in $PATH' in err


def test_run_shows_what_the_pod_printed_and_removes_it(laptop: Laptop) -> None:
    out, err, code = laptop.run(
        "run t --rm -i --image=busybox --restart=Never -- sh -c 'cat; exit 4'", stdin="abc\n"
    )
    assert out == 'abc\npod "t" deleted from default namespace\n'
    assert err.endswith("pod default/t terminated (Error)\n")
    assert code == 4
    assert "pod/t\n" not in laptop.kubectl("get pods -o name")


def test_attaching_to_a_server_costs_no_time(laptop: Laptop) -> None:
    before = laptop.now
    out, err, code = laptop.run("attach deploy/frontend")
    assert (out, code) == ("", 0)
    assert err.startswith("All commands and output from this session will be recorded")
    assert laptop.now == before


def test_logs_of_a_server(laptop: Laptop) -> None:
    laptop.kubectl("exec deploy/frontend -- curl -sS http://backend:8080/public")
    assert "GET /public 200" in laptop.kubectl("logs deploy/backend --tail=1")
    assert laptop.kubectl("logs deploy/backend --tail=1 --prefix").startswith("[pod/backend-")


def test_waiting_lets_simulated_time_pass(laptop: Laptop) -> None:
    before = laptop.now
    out, err, code = laptop.run("wait deploy/backend --for=condition=Nope --timeout=90s")
    assert (out, code) == ("", 1)
    assert err == "error: timed out waiting for the condition on deployments/backend\n"
    assert laptop.now - before == pytest.approx(90, abs=1)


def test_a_rollout_that_gets_stuck(laptop: Laptop) -> None:
    broken = {"name": "backend-container", "image": "busybox", "command": ["false"]}
    patch = {"spec": {"template": {"spec": {"containers": [broken]}}}}
    laptop.kubectl(f"patch deploy backend -p '{json.dumps(patch)}'")
    before = laptop.now
    out, err, code = laptop.run("rollout status deploy/backend --timeout=30s")
    assert out.startswith('Waiting for deployment "backend" rollout to finish: ')
    assert (err, code) == ("error: timed out waiting for the condition\n", 1)
    assert laptop.now - before == pytest.approx(30, abs=1)
    out, err, code = laptop.run("rollout status deploy/backend")
    assert (err, code) == ('error: deployment "backend" exceeded its progress deadline\n', 1)
    assert laptop.kubectl("rollout undo deploy/backend").endswith("rolled back\n")
    assert laptop.kubectl("rollout status deploy/backend").endswith("successfully rolled out\n")


def test_apply_tries_again_when_somebody_else_was_faster(laptop: Laptop) -> None:
    laptop.kubectl("create configmap c --from-literal=a=1 --save-config")
    manifest = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, resourceVersion: '1'}\n"
        "data: {a: '2'}\n"
    )
    before = laptop.now
    out, err, code = laptop.run("apply -f -", manifest)
    assert (out, code) == ("", 1)
    assert err.startswith("Error from server (Conflict): error when applying patch:\n")
    assert err.endswith(
        'for: "STDIN": error when patching "STDIN": Operation cannot be fulfilled on configmaps '
        '"c": the object has been modified; please apply your changes to the latest version and '
        "try again\n"
    )
    assert laptop.now - before == pytest.approx(4, abs=0.1)


def test_apply_keeps_what_scale_has_set(laptop: Laptop) -> None:
    manifest = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n"
        "  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n"
        "    spec: {containers: [{name: c, image: nginx}]}\n"
    )
    assert laptop.kubectl("apply -f -", manifest) == "deployment.apps/d created\n"
    laptop.kubectl("scale deploy d --replicas=3")
    assert laptop.kubectl("apply -f -", manifest) == "deployment.apps/d unchanged\n"
    changed = manifest.replace("nginx", "nginx:2")
    assert laptop.kubectl("apply -f -", changed) == "deployment.apps/d configured\n"
    fields = "{.spec.replicas} {.spec.template.spec.containers[0].image}"
    assert laptop.kubectl(f"get deploy d -o 'jsonpath={fields}'") == "3 nginx:2"


def test_server_side_apply_takes_over_from_the_client(laptop: Laptop) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '1', b: '2'}\n"
    laptop.kubectl("apply -f -", manifest)
    assert laptop.kubectl("apply --server-side -f -", manifest) == (
        "configmap/c serverside-applied\n"
    )
    without = manifest.replace(", b: '2'", "")
    laptop.kubectl("apply --server-side -f -", without)
    assert laptop.kubectl("get cm c -o jsonpath={.data}") == '{"a":"1"}'
    document = json.loads(laptop.kubectl("get cm c -o json --show-managed-fields"))
    managers = {
        (entry["manager"], entry["operation"]) for entry in document["metadata"]["managedFields"]
    }
    assert managers == {("kubectl", "Apply"), ("kubectl-last-applied", "Apply")}


def test_an_editor_that_changes_its_mind(laptop: Laptop) -> None:
    seen: list[str] = []

    def editor(text: str) -> str:
        seen.append(text)
        if len(seen) == 1:
            return text.replace("port: 8080", "port: 808000")
        return text.replace("port: 808000", "port: 8081").replace("808000", "8080")

    out, err, code = laptop.run("edit svc backend", editor=editor)
    assert (out, code) == ("service/backend edited\n", 0)
    assert err == 'error: services "backend" is invalid\n'
    assert '# services "backend" was not valid:\n# * spec.ports[0].port: ' in seen[1]
    assert laptop.kubectl("get svc backend -o jsonpath={.spec.ports[0].port}") == "8081"


def test_forwarded_ports_lead_to_the_pod(laptop: Laptop) -> None:
    out, err, code = laptop.run("port-forward svc/backend 8000:8080")
    assert (err, code) == ("", 0)
    assert out == ("Forwarding from 127.0.0.1:8000 -> 8080\nForwarding from [::1]:8000 -> 8080\n")
    connection = laptop.io.ports[8000]()
    laptop.cluster.clock.advance(1)
    assert connection.state == "established"
    assert laptop.io.stdout.endswith("Handling connection for 8000\n")
    taken, err, code = laptop.run("port-forward svc/backend 8000:8081")
    assert (taken, code) == ("", 1)
    assert err == "error: Service backend does not have a service port 8081\n"


def test_deletion_waits_for_the_pods_to_end(laptop: Laptop) -> None:
    name = laptop.kubectl("get pods -l app=frontend -o name").strip()
    before = laptop.now
    assert laptop.kubectl(f"delete {name}") == (
        f'pod "{name.removeprefix("pod/")}" deleted from default namespace\n'
    )
    assert laptop.now - before <= 31
    out, err, code = laptop.run(f"get {name}")
    assert (out, code) == ("", 1)
    assert "not found" in err


def test_warnings_can_be_errors(laptop: Laptop) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: w}\nbogus: 1\n"
    out, err, code = laptop.run("create -f - --validate=warn --warnings-as-errors", manifest)
    assert (out, code) == ("configmap/w created\n", 1)
    assert err == 'Warning: unknown field "bogus"\nerror: 1 warning received\n'


@pytest.mark.parametrize("line", ["get pods", "logs x", "run x --image=y", "create ns x"])
def test_without_a_cluster(line: str) -> None:
    io = MemoryIO(Contexts())
    assert main(shlex.split(line), io) == 1
    assert io.stdout == ""
    assert io.stderr.endswith(
        "The connection to the server localhost:8080 was refused - did you specify the right "
        "host or port?\n"
    )


def test_a_context_that_is_not_there() -> None:
    io = MemoryIO(Contexts())
    assert main(["get", "pods", "--context=nope"], io) == 1
    assert io.stderr == (
        "Error in configuration: context was not found for specified context: nope\n"
    )
