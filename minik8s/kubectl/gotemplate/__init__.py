"""Go's text/template, for `-o go-template`: the whole language over JSON values."""

from __future__ import annotations

from typing import Any

from minik8s.kubectl.gotemplate.execute import Execution
from minik8s.kubectl.gotemplate.nodes import TemplateError
from minik8s.kubectl.gotemplate.parse import parse

__all__ = ["GoTemplate", "TemplateError"]


class GoTemplate:
    """One parsed template."""

    def __init__(self, text: str, *, allow_missing: bool = True) -> None:
        """Parse a template; raises TemplateError."""
        self.text = text
        self._trees = parse(text)
        self._allow_missing = allow_missing

    def render(self, data: Any, out: list[str]) -> None:
        """Fill the template in; raises TemplateError with what came before it in `out`."""
        Execution(self.text, self._trees, self._allow_missing, out).run(data)
