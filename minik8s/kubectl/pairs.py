"""Arguments of the form `KEY=VALUE` and `KEY-`, after the names of what they are about."""

from __future__ import annotations

from collections.abc import Sequence

from minik8s.kubectl.failures import Failure


def split_arguments(arguments: Sequence[str], what: str) -> tuple[list[str], list[str]]:
    """The resources and the changes of a command line; raises Failure when they mix."""
    resources: list[str] = []
    pairs: list[str] = []
    for argument in arguments:
        if _is_pair(argument):
            pairs.append(argument)
        elif pairs:
            raise Failure(f"all resources must be specified before {what} changes: {argument}")
        else:
            resources.append(argument)
    return resources, pairs


def _is_pair(argument: str) -> bool:
    if "=" in argument and not argument.startswith("="):
        return True
    return argument.endswith("-") and argument != "-"


def parse_pairs(
    pairs: Sequence[str], what: str, *, removable: bool = True
) -> tuple[dict[str, str], list[str]]:
    """The entries to set and the keys to remove; raises Failure."""
    new: dict[str, str] = {}
    removed: list[str] = []
    invalid: list[str] = []
    for pair in pairs:
        if "=" in pair and not pair.startswith("="):
            key, _, value = pair.partition("=")
            new[key] = value
        elif removable and pair.endswith("-") and pair != "-":
            removed.append(pair[:-1])
        else:
            invalid.append(pair)
    if invalid:
        raise Failure(f"invalid {what} format: {', '.join(invalid)}")
    return new, removed
