"""gcloud and minikube: their texts, and the clusters that they make."""

import re

from minik8s.model.registry import POD

CREATE = (
    "gcloud container clusters create test-1 --image-type COS --num-nodes 2 "
    "--machine-type n1-standard-4 --zone us-west2-a"
)
WARNINGS = """\
WARNING: Starting in January 2021, clusters will use the Regular release channel by default when \
`--cluster-version`, `--release-channel`, `--no-enable-autoupgrade`, and \
`--no-enable-autorepair` flags are not specified.
WARNING: Currently VPC-native is not the default mode during cluster creation. In the future, \
this will become the default mode and can be disabled using `--no-enable-ip-alias` flag. Use \
`--[no-]enable-ip-alias` flag to suppress this warning.
WARNING: Starting with version 1.18, clusters will have shielded GKE nodes by default.
WARNING: Your Pod address range (`--cluster-ipv4-cidr`) can accommodate at most 1008 node(s). \n"""


def test_gcloud_create(laptop):
    result = laptop.run(CREATE)
    project = laptop.run("gcloud config get-value project").stdout.strip()
    place = f"projects/{project}/zones/us-west2-a/clusters/test-1"
    assert result.stderr == WARNINGS + (
        "Creating cluster test-1 in us-west2-a... "
        "Cluster is being health-checked (master is healthy)...done.\n"
        f"Created [https://container.googleapis.com/v1/{place}].\n"
        "To inspect the contents of your cluster, go to: https://console.cloud.google.com/"
        f"kubernetes/workload_/gcloud/us-west2-a/test-1?project={project}\n"
        "kubeconfig entry generated for test-1.\n"
    )
    header, row = result.stdout.splitlines()
    address = re.search(r"\d+\.\d+\.\d+\.\d+", row).group()
    version = "1.18.12-gke.1210"
    assert header == (
        f"NAME    LOCATION    MASTER_VERSION    {'MASTER_IP':<{len(address)}}  MACHINE_TYPE   "
        "NODE_VERSION      NUM_NODES  STATUS"
    )
    assert row == (
        f"test-1  us-west2-a  {version}  {address}  n1-standard-4  {version}  2          RUNNING"
    )
    assert result.exit_code == 0


def test_gcloud_cluster_is_current_and_does_not_enforce(laptop):
    laptop.run(CREATE)
    context = laptop.run("kubectl config current-context").stdout.strip()
    assert re.fullmatch(r"gke_[a-z0-9-]+_us-west2-a_test-1", context)
    nodes = laptop.run("kubectl get nodes --no-headers").stdout.splitlines()
    pattern = r"gke-test-1-default-pool-[0-9a-f]{8}-\w{4} +Ready +<none> +\S+ +v1.18.12-gke.1210"
    assert len(nodes) == 2
    assert all(re.fullmatch(pattern, node) for node in nodes)
    assert laptop.cluster.runtime.settings.enforcement is False
    laptop.run("kubectl create -f tutorial/demo-app.yaml -f tutorial/01-backend-ingress-deny.yaml")
    result = laptop.run("kubectl exec -ti deploy/frontend -- curl -sI backend:8080 | head -1")
    assert result.output.strip() == "HTTP/1.1 200 OK"


def test_gcloud_get_credentials(laptop):
    laptop.run(CREATE)
    laptop.run("kubectl config use-context minik8s")
    result = laptop.run("gcloud container clusters get-credentials test-1 --zone us-west2-a")
    assert result.stderr == (
        "Fetching cluster endpoint and auth data.\nkubeconfig entry generated for test-1.\n"
    )
    assert laptop.run("kubectl config current-context").stdout.startswith("gke_")
    missing = laptop.run("gcloud container clusters get-credentials nope --zone us-west2-a")
    assert missing.exit_code == 1
    assert "ERROR: (gcloud.container.clusters.get-credentials) ResponseError: code=404" in (
        missing.stderr
    )
    assert re.search(r"No cluster named 'nope' in \S+\.\n$", missing.stderr)


def test_gcloud_other_commands(laptop):
    assert laptop.run("gcloud container clusters list").output == ""
    laptop.run(CREATE)
    assert laptop.run("gcloud container clusters list").stdout.count("RUNNING") == 1
    describe = "gcloud container clusters describe test-1 --zone us-west2-a"
    assert laptop.run(f"{describe} --format='value(clusterIpv4Cidr)'").stdout == "10.52.0.0/14\n"
    assert "status: RUNNING\n" in laptop.run(describe).stdout
    assert laptop.run(CREATE).exit_code == 1
    assert laptop.run("gcloud version").stdout.startswith("Google Cloud SDK 331.0.0\n")
    deleted = laptop.run("gcloud container clusters delete test-1 --zone us-west2-a --quiet")
    assert deleted.stderr.startswith("Deleting cluster test-1...done.\nDeleted [https://")
    assert laptop.run("kubectl config get-contexts -o name").stdout == "minik8s\n"
    assert laptop.run("gcloud compute instances list").exit_code == 2


