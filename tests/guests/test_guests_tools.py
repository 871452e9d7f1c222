"""The usual uses of the small programs, and what they say when something is wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from guests_world import World, demo

from minik8s import Cluster
from minik8s.clock import parse_rfc3339

BUSY, TOOLS, DEB = "busy", "tools", "deb"


@pytest.fixture(scope="module")
def world() -> World:
    world = demo()
    for name, image in ((BUSY, "busybox:1.37"), (TOOLS, "netshoot"), (DEB, "debian")):
        world.pod(name, image, command=["sleep", "infinity"])
    web = world.pod("web", "nginx", labels={"app": "web"})
    world.service("web", "10.96.1.1", [("http", 80, 80, "TCP")], [web])
    world.service("empty", "10.96.1.2", [("http", 80, 80, "TCP")], [])
    world.pod("denied", "nginx", labels={"app": "denied"})
    world.policy("deny", {"podSelector": {"matchLabels": {"app": "denied"}}})
    return world


def address(world: World, pod: str) -> str:
    return world.network.pod_host("default", pod).addresses[0]


def check(
    world: World, pod: str, command: str, out: str = "", err: str = "", code: int = 0
) -> None:
    """Run a command and compare; `{pod}` in the texts stands for a pod's address."""
    places = {name: address(world, name) for name in ("web", "denied", "backend", BUSY, TOOLS, DEB)}
    ran = world.run(pod, *command.format(**places).split())
    assert ran.stdout == out.format(**places)
    assert ran.stderr == err.format(**places)
    assert ran.exit_code == code


# -- wget of BusyBox


def test_wget_to_standard_output(world: World) -> None:
    check(world, BUSY, "wget -qO- backend:8080/hostname", '{{"hostname": "backend"}}')
    ran = world.run(BUSY, "wget", "-O", "-", "http://web/")
    assert ran.stdout.startswith("<!DOCTYPE html>")
    assert ran.stderr.startswith("Connecting to web (10.96.1.1:80)\nwriting to stdout\n-  ")
    assert ran.stderr.endswith("|   615  0:00:00 ETA\nwritten to stdout\n")


def test_wget_into_a_file(world: World) -> None:
    ran = world.run(BUSY, "wget", "-P", "/tmp", "web")
    assert ran.stderr.startswith("Connecting to web (10.96.1.1:80)\nsaving to 'index.html'\n")
    assert ran.stderr.endswith("'index.html' saved\n")
    assert "Welcome to nginx" in world.run(BUSY, "cat", "/tmp/index.html").stdout


@pytest.mark.parametrize(
    ("command", "err"),
    [
        ("wget -T 2 {denied}", "Connecting to {denied} ({denied}:80)\nwget: download timed out\n"),
        ("wget -q -T 2 -O- http://{denied}", "wget: download timed out\n"),
        (
            "wget {web}:81",
            "Connecting to {web}:81 ({web}:81)\n"
            "wget: can't connect to remote host ({web}): Connection refused\n",
        ),
        ("wget nosuch:8080", "wget: bad address 'nosuch:8080'\n"),
        ("wget -q web/nope", "wget: server returned error: HTTP/1.1 404 Not Found\n"),
        ("wget ftp://web", "wget: not an http or ftp url: ftp://web\n"),
        (
            "wget empty",
            "Connecting to empty (10.96.1.2:80)\n"
            "wget: can't connect to remote host (10.96.1.2): Connection refused\n",
        ),
    ],
)
def test_wget_that_fails(world: World, command: str, err: str) -> None:
    check(world, BUSY, command, "", err, 1)


def test_wget_as_a_spider(world: World) -> None:
    err = "Connecting to web (10.96.1.1:80)\nremote file exists\n"
    check(world, BUSY, "wget --spider --timeout=1 web", "", err)


def test_wget_gives_up_when_the_kernel_does(world: World) -> None:
    ran = world.run(BUSY, "wget", "-q", address(world, "denied"))
    assert ran.stderr == (
        f"wget: can't connect to remote host ({address(world, 'denied')}): Operation timed out\n"
    )
    assert ran.seconds == pytest.approx(133.6, abs=1)


