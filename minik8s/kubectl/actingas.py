"""`--as`, `--as-group`, `--as-uid` and `--as-user-extra`: acting as somebody else."""

from __future__ import annotations

from urllib.parse import quote

from minik8s.kubectl.failures import Failure
from minik8s.kubectl.flags import Flags


def acting_as(flags: Flags, user: str) -> dict[str, str]:
    """The headers that ask for it; a header with several values has a line for each.

    `user` is the kubeconfig's name for who really asks. Raises Failure for groups without a
    user.
    """
    name, uid = flags.text("as"), flags.text("as-uid")
    groups, extra = flags.items("as-group"), flags.items("as-user-extra")
    if not (name or uid or groups or extra):
        return {}
    if not name:
        raise Failure(
            f"requesting uid, groups or user-extra for {user} without impersonating a user"
        )
    headers = {"impersonate-user": name}
    if uid:
        headers["impersonate-uid"] = uid
    if groups:
        headers["impersonate-group"] = "\n".join(groups)
    for key, values in _extra(extra).items():
        headers[f"impersonate-extra-{quote(key.lower(), safe='')}"] = "\n".join(values)
    return headers


def _extra(pairs: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if equals:
            found.setdefault(key, []).append(value)
    return found
