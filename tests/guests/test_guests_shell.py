"""Shells in pods: scripts, prompts, terminals, and that nothing of other machines shows."""

from __future__ import annotations

import gzip
import os
import platform
import socket
import time
from typing import Any

import pytest
from guests_world import World, demo


@pytest.fixture(scope="module")
def world() -> World:
    world = demo()
    world.pod("alpine", "alpine:3.23", command=["sleep", "infinity"])
    world.pod("debian", "debian:12", command=["sleep", "infinity"])
    world.pod("tools", "nicolaka/netshoot", command=["sleep", "infinity"])
    return world


@pytest.mark.parametrize(
    ("script", "stdout", "stderr", "code"),
    [
        ("echo a; echo b", "a\nb\n", "", 0),
        ("exit 3", "", "", 3),
        ("false || echo no", "no\n", "", 0),
        ("true && echo yes || echo no", "yes\n", "", 0),
        ("nope", "", "sh: nope: not found\n", 127),
        ("nope; echo $?", "127\n", "sh: nope: not found\n", 0),
        ("X=1; echo $X $HOSTNAME", "1 alpine\n", "", 0),
        ("for i in 1 2; do echo $i; done", "1\n2\n", "", 0),
        ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i", "3\n", "", 0),
        ("echo hi > /tmp/f; cat /tmp/f; rm /tmp/f", "hi\n", "", 0),
        ("echo b a | tr ' ' '\\n' | sort", "a\nb\n", "", 0),
        ("wget -qO- backend:8080/hostname", '{"hostname": "backend"}', "", 0),
        ("wget -qO- backend:8080/hostname | head -c 3", '{"h', "", 0),
        ("x=$(wget -qO- backend:8080/hostname); echo $x", '{"hostname": "backend"}\n', "", 0),
        ("wget -qO- nosuch", "", "wget: bad address 'nosuch'\n", 1),
        ("! true; echo $?", "1\n", "", 0),
        ("exec echo done; echo never", "done\n", "", 0),
        ("hostname; pwd; whoami", "alpine\n/\nroot\n", "", 0),
        ("cd /etc; cat hostname", "alpine\n", "", 0),
        ("sh -c 'echo inner; exit 5'", "inner\n", "", 5),
        ("if wget -qO- -T 1 10.244.9.9; then echo up; else echo down; fi", "down\n",
         "wget: download timed out\n", 0),
    ],
)  # fmt: skip
def test_scripts(world: World, script: str, stdout: str, stderr: str, code: int) -> None:
    ran = world.run("alpine", "sh", "-c", script)
    assert (ran.stdout, ran.stderr, ran.exit_code) == (stdout, stderr, code)


def _bytes(world: World, script: str) -> dict[int, bytes]:
    session = world.session("tools", "sh", "-c", script)
    session.run()
    streams = {1: b"", 2: b""}
    for stream, data in session.output():
        streams[stream] += data
    return streams


def test_output_that_is_no_text_keeps_its_bytes(world: World) -> None:
    odd = _bytes(world, r"echo é; printf '\001\377\200x'; printf '\376' >&2; echo ok; echo no >&2")
    assert odd == {1: "é\n".encode() + b"\x01\xff\x80xok\n", 2: b"\xfeno\n"}
    packed = _bytes(world, "echo -n 'a string' | gzip")[1]
    assert gzip.decompress(packed) == b"a string"
    # What the engine itself writes for an odd byte is kept as well where it stands in the script.
    assert _bytes(world, "echo '\ufffd'")[1] == "\ufffd\n".encode()


def test_odd_bytes_among_the_words_of_a_program_do_no_harm(world: World) -> None:
    ran = world.run("tools", "sh", "-c", r"sleep 0; curl -s $(printf 'http://\377.invalid')")
    assert ran.exit_code in (3, 6)


def test_waiting_costs_simulated_time_only(world: World) -> None:
    before = time.monotonic()
    ran = world.run("alpine", "sh", "-c", "sleep 1000; wget -qO- -T 50 10.244.9.9; sleep 10")
    assert ran.seconds == pytest.approx(1060, abs=0.1)
    assert time.monotonic() - before < 5


def test_a_loop_without_end_is_stopped(world: World) -> None:
    ran = world.run("alpine", "sh", "-c", "while true; do sleep 1; done")
    assert ran.exit_code == 130
    assert "stopped: a loop went round more than 10,000 times" in ran.stderr


def test_timeout_ends_a_program(world: World) -> None:
    ran = world.run("alpine", "sh", "-c", "timeout 3 nc -l -p 99; echo $?")
    assert ran.stdout == "124\n"
    assert ran.seconds == pytest.approx(3, abs=0.01)


def test_a_script_on_standard_input(world: World) -> None:
    ran = world.run("alpine", "sh", stdin=b"echo a\nexit 4\n")
    assert (ran.stdout, ran.exit_code) == ("a\n", 4)