def test_wget_follows_and_speaks_tls(world: World) -> None:
    ran = world.run(BUSY, "wget", "-qO-", "http://kubernetes.io")
    assert "Kubernetes" in ran.stdout
    assert ran.stderr == "wget: note: TLS certificate validation not implemented\n"


# -- nslookup


def test_nslookup_of_busybox_asks_every_search_domain(world: World) -> None:
    ran = world.run(BUSY, "nslookup", "backend")
    assert ran.stdout.startswith(
        "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n"
        "Name:\tbackend.default.svc.cluster.local\nAddress: 10.96.105.101\n\n"
    )
    assert ran.stdout.count("** server can't find backend.svc.cluster.local: NXDOMAIN\n") == 2
    assert ran.exit_code == 1


def test_nslookup_of_busybox_takes_a_dotted_name_as_it_stands(world: World) -> None:
    head = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n"
    full = "backend.default.svc.cluster.local"
    found = f"{head}Name:\t{full}\nAddress: 10.96.105.101\n\n\n"
    check(world, BUSY, f"nslookup {full}", found)
    missing = "** server can't find backend.default: NXDOMAIN\n\n"
    check(world, BUSY, "nslookup backend.default", head + missing * 2, "", 1)
    named = "101.105.96.10.in-addr.arpa\tname = backend.default.svc.cluster.local\n\n"
    check(world, BUSY, "nslookup 10.96.105.101", head + named)


def test_nslookup_of_bind(world: World) -> None:
    head = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\n"
    full = "backend.default.svc.cluster.local"
    found = f"{head}Name:\t{full}\nAddress: 10.96.105.101\n\n"
    check(world, TOOLS, "nslookup backend", found)
    check(world, TOOLS, "nslookup backend.default", found)
    check(
        world, TOOLS, "nslookup nosuch", f"{head}** server can't find nosuch: NXDOMAIN\n\n", "", 1
    )
    ran = world.run(TOOLS, "nslookup", "kubernetes.io")
    assert "Non-authoritative answer:\nName:\tkubernetes.io\nAddress: " in ran.stdout


@pytest.mark.parametrize(
    ("pod", "seconds", "out"),
    [
        (BUSY, 5, ";; connection timed out; no servers could be reached\n\n"),
        (
            TOOLS,
            15,
            ";; communications error to 10.244.9.9#53: timed out\n" * 3
            + ";; no servers could be reached\n\n",
        ),
    ],
)
def test_nslookup_of_a_silent_server(world: World, pod: str, seconds: float, out: str) -> None:
    ran = world.run(pod, "nslookup", "backend.default.svc.cluster.local", "10.244.9.9")
    assert (ran.stdout, ran.exit_code) == (out, 1)
    assert ran.seconds == pytest.approx(seconds, abs=0.1)


def test_records_of_other_types(world: World) -> None:
    name = "_http._tcp.backend.default.svc.cluster.local"
    ran = world.run(TOOLS, "dig", "+short", "-t", "SRV", name)
    assert ran.stdout == "0 100 8080 backend.default.svc.cluster.local.\n"
    ran = world.run(BUSY, "nslookup", "-type=srv", name)
    assert f"{name}\tservice = 0 100 8080 backend.default.svc.cluster.local\n" in ran.stdout
    ran = world.run(TOOLS, "dig", "+short", "-x", "10.96.105.101")
    assert ran.stdout == "backend.default.svc.cluster.local.\n"
    ran = world.run(TOOLS, "host", "10.96.105.101")
    assert ran.stdout == (
        "101.105.96.10.in-addr.arpa domain name pointer backend.default.svc.cluster.local.\n"
    )


def test_dig_over_tcp_and_with_the_search_list(world: World) -> None:
    ran = world.run(TOOLS, "dig", "+search", "backend", "+tcp")
    assert "\nbackend.default.svc.cluster.local. 30 IN A\t10.96.105.101\n" in ran.stdout
    assert ";; SERVER: 10.96.0.10#53(10.96.0.10) (TCP)\n" in ran.stdout
    alone = world.run(TOOLS, "dig", "backend")
    assert "status: NXDOMAIN" in alone.stdout
    assert alone.exit_code == 0
    assert world.run(TOOLS, "dig", "+bogus").exit_code == 1


# -- ping


