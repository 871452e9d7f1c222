"""cilium v0.4: texts as recorded from the real tool, and what an install does."""

import re

import pytest

from minik8s.model.registry import DAEMON_SET, DEPLOYMENT, POD, SECRET

DOWNLOAD = (
    "curl -sLO https://github.com/cilium/cilium-cli/releases/download/v0.4/"
    "cilium-linux-amd64.tar.gz; tar xzf cilium-linux-amd64.tar.gz; "
    "sudo mv cilium /usr/local/bin"
)
COLOURS = re.compile(r"\x1b\[\d+m")
LOG = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[INFO\] (.*)\n", re.MULTILINE)
GROUP = [
    "generate received request",
    "received CSR",
    "generating key: ecdsa-256",
    "encoded CSR",
    "signed certificate with serial number N",
]


@pytest.fixture
def mini(make_laptop):
    """A laptop with cilium in PATH and a minikube without a network plugin."""
    laptop = make_laptop()
    laptop.run(DOWNLOAD)
    laptop.run("minikube start --network-plugin=cni")
    return laptop


def logged(text):
    return [re.sub(r"\d{48}$", "N", line) for line in LOG.findall(text)]


def plain(text):
    """Without cfssl's log lines and colours."""
    return COLOURS.sub("", LOG.sub("", text))


DETECTION = """\
🔮 Auto-detected Kubernetes kind: minikube
✨ Running "minikube" validation checks
✅ Detected minikube version "1.18.1"
ℹ️  Cilium version not set, using default version "v1.9.4"
🔮 Auto-detected cluster name: minikube
🔮 Auto-detected IPAM mode: cluster-pool
🔮 Auto-detected datapath mode: tunnel
"""
INSTALL = (
    DETECTION
    + """\
🔑 Generating CA...
🔑 Generating certificates for Hubble...
🚀 Creating Service accounts...
🚀 Creating Cluster roles...
🚀 Creating ConfigMap...
🚀 Creating Agent DaemonSet...
🚀 Creating Operator Deployment...
⌛ Waiting for Cilium to be installed...
"""
)


def test_install_on_minikube(mini):
    store = mini.cluster.runtime.store
    waiting = [p["metadata"]["name"] for p in store.list(POD) if not p["status"].get("podIP")]
    result = mini.run("cilium install")
    assert result.exit_code == 0
    restarted = "".join(
        f"♻️  Restarted unmanaged pod kube-system/{name}\n" for name in sorted(waiting)
    )
    assert plain(result.stdout) == INSTALL + "♻️  Restarting unmanaged pods...\n" + restarted
    assert logged(result.stderr) == GROUP * 2
    settings = mini.cluster.runtime.settings
    assert (settings.enforcement, settings.established) == (True, "rejudge")
    assert mini.run("kubectl get nodes --no-headers").stdout.split()[1] == "Ready"
    assert store.get(DAEMON_SET, "kube-system", "cilium")["status"]["numberReady"] == 1
    assert store.get(DEPLOYMENT, "kube-system", "cilium-operator")["status"]["readyReplicas"] == 1
    for name in ("cilium-ca", "hubble-server-certs"):
        assert store.get(SECRET, "kube-system", name) is not None
    pods = {p["metadata"]["name"] for p in store.list(POD)}
    assert not pods & set(waiting)
    assert {p["status"]["phase"] for p in store.list(POD)} == {"Running"}


def test_policies_bite_only_after_the_install(mini):
    mini.run("kubectl create -f tutorial/demo-app.yaml -f tutorial/01-backend-ingress-deny.yaml")
    phases = mini.run("kubectl get pods -o jsonpath='{.items[*].status.phase}'").stdout
    assert phases == "Pending Pending"
    mini.run("cilium install")
    denied = mini.run("kubectl exec -ti deploy/frontend -- curl -sI -m 2 backend:8080")
    assert denied.exit_code == 28
    address = mini.run("kubectl get pods -o jsonpath='{.items[0].status.podIP}'").stdout
    assert address.startswith("10.0.")


def test_second_install(mini):
    mini.run("cilium install")
    again = mini.run("cilium install")
    assert plain(again.stdout) == (
        DETECTION
        + "🔑 Found existing CA in secret cilium-ca\n🔑 Generating certificates for Hubble...\n"
    )
    assert logged(again.stderr) == GROUP
    assert plain(again.stderr) == (
        "Error: Unable to install Cilium:  unable to create secret "
        'kube-system/hubble-server-certs: secrets "hubble-server-certs" already exists\n'
    )
    assert again.exit_code == 1


def test_install_on_gke(make_laptop):
    laptop = make_laptop()
    laptop.run(DOWNLOAD)
    laptop.run("gcloud container clusters create my_test --zone us-west2-a --num-nodes 1")
    result = laptop.run("cilium install")
    context = laptop.contexts.current.replace("_", "-")
    assert plain(result.stdout).splitlines()[:15] == [
        "🔮 Auto-detected Kubernetes kind: GKE",
        'ℹ️  Cilium version not set, using default version "v1.9.4"',
        f"🔮 Auto-detected cluster name: {context}",
        "🔮 Auto-detected IPAM mode: kubernetes",
        "🔮 Auto-detected datapath mode: gke",
        "✅ Detected GKE native routing CIDR: 10.52.0.0/14",
        "🔑 Generating CA...",
        "🔑 Generating certificates for Hubble...",
        "🚀 Creating Service accounts...",
        "🚀 Creating Cluster roles...",
        "🚀 Creating ConfigMap...",
        "🚀 Creating Resource quotas...",
        "🚀 Creating GKE Node Init DaemonSet...",
        "🚀 Creating Agent DaemonSet...",
        "🚀 Creating Operator Deployment...",
    ]
    assert laptop.cluster.runtime.settings.enforcement is True
    again = laptop.run("cilium install")
    assert again.stderr == (
        'Error: Unable to install Cilium:  resourcequotas "cilium-resource-quota" already exists\n'
    )


