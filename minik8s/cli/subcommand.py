"""What a subcommand is, and the arguments that several have."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subcommand:
    """One subcommand: its arguments, and what runs it."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def count(text: str) -> int:
    """A number of workers."""
    number = int(text)
    if not 0 <= number <= 1000:
        raise argparse.ArgumentTypeError("a number from 0 to 1000")
    return number
