"""Durations and ages as Kubernetes prints them (k8s.io/apimachinery/pkg/util/duration)."""

from __future__ import annotations

from functools import lru_cache

from minik8s.clock import parse_rfc3339

UNKNOWN = "<unknown>"

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_YEAR = 365 * _DAY


def human_duration(seconds: float) -> str:
    """A duration in one or two units, as precise as a person wants it.

    >>> human_duration(498), human_duration(3600), human_duration(-5)
    ('8m18s', '60m', '<invalid>')
    """
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 10 * _MINUTE:
        return _two(whole, _MINUTE, "m", 1, "s")
    if whole < 3 * _HOUR:
        return f"{whole // _MINUTE}m"
    if whole < 8 * _HOUR:
        return _two(whole, _HOUR, "h", _MINUTE, "m")
    if whole < 2 * _DAY:
        return f"{whole // _HOUR}h"
    if whole < 8 * _DAY:
        return _two(whole, _DAY, "d", _HOUR, "h")
    if whole < 2 * _YEAR:
        return f"{whole // _DAY}d"
    if whole < 8 * _YEAR:
        return _two(whole, _YEAR, "y", _DAY, "d")
    return f"{whole // _YEAR}y"


def _two(seconds: int, large: int, letter: str, small: int, second_letter: str) -> str:
    rest = seconds % large // small
    head = f"{seconds // large}{letter}"
    return f"{head}{rest}{second_letter}" if rest else head


@lru_cache(maxsize=4096)
def _moment(timestamp: str) -> float:
    return parse_rfc3339(timestamp)


def age(timestamp: str | None, now: float) -> str:
    """How long ago an API timestamp was; `<unknown>` if there is none.

    >>> age("1970-01-01T00:00:00Z", 90)
    '90s'
    """
    return human_duration(now - _moment(timestamp)) if timestamp else UNKNOWN
