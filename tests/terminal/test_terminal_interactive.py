"""The terminal under a pseudo terminal, with somebody typing."""

import re
import sys
import time

import pexpect
import pytest

PROMPT = r"you@laptop\S*?:\S*?~\S*?\$ "
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Typist:
    def __init__(self):
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "minik8s", "sh"],
            encoding="utf-8",
            timeout=30,
            dimensions=(40, 200),
            env={"TERM": "xterm", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )
        self.child.expect(PROMPT)

    def run(self, line, until=PROMPT):
        """Type a line; what it printed until the next prompt."""
        self.child.sendline(line)
        return self.until(until)

    def until(self, pattern=PROMPT):
        self.child.expect(pattern)
        lines = ESCAPES.sub("", self.child.before).replace("\r", "").split("\n")
        return "\n".join(lines[1:])

    def press(self, keys):
        self.child.send(keys)

    def interrupt(self):
        self.child.send("\x03")


@pytest.fixture(scope="module")
def typist():
    someone = Typist()
    someone.run("kubectl create -f tutorial/demo-app.yaml")
    someone.run("alias k=kubectl")
    yield someone
    someone.child.close(force=True)


def test_commands_and_variables(typist):
    typist.run(
        "FRONTEND=$(kubectl get pods -l app=frontend -o json | jq -r '.items[0].metadata.name')"
    )
    out = typist.run("kubectl exec -ti $FRONTEND -- curl -I backend:8080 | head -1")
    assert out == "HTTP/1.1 200 OK\n"
    assert typist.run("nosuch") == "bash: nosuch: command not found\n"
    assert typist.run("echo $?") == "127\n"


def test_several_lines(typist):
    typist.run("for i in 1 2", "> ")
    typist.run("do echo $i", "> ")
    assert typist.run("done") == "1\n2\n"
    typist.run("cat <<EOF", "> ")
    typist.run("home is $HOME", "> ")
    assert typist.run("EOF") == "home is /home/you\n"
    typist.run("echo 'a", "> ")
    assert typist.run("b'") == "a\nb\n"


def test_ctrl_c_at_the_prompt(typist):
    typist.press("echo not run")
    typist.interrupt()
    typist.until()
    typist.run("echo 'open", "> ")
    typist.interrupt()
    typist.until()
    assert typist.run("echo fine") == "fine\n"


ENDLESS = [
    "while true; do :; done",
    "sleep 1000",
    "kubectl get pods -w",
    "while :; do sleep 1; done",
]


@pytest.mark.parametrize("command", ENDLESS)
def test_ctrl_c_ends_what_goes_on(typist, command):
    typist.child.sendline(command)
    time.sleep(0.7)
    typist.interrupt()
    typist.until()
    assert typist.run("echo $?") == "130\n"
    assert typist.run("echo fine") == "fine\n"


def test_sleep_takes_real_time_and_the_clock_follows(typist):
    start = time.monotonic()
    typist.run("sleep 1")
    assert time.monotonic() - start >= 1
    before = int(typist.run("date +%s"))
    time.sleep(1.2)
    assert int(typist.run("date +%s")) - before in (1, 2, 3)


def test_a_time_out_costs_no_real_time(typist):
    typist.run("kubectl create -f tutorial/01-backend-ingress-deny.yaml")
    start = time.monotonic()
    out = typist.run("kubectl exec -ti $FRONTEND -- curl -I --connect-timeout 60 backend:8080")
    assert out.splitlines()[0] == "curl: (28) Connection timed out after 60001 milliseconds"
    assert time.monotonic() - start < 10
    typist.run("kubectl delete networkpolicy backend-ingress-deny")


def test_a_shell_in_a_pod(typist):
    typist.run("kubectl exec -it $FRONTEND -- sh", "/ # ")
    assert typist.run("hostname", "/ # ").startswith("frontend-")
    typist.run("for i in 1 2; do", "> ")
    assert typist.run("echo $i; done", "/ # ") == "1\n2\n"
    typist.press("echo gone")
    typist.interrupt()
    typist.until("/ # ")
    assert typist.run("cd /etc; pwd", "/etc # ") == "/etc\n"
    typist.press("echo lefx\x7ft\r")
    assert typist.until("/etc # ") == "left\n"
    typist.press("\x1b[A\r")
    assert typist.until("/etc # ") == "left\n"
    typist.run("exit 3")
    assert typist.run("echo $?; pwd") == "3\n/home/you\n"


def test_ctrl_c_goes_to_the_program_in_the_pod(typist):
    typist.run("kubectl exec -it $FRONTEND -- sh", "/ # ")
    address = typist.run("nslookup backend | head -2", "/ # ")
    assert "Address" in address
    typist.child.sendline("while true; do curl -sI backend:8080 | head -1; sleep 1; done")
    time.sleep(2.5)
    typist.interrupt()
    shown = typist.until("/ # ")
    assert 2 <= shown.count("HTTP/1.1 200 OK") <= 8
    assert typist.run("echo $?", "/ # ") == "130\n"
    typist.run("exit 0")
    assert typist.run("hostname") == "laptop\n"