START = """\
😄  minikube v1.18.1 on Ubuntu 20.04
✨  Automatically selected the docker driver. Other choices: none, ssh
❗  With --network-plugin=cni, you will need to provide your own CNI. See --cni flag as a \
user-friendly alternative
👍  Starting control plane node minikube in cluster minikube
🔥  Creating docker container (CPUs=2, Memory=3900MB) ...
🐳  Preparing Kubernetes v1.20.2 on Docker 20.10.3 ...
    ▪ Generating certificates and keys ...
    ▪ Booting up control plane ...
    ▪ Configuring RBAC rules ...
🔎  Verifying Kubernetes components...
    ▪ Using image gcr.io/k8s-minikube/storage-provisioner:v4
🌟  Enabled addons: storage-provisioner, default-storageclass
🏄  Done! kubectl is now configured to use "minikube" cluster and "default" namespace by default
"""


def test_minikube_start_without_a_plugin(laptop):
    result = laptop.run("minikube start --network-plugin=cni")
    assert result.output == START
    assert result.stderr.startswith("❗  With")
    assert laptop.run("kubectl config current-context").stdout == "minikube\n"
    node = laptop.run("kubectl get nodes --no-headers").stdout.split()
    assert (node[0], node[1], node[-1]) == ("minikube", "NotReady", "v1.20.2")
    pods = laptop.cluster.runtime.store.list(POD, "kube-system")
    waiting = [pod for pod in pods if pod["status"]["phase"] == "Pending"]
    assert {pod["metadata"]["labels"]["k8s-app"] for pod in waiting} == {"kube-dns"}
    ready = laptop.cluster.get("nodes", "minikube")["status"]["conditions"][-1]
    assert ready["message"].startswith("runtime network not ready: NetworkReady=false")


def test_minikube_start_with_its_own_network(laptop):
    laptop.run("minikube start")
    assert laptop.run("kubectl get nodes --no-headers").stdout.split()[1] == "Ready"
    assert laptop.cluster.runtime.settings.enforcement is False


def test_minikube_without_a_terminal(make_laptop):
    laptop = make_laptop(tty=False)
    lines = laptop.run("minikube start --network-plugin=cni").output.splitlines()
    assert lines[0] == "* minikube v1.18.1 on Ubuntu 20.04"
    assert lines[2].startswith("! With --network-plugin=cni")
    assert lines[6] == "  - Generating certificates and keys ..."


RUNNING = """\
minikube
type: Control Plane
host: Running
kubelet: Running
apiserver: Running
kubeconfig: Configured
timeToStop: Nonexistent

"""


def test_minikube_life(laptop):
    missing = laptop.run("minikube status")
    assert missing.exit_code == 85
    assert missing.output == (
        '🤷  Profile "minikube" not found. Run "minikube profile list" to view all profiles.\n'
        '👉  To start a cluster, run: "minikube start"\n'
    )
    laptop.run("minikube start")
    running = laptop.run("minikube status")
    assert (running.stdout, running.exit_code) == (RUNNING, 0)
    assert laptop.run("minikube ip").stdout == "192.168.49.2\n"
    assert laptop.run("minikube stop").output == (
        '✋  Stopping node "minikube"  ...\n'
        '🛑  Powering off "minikube" via SSH ...\n'
        "🛑  1 nodes stopped.\n"
    )
    stopped = laptop.run("minikube status")
    assert (stopped.stdout.count("Stopped"), stopped.exit_code) == (4, 7)
    assert laptop.run("kubectl config get-contexts -o name").stdout == "minik8s\n"
    laptop.run("minikube start")
    assert laptop.run("kubectl config current-context").stdout == "minikube\n"
    assert laptop.run("minikube delete").output == (
        '🔥  Deleting "minikube" in docker ...\n'
        '🔥  Deleting container "minikube" ...\n'
        "🔥  Removing /home/you/.minikube/machines/minikube ...\n"
        '💀  Removed all traces of the "minikube" cluster.\n'
    )
    again = laptop.run("minikube delete")
    assert again.stderr == '🙄  "minikube" profile does not exist, trying anyways.\n'
    assert again.stdout == '💀  Removed all traces of the "minikube" cluster.\n'


def test_minikube_version_and_mistakes(laptop):
    assert laptop.run("minikube version").stdout == (
        "minikube version: v1.18.1\ncommit: 09ee84d530de4a92f00f1c5dbc34cead092b95bc\n"
    )
    wrong = laptop.run("minikube dance")
    assert (wrong.stderr.splitlines()[0], wrong.exit_code) == (
        'Error: unknown command "dance" for "minikube"',
        64,
    )