def test_ping_of_busybox(world: World) -> None:
    ran = world.run(BUSY, "ping", "-c", "2", address(world, "web"))
    pattern = (
        r"PING {0} \({0}\): 56 data bytes\n64 bytes from {0}: seq=0 ttl=\d+ time=\d\.\d{{3}} ms\n"
        r"64 bytes from {0}: seq=1 ttl=\d+ time=\d\.\d{{3}} ms\n\n--- {0} ping statistics ---\n"
        r"2 packets transmitted, 2 packets received, 0% packet loss\n"
        r"round-trip min/avg/max = [\d.]+/[\d.]+/[\d.]+ ms\n"
    )
    assert re.fullmatch(pattern.format(re.escape(address(world, "web"))), ran.stdout)
    assert ran.seconds == pytest.approx(1, abs=0.01)


def test_ping_in_vain(world: World) -> None:
    out = (
        "PING {denied} ({denied}): 56 data bytes\n\n--- {denied} ping statistics ---\n"
        "2 packets transmitted, 0 packets received, 100% packet loss\n"
    )
    check(world, BUSY, "ping -c 2 -W 1 {denied}", out, "", 1)
    check(world, BUSY, "ping nosuch", "", "ping: bad address 'nosuch'\n", 1)
    check(world, TOOLS, "ping nosuch", "", "ping: nosuch: Name or service not known\n", 2)
    ran = world.run(TOOLS, "ping", "-w", "3", address(world, "denied"))
    assert "3 packets transmitted, 0 received, 100% packet loss, time 2000ms" in ran.stdout


def test_ping_without_an_end_has_one(world: World) -> None:
    ran = world.run(BUSY, "ping", address(world, "web"))
    assert "10 packets transmitted, 10 packets received, 0% packet loss\n" in ran.stdout


def test_ping_with_a_short_life(world: World) -> None:
    ran = world.run(TOOLS, "ping", "-t", "1", "-c1", "-W2", address(world, "backend"))
    assert " icmp_seq=1 Time to live exceeded\n" in ran.stdout
    assert "1 packets transmitted, 0 received, +1 errors, 100% packet loss" in ran.stdout


# -- nc


@pytest.mark.parametrize(
    ("pod", "command", "err", "code"),
    [
        (BUSY, "nc -zv -w 2 web 80", "web (10.96.1.1:80) open\n", 0),
        (BUSY, "nc -zv -w 2 {web} 81", "", 1),
        (BUSY, "nc -zvv -w 2 {web} 81", "nc: {web} ({web}:81): Connection refused\n", 1),
        (BUSY, "nc -zv -w 2 {denied} 80", "nc: {denied} ({denied}:80): Operation timed out\n", 1),
        (BUSY, "nc nosuch 80", "nc: bad address 'nosuch'\n", 1),
        (
            TOOLS,
            "nc -zv -w 2 web 80",
            "Connection to web (10.96.1.1) 80 port [tcp/http] succeeded!\n",
            0,
        ),
        (
            TOOLS,
            "nc -zv -w 2 {denied} 80",
            "nc: connect to {denied} port 80 (tcp) timed out: Operation now in progress\n",
            1,
        ),
        (
            TOOLS,
            "nc -zv {web} 79-81",
            "nc: connect to {web} port 79 (tcp) failed: Connection refused\n"
            "Connection to {web} 80 port [tcp/http] succeeded!\n"
            "nc: connect to {web} port 81 (tcp) failed: Connection refused\n",
            0,
        ),
        (TOOLS, "nc -z nosuch 80", 'nc: getaddrinfo for host "nosuch" port 80: '
         "Name or service not known\n", 1),
        (TOOLS, "nc web x", "nc: port number invalid: x\n", 1),
    ],
)  # fmt: skip
def test_nc(world: World, pod: str, command: str, err: str, code: int) -> None:
    check(world, pod, command, "", err, code)


