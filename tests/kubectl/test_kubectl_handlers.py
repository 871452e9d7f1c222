"""Every command of the table has something that runs it."""

import pytest

from minik8s import kubectl
from minik8s.client import Contexts
from minik8s.kubectl.io import MemoryIO
from minik8s.kubectl.run import _handler
from minik8s.kubectl.tree import root


def commands(command):
    yield command
    for child in command.children.values():
        yield from commands(child)


COMMANDS = [command for command in commands(root()) if command.runs]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.full)
def test_a_command_has_its_handler(command):
    assert callable(_handler(command.runs))


@pytest.mark.parametrize("command", ["debug x", "kuberc", "kustomize .", "proxy"])
def test_what_is_left_out_says_so(command):
    io = MemoryIO(Contexts())
    assert kubectl.main(command.split(), io) == 1
    name = command.split()[0]
    assert io.stderr == (
        f"error: 'kubectl {name}' is not part of minik8s's own kubectl; the real kubectl has it: "
        "start 'minik8s serve' and point it there\n"
    )