BEFORE = """\
    /¯¯\\
 /¯¯\\__/¯¯\\    Cilium:         1 errors
 \\__/¯¯\\__/    Operator:       1 errors
 /¯¯\\__/¯¯\\    Hubble:         1 warnings
 \\__/¯¯\\__/    ClusterMesh:    1 warnings
    \\__/

Containers:    cilium                   {e}
               cilium-operator          {e}
Errors:        cilium                   cilium                   \
daemonsets.apps "cilium" not found
               cilium-operator          cilium-operator          \
deployments.apps "cilium-operator" not found
Warnings:      hubble-relay             hubble-relay             hubble relay is not deployed
               clustermesh-apiserver    clustermesh-apiserver    clustermesh is not deployed

""".format(e="")
READY = """\
    /¯¯\\
 /¯¯\\__/¯¯\\    Cilium:         OK
 \\__/¯¯\\__/    Operator:       OK
 /¯¯\\__/¯¯\\    Hubble:         1 warnings
 \\__/¯¯\\__/    ClusterMesh:    1 warnings
    \\__/

DaemonSet         cilium                   Desired: 1, Ready: 1/1, Available: 1/1
Deployment        cilium-operator          Desired: 1, Ready: 1/1, Available: 1/1
Containers:       cilium                   Running: 1
                  cilium-operator          Running: 1
Image versions    cilium                   quay.io/cilium/cilium:v1.9.4: 1
                  cilium-operator          quay.io/cilium/operator-generic:v1.9.4: 1
Warnings:         hubble-relay             hubble-relay             hubble relay is not deployed
                  clustermesh-apiserver    clustermesh-apiserver    clustermesh is not deployed

"""


def test_status(mini):
    before = mini.run("cilium status")
    assert (plain(before.stdout), before.exit_code) == (BEFORE, 0)
    assert "\x1b[31m1 errors\x1b[0m" in before.stdout
    mini.run("cilium install")
    ready = mini.run("cilium status")
    assert (plain(ready.stdout), ready.exit_code) == (READY, 0)
    assert "\x1b[32mOK\x1b[0m" in ready.stdout


def test_hubble_enable(mini):
    missing = mini.run("cilium hubble enable")
    text = 'unable to get secret kube-system/cilium-ca: secrets "cilium-ca" not found'
    assert missing.stdout == f"❌ Cilium CA not found: {text}\n"
    assert missing.stderr == f"Error: Unable to enable Hubble:  {text}\n"
    assert missing.exit_code == 1
    mini.run("cilium install")
    enabled = mini.run("cilium hubble enable")
    assert plain(enabled.stdout) == (
        "🔑 Found existing CA in secret cilium-ca\n"
        "🔑 Generating certificates for Relay...\n"
        "✨ Deploying Relay...\n"
    )
    assert logged(enabled.stderr) == GROUP * 2
    assert mini.run("cilium hubble enable").stdout == (
        "🔑 Found existing CA in secret cilium-ca\n✅ Relay is already deployed\n"
    )
    status = plain(mini.run("cilium status").stdout)
    assert " /¯¯\\__/¯¯\\    Hubble:         OK\n" in status
    assert "hubble-relay             quay.io/cilium/hubble-relay:v1.9.4: 1\n" in status
    assert mini.run("cilium hubble enable --ui").stderr == "Error: unknown flag: --ui\n"


def test_uninstall(mini):
    mini.run("cilium install; cilium hubble enable")
    removed = mini.run("cilium uninstall")
    assert removed.stdout == (
        "🔥 Deleting Relay...\n"
        "🔥 Deleting Relay certificates...\n"
        "🔮 Auto-detected Kubernetes kind: minikube\n"
        "🔥 Deleting Service accounts...\n"
        "🔥 Deleting ConfigMap...\n"
        "🔥 Deleting Cluster roles...\n"
        "🔥 Deleting agent DaemonSet...\n"
        "🔥 Deleting operator Deployment...\n"
        "🔥 Deleting certificates...\n"
    )
    assert mini.cluster.runtime.settings.enforcement is False
    assert plain(mini.run("cilium status").stdout) == BEFORE
    assert mini.run("cilium install").exit_code == 0


def test_mistakes(mini):
    wrong = mini.run("cilium foo")
    assert (wrong.stderr, wrong.exit_code) == ('unknown command "foo" for "cilium"\n', 1)
    assert mini.run("cilium hubble port-forward").stdout.startswith("Hubble observability\n")
    assert "Install Cilium in a Kubernetes cluster" in mini.run("cilium help").stdout
    mini.contexts.current = ""
    assert mini.run("cilium status").stderr == (
        "Error: Unable to determine status:  unable to create Kubernetes client: invalid "
        "configuration: no configuration has been provided, try setting KUBERNETES_MASTER "
        "environment variable\n"
    )