@pytest.mark.parametrize("listener", ["nc -l -p 7000", "nc -lv -p 7000"])
def test_nc_of_busybox_listens(world: World, listener: str) -> None:
    server = world.session(BUSY, *listener.split(), stdin=True)
    server.write_stdin(b"welcome\n")
    server.run()
    ran = world.run(TOOLS, "nc", "-w", "1", address(world, BUSY), "7000", stdin=b"hello\n")
    server.run()
    assert ran.stdout == "welcome\n"
    written = dict.fromkeys((1, 2), b"")
    for stream, data in server.output():
        written[stream] += data
    assert written[1] == b"hello\n"
    assert (b"listening on [::]:7000 ..." in written[2]) is ("v" in listener)


def test_nc_of_busybox_runs_a_program_for_each_connection(world: World) -> None:
    command = ["nc", "-lk", "-p", "7002", "-e", "sh", "-c", "read line; echo got $line"]
    pod = world.pod("runner", "busybox", command=command)
    for word in (b"one", b"two"):
        ran = world.run(BUSY, "nc", pod["status"]["podIP"], "7002", stdin=word + b"\n")
        assert ran.stdout == f"got {word.decode()}\n"
    pod = world.pod("echo2", "busybox", command=["nc", "-lk", "-p", "7003", "-e", "cat"])
    ran = world.run(BUSY, "nc", "-w", "1", pod["status"]["podIP"], "7003", stdin=b"a\nb\n")
    assert ran.stdout == "a\nb\n"


def test_nc_over_udp(world: World) -> None:
    server = world.session(TOOLS, "nc", "-lu", "7001", stdin=True)
    server.run()
    ran = world.run(BUSY, "nc", "-u", "-w", "1", address(world, TOOLS), "7001", stdin=b"ping\n")
    server.run()
    assert server.output() == [(1, b"ping\n")]
    assert ran.exit_code == 0


# -- small ones


def test_small_tools(world: World) -> None:
    check(world, BUSY, "hostname", "busy\n")
    check(world, BUSY, "hostname -i", "{busy}\n")
    check(world, DEB, "hostname -I", "{deb} \n")
    check(world, BUSY, "whoami", "root\n")
    check(world, BUSY, "echo a  b", "a b\n")
    check(world, BUSY, "printenv HOSTNAME", "busy\n")
    check(world, BUSY, "printenv NOPE", "", "", 1)
    check(world, BUSY, "true")
    check(world, BUSY, "false", "", "", 1)
    check(world, BUSY, "cat /nope", "", "cat: can't open '/nope': No such file or directory\n", 1)
    check(world, DEB, "cat /nope", "", "cat: /nope: No such file or directory\n", 1)
    check(world, BUSY, "sleep x", "", "sleep: invalid number 'x'\n", 1)
    check(world, DEB, "sleep x", "", "sleep: invalid time interval ‘x’\n", 1)
    check(world, BUSY, "env -i A=1 env", "A=1\n")
    check(
        world, BUSY, "env nope", "", "env: can't execute 'nope': No such file or directory\n", 127
    )
    check(world, BUSY, "grep busy /etc/hosts", "{busy}\tbusy\n")
    check(world, BUSY, "uname", "Linux\n")


def test_ip_shows_the_pods_address(world: World) -> None:
    own = address(world, BUSY)
    shown = world.run(BUSY, "ip", "addr").stdout
    assert f"    inet {own}/32 scope global eth0\n" in shown
    assert "1: lo: <LOOPBACK,UP,LOWER_UP>" in shown
    assert "default via " in world.run(BUSY, "ip", "route").stdout
    assert address(world, TOOLS) in world.run(TOOLS, "ip", "-br", "a").stdout
    assert world.run(BUSY, "ip", "nonsense").exit_code == 1


def test_tools_read_what_is_piped_into_exec(world: World) -> None:
    assert world.run(BUSY, "wc", "-l", stdin=b"a\nb\n").stdout.strip() == "2"
    assert world.run(BUSY, "cat", stdin=b"x").stdout == "x"
    assert world.run(BUSY, "tail", "-n", "1", stdin=b"a\nb\n").stdout == "b\n"


def test_tail_follows(world: World) -> None:
    session = world.session(BUSY, "tail", "-f", "/tmp/log", stdin=True)
    session.run()
    assert session.exit_code == 1
    world.run(BUSY, "sh", "-c", "echo one > /tmp/log")
    session = world.session(BUSY, "tail", "-f", "/tmp/log")
    session.run()
    world.run(BUSY, "sh", "-c", "echo two >> /tmp/log")
    world.clock.advance(1.1)
    assert session.output() == [(1, b"one\ntwo\n")]
    session.signal()
    assert session.exit_code == 0