def test_commands_that_are_piped_in_run_as_they_come(world: World) -> None:
    prompt = Prompt(world, "alpine", "sh", tty=False)
    assert prompt.shown == ""
    assert prompt.type("echo $((6*7))\n") == "42\n"
    assert prompt.type("for i in 1 2\n") == ""
    assert prompt.type("do echo $i; done\necho par") == "1\n2\n"
    assert prompt.type("t\nexit 3\n") == "part\n"
    assert prompt.session.exit_code == 3


def test_a_script_that_reads_what_is_piped_into_exec(world: World) -> None:
    ran = world.run("alpine", "sh", "-c", "read a; read b; echo $b $a", stdin=b"one\ntwo\n")
    assert ran.stdout == "two one\n"
    ran = world.run("alpine", "sh", "-c", "grep b | wc -l", stdin=b"a\nb\nbb\n")
    assert ran.stdout.strip() == "2"


def test_bash_and_its_words(world: World) -> None:
    ran = world.run(
        "debian", "bash", "-c", "curl x; echo ${BASH_VERSION:+bash}; [[ a == a ]] && echo y"
    )
    assert ran.stderr == "bash: line 1: curl: command not found\n"
    assert ran.stdout.endswith("y\n")
    dash = world.run("debian", "sh", "-c", "nope")
    assert (dash.stderr, dash.exit_code) == ("sh: 1: nope: not found\n", 127)


def test_files_are_shared_by_all_programs_of_a_container(world: World) -> None:
    world.run("alpine", "sh", "-c", "echo one > /tmp/shared")
    assert world.run("alpine", "cat", "/tmp/shared").stdout == "one\n"
    world.run("alpine", "wget", "-q", "-O", "/tmp/page", "backend:8080/hostname")
    assert "backend" in world.run("alpine", "sh", "-c", "cat /tmp/page").stdout
    assert world.run("debian", "cat", "/tmp/shared").exit_code == 1


def test_the_resolver_reads_the_pods_own_files(world: World) -> None:
    line = "10.96.105.101 renamed"
    world.run("alpine", "sh", "-c", f"echo '{line}' >> /etc/hosts")
    ran = world.run("alpine", "wget", "-qO-", "renamed:8080/hostname")
    assert ran.stdout == '{"hostname": "backend"}'


# -- prompts


class Prompt:
    """A typist at `kubectl exec -it POD -- sh`."""

    def __init__(self, world: World, pod: str, *argv: str, tty: bool = True) -> None:
        self.session: Any = world.session(pod, *argv, stdin=True, tty=tty)
        self.shown = self._read()

    def _read(self) -> str:
        self.session.run()
        return b"".join(data for _, data in self.session.output()).decode()

    def type(self, keys: str) -> str:
        self.session.write_stdin(keys.encode())
        return self._read()


def test_a_session_at_the_prompt(world: World) -> None:
    prompt = Prompt(world, "alpine", "sh")
    assert prompt.shown == "/ # "
    assert prompt.type("X=5\r") == "X=5\r\n/ # "
    assert prompt.type("echo $X; false\r") == "echo $X; false\r\n5\r\n/ # "
    assert prompt.type("echo $?\r") == "echo $?\r\n1\r\n/ # "
    assert prompt.type("cd /etc\r") == "cd /etc\r\n/etc # "
    assert prompt.type("for i in 1 2\r") == "for i in 1 2\r\n> "
    assert prompt.type("do echo $i; done\r") == "do echo $i; done\r\n1\r\n2\r\n/etc # "
    assert prompt.type("nope\r") == "nope\r\nsh: nope: not found\r\n/etc # "
    assert prompt.session.waiting == "input"
    assert prompt.type("exit 6\r") == "exit 6\r\n"
    assert prompt.session.exit_code == 6


def test_keys_are_echoed_and_edited(world: World) -> None:
    prompt = Prompt(world, "alpine", "sh")
    assert prompt.type("echo ab\x7fc\r") == "echo ab\b \bc\r\nac\r\n/ # "
    assert prompt.type("echo one two\x17three\r").endswith("\r\none three\r\n/ # ")
    assert prompt.type("garbage\x15echo x\r").endswith("\r\nx\r\n/ # ")
    assert prompt.type("\x1b[A\r") == "echo x\r\nx\r\n/ # "
    assert prompt.type("\x1b[A\x1b[A\r").endswith("echo one three\r\none three\r\n/ # ")
    assert prompt.type("ü\x7fa\r") == "ü\b \ba\r\nsh: a: not found\r\n/ # "
    assert prompt.type("\x04") == ""
    assert prompt.session.exit_code == 127


def test_several_lines_at_once_come_out_in_turn(world: World) -> None:
    prompt = Prompt(world, "alpine", "sh")
    assert prompt.type("echo a\recho b\r") == "echo a\r\na\r\n/ # echo b\r\nb\r\n/ # "


