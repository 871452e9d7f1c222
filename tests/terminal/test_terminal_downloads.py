"""The download lines of the tutorial, and the laptop's curl, tar and sudo."""

import hashlib
import io
import tarfile

import pytest

URL = "https://github.com/cilium/cilium-cli/releases/download/v0.4/"
ARCHIVES = [
    "cilium-darwin-amd64.tar.gz",
    "cilium-darwin-arm64.tar.gz",
    "cilium-linux-386.tar.gz",
    "cilium-linux-amd64.tar.gz",
    "cilium-linux-arm.tar.gz",
    "cilium-linux-arm64.tar.gz",
]


@pytest.mark.parametrize("archive", ARCHIVES)
def test_download_unpack_and_install(laptop, archive):
    assert laptop.run("cilium version").exit_code == 127
    downloaded = laptop.run(f"curl -LO {URL}{archive}")
    assert (downloaded.stdout, downloaded.exit_code) == ("", 0)
    data = laptop.session.files.read(f"/home/you/{archive}")
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as opened:
        (member,) = opened.getmembers()
    assert (member.name, member.mode) == ("cilium", 0o755)
    unpacked = laptop.run(f"tar xzvf {archive}")
    assert (unpacked.stdout, unpacked.stderr) == ("cilium\n", "")
    assert laptop.run("cilium version").exit_code == 127
    assert laptop.run("./cilium version").exit_code == 0
    assert laptop.run("sudo mv cilium /usr/local/bin").output == ""
    version = laptop.run("cilium version").stdout
    assert version == "cilium-cli: v0.4 compiled with go1.16 on linux/amd64\n"
    assert laptop.run("type cilium; which cilium").stdout == (
        "cilium is hashed (/usr/local/bin/cilium)\n/usr/local/bin/cilium\n"
    )


def test_progress_meter(laptop):
    lines = laptop.run(f"curl -LO {URL}{ARCHIVES[3]}").stderr.replace("\r", "").splitlines()
    assert lines[:3] == [
        "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current",
        "                                 Dload  Upload   Total   Spent    Left  Speed",
        "  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0",
    ]
    assert lines[3].startswith("100 11.8M  100 11.8M    0     0 ")
    assert "0:00:01  0:00:01 --:--:--" in lines[3]
    assert laptop.run(f"curl -sLO {URL}{ARCHIVES[3]}").output == ""


def test_checksum(laptop):
    laptop.run(f"curl -sLO {URL}{ARCHIVES[3]} && curl -sLO {URL}{ARCHIVES[3]}.sha256sum")
    data = laptop.session.files.read(f"/home/you/{ARCHIVES[3]}")
    expected = f"{hashlib.sha256(data).hexdigest()}  {ARCHIVES[3]}\n"
    assert laptop.run(f"cat {ARCHIVES[3]}.sha256sum").stdout == expected
    assert laptop.run(f"sha256sum {ARCHIVES[3]}").stdout == expected


def test_a_file_that_is_not_there(laptop):
    result = laptop.run(f"curl -LO {URL}cilium-plan9.tar.gz")
    assert result.exit_code == 0
    assert laptop.run("cat cilium-plan9.tar.gz").stdout == "Not Found"
    unpacked = laptop.run("tar xzvf cilium-plan9.tar.gz")
    assert unpacked.stderr == (
        "\ngzip: stdin: not in gzip format\n"
        "tar: Child returned status 1\n"
        "tar: Error is not recoverable: exiting now\n"
    )
    assert unpacked.exit_code == 2
    failed = laptop.run(f"curl -fsSLO {URL}cilium-plan9.tar.gz")
    assert failed.stderr == "curl: (22) The requested URL returned error: 404\n"
    assert failed.exit_code == 22


def test_without_following_the_redirect(laptop):
    laptop.run(f"curl -sO {URL}{ARCHIVES[3]}")
    assert laptop.session.files.read(f"/home/you/{ARCHIVES[3]}") == b""


OUTSIDE = ["https://example.com/", "kubernetes.io", "http://10.0.0.1.example/", "backend:8080"]


@pytest.mark.parametrize("url", OUTSIDE)
def test_there_is_no_other_internet(laptop, url):
    result = laptop.run(f"curl -sS {url}")
    assert result.exit_code == 6
    assert result.stderr.startswith("curl: (6) Could not resolve host: ")


def test_localhost_without_a_forward(laptop):
    result = laptop.run("curl -sS localhost:8080")
    assert result.stderr == (
        "curl: (7) Failed to connect to localhost port 8080 after 0 ms: Connection refused\n"
    )
    assert result.exit_code == 7


def test_tar_round_trip(laptop):
    script = """
        mkdir -p d/e; echo one > d/a; echo two > d/e/b
        tar czf all.tgz d && rm -r d && tar tzf all.tgz && tar -xzf all.tgz -C /tmp
        cat /tmp/d/a /tmp/d/e/b
    """
    assert laptop.run(script).stdout == "d\nd/a\nd/e\nd/e/b\none\ntwo\n"
    missing = laptop.run("tar xzf nothing.tgz")
    assert missing.exit_code == 2
    assert "tar (child): nothing.tgz: Cannot open: No such file or directory" in missing.stderr


def test_an_archive_cannot_write_outside_its_folder(laptop):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        member = tarfile.TarInfo("../../../etc/hostname")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"bad"))
    laptop.session.files.write("/home/you/evil.tgz", raw.getvalue())
    laptop.run("tar xzf evil.tgz")
    assert laptop.run("cat /etc/hostname").stdout == "laptop\n"


def test_sudo(laptop):
    assert laptop.run("whoami; sudo whoami; sudo -u you whoami").stdout == "you\nroot\nyou\n"
    assert laptop.run("sudo sh -c 'echo $0 $UID; exit 4'; echo $?").stdout == "sh 0\n4\n"
    assert laptop.run("echo in | sudo tee /tmp/f >/dev/null; cat /tmp/f").stdout == "in\n"
    assert laptop.run("sudo").exit_code == 1
    assert laptop.run("sudo nosuch").exit_code == 127


def test_hubble_can_be_downloaded_as_well(laptop):
    release = "https://github.com/cilium/hubble/releases/download/v1.19.4/"
    laptop.run(f"curl -sLO {release}hubble-linux-amd64.tar.gz; tar xzf hubble-linux-amd64.tar.gz")
    assert laptop.run("./hubble --version").stdout == "hubble v1.19.4\n"
    assert laptop.run("hubble --version").stdout == "hubble v1.19.4\n"