def test_end_of_input_leaves_the_pods_shell(typist):
    typist.run("kubectl exec -it $FRONTEND -- sh", "/ # ")
    typist.press("\x04")
    typist.until()
    assert typist.run("hostname") == "laptop\n"


def test_completion(typist):
    typist.press("kubectl get networkp\t")
    typist.child.expect("networkpolicies ")
    typist.interrupt()
    typist.until()
    typist.press("kubectl describe pod fro\t")
    typist.child.expect(r"frontend-\w+-\w{5} ")
    typist.interrupt()
    typist.until()
    typist.press("ls tut\tdem\t")
    typist.child.expect("tutorial/demo-app.yaml ")
    typist.press("\r")
    assert "tutorial/demo-app.yaml" in typist.until()


def test_history(typist):
    typist.run("echo remember me")
    typist.press("\x1b[A")
    typist.press("\r")
    assert typist.until() == "remember me\n"
    assert "echo remember me" in typist.run("history | tail -3")


def test_read_asks(typist):
    typist.child.sendline("read -p 'name? ' name; echo hi $name")
    typist.child.expect(r"\nname\? ")
    assert typist.run("Ada L") == "hi Ada L\n"
    typist.child.sendline("read -r a b; echo $b $?")
    time.sleep(0.3)
    assert typist.run("one two three").endswith("\ntwo three 0\n")
    typist.child.sendline("read x; echo $?")
    time.sleep(0.3)
    typist.press("\x04")
    assert typist.until().endswith("1\n")
    assert typist.run("echo from a pipe | while read w r; do echo $r; done") == "a pipe\n"
    assert typist.run("read x <<< here; echo $x") == "here\n"


def test_run_shows_the_prompt_of_the_pods_shell_last(typist):
    said = typist.run("kubectl run tmp --rm -it --image=busybox -- sh", "/ # ")
    assert said.endswith("If you don't see a command prompt, try pressing enter.\n")
    assert typist.run("hostname", "/ # ") == "tmp\n"
    assert typist.run("exit").endswith('pod "tmp" deleted from default namespace\n')


def test_a_job_prints_whole_lines_beside_a_program_in_front(typist):
    typist.run("(sleep 1; echo one; echo two) &")
    assert typist.run("kubectl exec -it $FRONTEND -- sleep 2").startswith("one\ntwo\n")


def test_what_is_typed_goes_into_a_file(typist):
    typist.child.sendline("cat > ns.yaml")
    time.sleep(0.3)
    for line in ("kind: Namespace", "apiVersion: v1", "metadata: {name: typed}"):
        typist.child.sendline(line)
    time.sleep(0.3)
    typist.press("\x04")
    typist.until()
    assert typist.run("tail -1 ns.yaml") == "metadata: {name: typed}\n"
    assert typist.run("cat ns.yaml | cat | head -1") == "kind: Namespace\n"
    typist.child.sendline("kubectl apply -f -")
    time.sleep(0.5)
    for line in ("kind: Namespace", "apiVersion: v1", "metadata: {name: typed}"):
        typist.child.sendline(line)
    time.sleep(0.3)
    typist.press("\x04")
    assert typist.until().endswith("namespace/typed created\n")


@pytest.mark.parametrize("command", ["cat", "kubectl apply -f -", "read x"])
def test_ctrl_c_while_a_command_reads(typist, command):
    typist.child.sendline(command)
    time.sleep(0.5)
    typist.press("\x03")
    typist.until()
    assert typist.run("echo $?") == "130\n"


def test_jobs(typist):
    out = typist.run("kubectl port-forward deployment/backend 8080:8080 &")
    assert re.match(r"\[1\] \d+\nForwarding from 127.0.0.1:8080 -> 8080\n", out)
    assert "HTTP/1.1 200 OK" in typist.run("curl -sI localhost:8080 | head -1")
    assert typist.run("jobs").startswith("[1]+  Running                 kubectl port-forward")
    typist.child.sendline("fg")
    time.sleep(0.5)
    typist.interrupt()
    typist.until()
    assert "Running" not in typist.run("jobs")


def test_follow_shows_what_comes(typist):
    typist.child.sendline("kubectl get pods -w &")
    typist.until()
    assert "extra" in typist.run("kubectl run extra --image=nginx; sleep 0.2")
    typist.run("kill %1")


def test_an_alias(typist):
    assert typist.run("k get ns -o name | head -1") == "namespace/default\n"


@pytest.mark.parametrize(("ending", "code"), [("exit 4\r", 4), ("\x04", 0)])
def test_leaving(ending, code):
    someone = Typist()
    someone.press(ending)
    someone.child.expect(pexpect.EOF)
    someone.child.close()
    assert someone.child.exitstatus == code