# -- servers


def test_python_serves_files(world: World) -> None:
    command = ["python3", "-m", "http.server", "8000"]
    pod = world.pod("py", "python:3", command=command, workingDir="/etc")
    base = f"{pod['status']['podIP']}:8000"
    assert world.run("frontend", "curl", "-s", f"{base}/hostname").stdout == "py\n"
    assert "Directory listing for /" in world.run("frontend", "curl", "-s", base).stdout
    assert world.run("frontend", "curl", "-sf", f"{base}/nope").exit_code == 22


def test_redis(world: World) -> None:
    pod = world.pod("cache", "redis", args=["redis-server", "--requirepass", "pw"])
    address = pod["status"]["podIP"]

    def cli(*words: str) -> str:
        return str(world.run("cache", "redis-cli", *words).stdout)

    assert cli("ping") == "NOAUTH Authentication required.\n"
    assert cli("-a", "pw", "set", "k", "v") == "OK\n"
    assert cli("-h", address, "-a", "pw", "get", "k") == "v\n"
    ran = world.run(BUSY, "sh", "-c", f"printf 'AUTH pw\\r\\nPING\\r\\n' | nc {address} 6379")
    assert ran.stdout == "+OK\r\n+PONG\r\n"
    assert world.run("cache", "redis-cli", "-p", "1", "ping").stderr == (
        "Could not connect to Redis at 127.0.0.1:1: Connection refused\n"
    )


@pytest.mark.parametrize(
    ("image", "port", "env"),
    [
        ("postgres:18", 5432, "POSTGRES_PASSWORD"),
        ("mysql:8", 3306, "MYSQL_ROOT_PASSWORD"),
        ("memcached", 11211, "X"),
    ],
)
def test_databases_listen(world: World, image: str, port: int, env: str) -> None:
    name = image.split(":")[0]
    pod = world.pod(name, image, env=[{"name": env, "value": "x"}])
    ran = world.run(TOOLS, "nc", "-zv", "-w", "1", pod["status"]["podIP"], str(port))
    assert ran.exit_code == 0


def test_nginx_and_apache(world: World) -> None:
    head = world.run("frontend", "curl", "-sI", "web").stdout
    assert re.match(r"HTTP/1\.1 200 OK\r\nServer: nginx/[\d.]+\r\nDate: Sun, 08 Mar 2026 ", head)
    assert "Content-Type: text/html\r\nContent-Length: 615\r\n" in head
    missing = world.run("frontend", "curl", "-s", "web/nope").stdout
    assert "<center><h1>404 Not Found</h1></center>" in missing
    pod = world.pod("apache", "httpd:2.4")
    page = world.run("frontend", "curl", "-s", pod["status"]["podIP"]).stdout
    assert page == "<html><body><h1>It works!</h1></body></html>\n"


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (1805, "30 min"),
        (3 * 3600 + 61, " 3:01"),
        (86400 + 59, "1 day, 0 min"),
        (2 * 86400 + 23 * 3600, "2 days, 23:00"),
    ],
)
def test_uptime_counts_from_the_start_of_the_node(age: int, shown: str) -> None:
    cluster = Cluster()
    cluster.kubectl("run bb --image=busybox -- sleep infinity")
    node = cluster.get("node", cluster.get("pod", "bb")["spec"]["nodeName"])
    started = parse_rfc3339(node["metadata"]["creationTimestamp"])
    cluster.clock.advance(started + age - cluster.clock.now)
    said = cluster.pods["default/bb"].exec("uptime").stdout
    time, rest = said[:10].strip(), said[10:]
    assert time == datetime.fromtimestamp(started + age, UTC).strftime("%H:%M:%S")
    assert rest == f"up {shown},  0 users,  load average: 0.00, 0.00, 0.00\n"


