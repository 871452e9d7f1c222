"""The pytest plugin: case files collected by name, checked by a fixture, reported as JUnit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

CASE = """id: shop
objects:
- {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}}
- {apiVersion: v1, kind: Pod, metadata: {name: api, namespace: shop}}
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata: {name: deny, namespace: shop}
  spec: {podSelector: {}}
probes:
- {from: shop/web, to: shop/api, port: 80, expect: deny}
- {from: shop/web, to: ip:1.1.1.1, port: 53, protocol: UDP, expect: EXPECT}
"""
FIXTURE = """
def test_policies(check_policies):
    assert len(check_policies("good.yaml")) == 1

def test_wrong_policies(check_policies):
    check_policies("wrong.yaml")

def test_no_policies(check_policies):
    check_policies("nothing.yaml")
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "minik8s.testing",
        "-p",
        "no:cacheprovider",
        *words,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def test_files_are_collected_with_a_test_for_each_probe(folder: Path) -> None:
    (folder / "shop.netpol.yaml").write_text(CASE.replace("EXPECT", "deny"))
    (folder / "other.yaml").write_text("no: case")
    done = run(folder, "--junitxml=out.xml")
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert "shop.netpol.yaml:11: expected deny, is allow: " in done.stdout
    tests = ElementTree.parse(folder / "out.xml").findall(".//testcase")
    assert [test.get("name") for test in tests] == [
        "shop: shop/web -> shop/api 80/TCP",
        "shop: shop/web -> ip:1.1.1.1 53/UDP",
    ]
    assert [test.find("failure") is not None for test in tests] == [False, True]


def test_a_bad_file_is_an_error_with_its_line(folder: Path) -> None:
    (folder / "shop.netpol.yaml").write_text(CASE.replace("80", "70000"))
    done = run(folder)
    assert done.returncode == 2
    assert "shop.netpol.yaml:10: port 70000: a whole number from 1 to 65535" in done.stdout


def test_an_end_that_is_not_there_fails(folder: Path) -> None:
    text = CASE.replace("to: shop/api", "to: shop/nobody").replace("EXPECT", "allow")
    (folder / "shop.netpol.yaml").write_text(text)
    done = run(folder)
    assert "2 failed" in done.stdout
    assert "shop.netpol.yaml:10: shop/nobody: no such pod or workload" in done.stdout


def test_the_fixture(folder: Path) -> None:
    (folder / "test_it.py").write_text(FIXTURE)
    (folder / "good.yaml").write_text(CASE.replace("EXPECT", "allow"))
    (folder / "wrong.yaml").write_text(CASE.replace("EXPECT", "deny"))
    done = run(folder)
    assert "2 failed, 1 passed" in done.stdout
    assert "wrong.yaml:11: shop/web -> ip:1.1.1.1 53/UDP" in done.stdout
    assert "nothing.yaml:1: No such file or directory" in done.stdout