def test_a_program_at_the_prompt_reads_what_is_typed(world: World) -> None:
    prompt = Prompt(world, "alpine", "sh")
    prompt.type("cat\r")
    assert prompt.type("hello\r") == "hello\r\nhello\r\n"
    assert prompt.type("\x04") == "/ # "
    assert prompt.type("echo on\r") == "echo on\r\non\r\n/ # "
    prompt.type("read line; echo got $line\r")
    assert prompt.type("it\r") == "it\r\ngot it\r\n/ # "


def test_ctrl_c_ends_the_program_and_not_the_shell(world: World) -> None:
    prompt = Prompt(world, "tools", "sh")
    assert prompt.type("nc -l 9999\r") == "nc -l 9999\r\n"
    assert prompt.session.waiting == ""
    assert prompt.type("\x03") == "^C\r\n/ # "
    assert prompt.type("echo $?\r") == "echo $?\r\n130\r\n/ # "
    assert prompt.type("half a li\x03") == "half a li^C\r\n/ # "
    assert prompt.type("exit\r") == "exit\r\n"


def test_ping_shows_its_sum_at_ctrl_c(world: World) -> None:
    prompt = Prompt(world, "tools", "sh")
    shown = prompt.type("ping -c 2 10.244.1.2\r")
    assert "2 packets transmitted, 2 received, 0% packet loss, time 1000ms" in shown


def test_a_pipe_at_the_prompt_is_no_terminal(world: World) -> None:
    prompt = Prompt(world, "frontend", "sh")
    alone = prompt.type("curl -I backend:8080\r")
    assert "% Total" not in alone
    assert "HTTP/1.1 200 OK\r\r\n\x1b[1mX-Powered-By\x1b[0m: Express\r\r\n" in alone
    piped = prompt.type("curl -I backend:8080 | head -1\r")
    assert "% Total" in piped
    assert "\x1b" not in piped


def test_prompts_of_other_images(world: World) -> None:
    assert Prompt(world, "debian", "sh").shown == "# "
    assert Prompt(world, "debian", "bash").shown == "root@debian:/# "
    assert Prompt(world, "tools", "bash").shown == "bash-5.3# "


def test_a_listener_waits_for_whoever_comes(world: World) -> None:
    server = Prompt(world, "tools", "nc", "-l", "9000")
    address = world.network.pod_host("default", "tools").addresses[0]
    ran = world.run("alpine", "sh", "-c", f"echo hello | nc -w 1 {address} 9000")
    assert ran.exit_code == 0
    assert server.type("") == "hello\r\n"
    assert server.session.exit_code == 0


def test_killing_a_session_closes_its_port(world: World) -> None:
    server = Prompt(world, "tools", "nc", "-lk", "9001")
    address = world.network.pod_host("default", "tools").addresses[0]
    assert world.run("tools", "nc", "-z", address, "9001").exit_code == 0
    server.session.kill()
    assert server.session.exit_code == 137
    assert world.run("tools", "nc", "-z", address, "9001").exit_code == 1


# -- isolation


def test_nothing_of_this_machine_shows_in_a_pod(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIK8S_SECRET", "visible?")
    everything = "".join(
        world.run("alpine", "sh", "-c", script).stdout
        for script in (
            "env", "set", "ls -R / 2>/dev/null", "cat /etc/*", "uname -a", "hostname", "id",
            "cat /proc/cpuinfo /proc/version /proc/meminfo 2>/dev/null", "df; free; uptime; who",
            "echo ~ $PWD $HOME $USER $UID", "ls -la /home /root /tmp /work /opt", "ps aux",
            "date", "which python python3 bash git",
        )
    )  # fmt: skip
    for secret in (
        "MINIK8S_SECRET",
        "bashkit",
        "sandbox",
        socket.gethostname(),
        platform.release(),
        os.getcwd(),
        str(os.path.dirname(os.__file__)),
        "python",
    ):
        assert secret not in everything
    assert time.strftime("%Y") == "2026" or time.strftime("%Y") not in everything


def test_the_clock_of_a_pod_is_the_simulated_one(world: World) -> None:
    stamp = int(world.run("alpine", "date", "+%s").stdout)
    assert stamp == int(world.clock.now)
    assert int(world.run("alpine", "sh", "-c", "date +%s").stdout) == int(world.clock.now)


def test_the_same_seed_gives_the_same_bytes() -> None:
    def transcript() -> list[Any]:
        world = demo()
        world.pod("deb", "debian", command=["sleep", "infinity"])
        script = "echo $RANDOM $RANDOM; date; mktemp -u; shuf -i 1-100 -n 3"
        return [
            vars(world.run("deb", "bash", "-c", script)),
            vars(world.run("frontend", "curl", "-sv", "backend:8080/hostname")),
            vars(world.run("frontend", "nslookup", "backend")),
        ]

    assert transcript() == transcript()