def test_nginx_serves_what_is_in_its_folder(world: World) -> None:
    folder = "/usr/share/nginx/html"
    host = world.pod("site", "nginx")["status"]["podIP"]
    page = world.run("frontend", "curl", "-s", host).stdout
    assert world.run("site", "cat", f"{folder}/index.html").stdout == page
    assert world.run("site", "ls", folder).stdout.split() == ["50x.html", "index.html"]
    script = f"cd {folder}; mkdir a; echo '{{}}' > a/b.json; dd if=/dev/zero of=c.dat bs=1k count=9"
    world.run("site", "sh", "-c", script)

    def status(path: str) -> str:
        shown = "%{http_code} %{content_type} %{size_download} %{redirect_url}"
        url = f"http://{host}{path}"
        asked = ["curl", "-s", "--path-as-is", "-o", "/dev/null", "-w", shown, url]
        return world.run("frontend", *asked).stdout

    assert status("/a/b.json") == "200 application/json 3 "
    assert status("/c.dat") == "200 application/octet-stream 9216 "
    assert status("/a/").startswith("403 text/html")
    assert status("/a").endswith(f"http://{host}/a/")
    assert status("/../../../../etc/passwd").startswith("404 text/html")
    world.run("site", "rm", f"{folder}/index.html")
    assert status("/").startswith("403 text/html")


def test_apache_lists_a_folder_without_an_index(world: World) -> None:
    host = world.pod("pages", "httpd")["status"]["podIP"]
    folder = "/usr/local/apache2/htdocs"
    world.run("pages", "sh", "-c", f"rm {folder}/index.html; echo 1 > '{folder}/a&b'")
    page = world.run("frontend", "curl", "-s", host).stdout
    assert "<h1>Index of /</h1>" in page
    assert '<li><a href="a%26b"> a&amp;b</a></li>' in page


def test_a_volume_hides_the_files_of_the_image(world: World) -> None:
    spec = {"volumes": [{"name": "empty", "emptyDir": {}}]}
    mounts = [{"name": "empty", "mountPath": "/usr/share/nginx/html"}]
    host = world.pod("hidden", "nginx", spec=spec, volumeMounts=mounts)["status"]["podIP"]
    assert "403 Forbidden" in world.run("frontend", "curl", "-s", host).stdout


def test_httpbin_and_echo_tell_what_they_were_asked(world: World) -> None:
    pod = world.pod("bin", "kennethreitz/httpbin")
    base = pod["status"]["podIP"]
    got = world.run("frontend", "curl", "-s", f"{base}/get?a=1").stdout
    assert '"a": "1"' in got
    assert f'"origin": "{address(world, "frontend")}"' in got
    status = world.run("frontend", "curl", "-s", "-w", "%{http_code}", f"{base}/status/418")
    assert status.stdout == "418"
    pod = world.pod("echo", "registry.k8s.io/echoserver:1.10")
    shown = world.run("frontend", "curl", "-s", f"{pod['status']['podIP']}:8080/x?y").stdout
    assert "Hostname: echo\n" in shown
    assert f"client_address={address(world, 'frontend')}\n" in shown


def test_the_api_server_as_pods_see_it(world: World) -> None:
    spec = {"hostNetwork": True}
    server = world.pod("apiserver", "registry.k8s.io/kube-apiserver:v1.37.0", spec=spec)
    base = f"https://{server['status']['hostIP']}:6443"
    assert world.run("frontend", "curl", "-sk", f"{base}/healthz").stdout == "ok"
    refused = world.run("frontend", "curl", "-sk", f"{base}/api").stdout
    assert (
        '"message": "forbidden: User \\"system:anonymous\\" cannot get path \\"/api\\""' in refused
    )
    unknown = world.run("frontend", "curl", "-sS", base)
    assert unknown.exit_code == 60
    assert unknown.stderr.startswith(
        "curl: (60) SSL certificate problem: unable to get local issuer certificate\n"
    )
    plain = world.run("frontend", "curl", "-s", f"{server['status']['hostIP']}:6443")
    assert plain.stdout == "Client sent an HTTP request to an HTTPS server.\n"


def test_hostile_bytes_do_not_stop_a_server(world: World) -> None:
    for data in (b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"A" * 70000):
        world.run(TOOLS, "nc", "-w", "1", "web", "80", stdin=data)
    assert world.run("frontend", "curl", "-sI", "web").stdout.startswith("HTTP/1.1 200 OK")
