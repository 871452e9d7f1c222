"""Modules of the project imported anew with a piece of their source replaced."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader

import minik8s

PARTS = ("policy", "model", "analysis")
"""What is imported anew; the rest of the project is not concerned."""


class Mutated(MetaPathFinder):
    """Imports one module with a piece of its source replaced."""

    def __init__(self, name, old, new):
        self.name, self.old, self.new = name, old, new

    def find_spec(self, fullname, path, target=None):
        if fullname != self.name:
            return None
        spec = PathFinder.find_spec(fullname, path)
        old, new = self.old, self.new

        class Loader(SourceFileLoader):
            def get_code(self, fullname):
                source = self.get_source(fullname)
                assert old in source, f"{old!r} is not in {fullname}"
                return compile(source.replace(old, new), f"mutant of {fullname}", "exec")

        return ModuleSpec(fullname, Loader(fullname, spec.origin), origin=spec.origin)


@contextmanager
def imported():
    """A function that imports modules anew, mutated if wanted; the real ones come back after."""
    ours = tuple(f"minik8s.{part}" for part in PARTS)
    saved = {name: module for name, module in sys.modules.items() if name.startswith(ours)}
    attributes = {name: vars(minik8s)[name] for name in PARTS if name in vars(minik8s)}
    finders = []

    def load(names, mutant=None):
        for name in saved:
            sys.modules.pop(name, None)
        if mutant is not None:
            finders.append(Mutated(*mutant))
            sys.meta_path.insert(0, finders[0])
        return [importlib.import_module(f"minik8s.{name}") for name in names]

    try:
        yield load
    finally:
        for finder in finders:
            sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.startswith(ours)]:
            del sys.modules[name]
        sys.modules.update(saved)
        vars(minik8s).update(attributes)
