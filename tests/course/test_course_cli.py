"""The `netpol` command as a person types it."""

import subprocess
import sys

import pytest

from course import cli
from course.lesson import Step
from course.player import Played
from course.promise import Promise


def test_one_lesson_is_played_and_summed_up(capsys):
    assert cli.main(["run", "fundamentals"]) == 0
    out = capsys.readouterr().out
    assert " 2  Fundamentals" in out
    assert " ✔  $ kubectl get namespaces --show-labels\n" in out
    assert out.rstrip().split("\n")[-1].strip().startswith("3 promises kept, 0 broken")


def test_an_unknown_lesson_is_bad_input(capsys):
    assert cli.main(["run", "nosuch"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("netpol: there is no lesson 'nosuch'; there are 00_welcome")


def test_a_broken_promise_is_shown_and_ends_with_1(capsys, monkeypatch):
    monkeypatch.setattr(
        Promise, "kept_by", lambda promise, output: "kube-dns" not in output, raising=True
    )
    assert cli.main(["run", "2"]) == 1
    out = capsys.readouterr().out
    assert " ✘  $ kubectl get service --namespace kube-system\n" in out
    assert "promised (-) and printed (+):" in out
    assert "1 broken" in out


def test_options_of_jupyterlab_are_only_for_lab(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["run", "--no-browser"])
    assert "unrecognized arguments: --no-browser" in capsys.readouterr().err


def test_lab_opens_the_notebooks_without_the_news(monkeypatch):
    calls = []
    monkeypatch.setattr(subprocess, "call", lambda *a, **k: calls.append((a, k)) or 0)
    assert cli.main(["lab", "--no-browser"]) == 0
    [((command,), settings)] = calls
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert command[-1] == "--no-browser"
    assert settings["env"]["JUPYTER_CONFIG_PATH"].split(":")[0].endswith("course/jupyter")


def test_the_lessons_are_listed(capsys):
    assert cli.main(["list"]) == 0
    assert capsys.readouterr().out.split("\n")[3].split() == [
        "03_ingress_controls",
        "Ingress",
        "controls:",
        "close",
        "the",
        "door",
    ]


def test_a_played_step_knows_whether_it_kept_its_promise():
    step = Step("echo hi", Promise(("hi",)))
    assert Played(step, "hi\r\n").kept
    assert not Played(step, "ho\n").kept
