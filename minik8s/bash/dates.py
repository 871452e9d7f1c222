"""`date` on a simulated clock (GNU coreutils' options; UTC is the only time zone)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from minik8s.bash.values import Outcome

DEFAULT_FORMAT = "%a %b %e %H:%M:%S UTC %Y"
_ISO = {
    "date": "%Y-%m-%d",
    "": "%Y-%m-%d",
    "hours": "%Y-%m-%dT%H+00:00",
    "minutes": "%Y-%m-%dT%H:%M+00:00",
    "seconds": "%Y-%m-%dT%H:%M:%S+00:00",
    "ns": "%Y-%m-%dT%H:%M:%S,%N+00:00",
}
_UNITS = {
    "sec": 1, "second": 1, "min": 60, "minute": 60, "hour": 3600, "day": 86400,
    "week": 604800, "fortnight": 1209600,
}  # fmt: skip
_RELATIVE = re.compile(r"([+-]?\s*\d+)?\s*([a-z]+?)s?(\s+ago)?(?=\s|$|[+-])", re.IGNORECASE)
_ISO_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?"
    r"\s*(Z|UTC|[+-]\d\d:?\d\d(?!\d))?"
)
_WORDS = {"now": 0.0, "today": 0.0, "tomorrow": 86400.0, "yesterday": -86400.0}


def date(arguments: list[str], now: float) -> Outcome:
    """Run `date ARGUMENTS...` at a moment."""
    moment: float | None = now
    pattern = DEFAULT_FORMAT
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in ("-u", "--utc", "--universal"):
            continue
        if word in ("-d", "--date") and rest:
            text = rest.pop(0)
            moment = parse(text, now)
        elif word.startswith("--date="):
            text = word[7:]
            moment = parse(text, now)
        elif word in ("-R", "--rfc-email"):
            pattern = "%a, %d %b %Y %H:%M:%S +0000"
        elif word.startswith(("-I", "--iso-8601")):
            pattern = _ISO.get(word.removeprefix("--iso-8601").removeprefix("-I").lstrip("="), "")
        elif word.startswith("--rfc-3339"):
            pattern = "%Y-%m-%d" if word.endswith("date") else "%Y-%m-%d %H:%M:%S+00:00"
        elif word.startswith("+"):
            pattern = word[1:]
        elif word.startswith("-"):
            return _wrong(f"invalid option -- '{word.lstrip('-')[:1]}'", hint=True)
        else:
            return _wrong(f"invalid date ‘{word}’")
        if moment is None:
            return _wrong(f"invalid date ‘{text}’")
    assert moment is not None
    return Outcome(render(moment, pattern) + "\n")


def _wrong(message: str, *, hint: bool = False) -> Outcome:
    more = "Try 'date --help' for more information.\n" if hint else ""
    return Outcome(stderr=f"date: {message}\n{more}", exit_code=1)


def render(moment: float, pattern: str) -> str:
    """A moment in `date`'s format language."""
    at = datetime.fromtimestamp(moment, UTC)
    own = {
        "s": str(int(moment)),
        "N": f"{at.microsecond * 1000:09d}",
        "3N": f"{at.microsecond // 1000:03d}",
        "6N": f"{at.microsecond:06d}",
        "z": "+0000",
        ":z": "+00:00",
        "Z": "UTC",
        "e": f"{at.day:2d}",
        "k": f"{at.hour:2d}",
        "l": f"{(at.hour % 12) or 12:2d}",
        "P": "am" if at.hour < 12 else "pm",
        "q": str((at.month + 2) // 3),
        "c": at.strftime("%a %b ") + f"{at.day:2d}" + at.strftime(" %H:%M:%S %Y"),
        "n": "\n",
        "t": "\t",
        "%": "%",
    }

    def one(match: re.Match[str]) -> str:
        flag, letter = match.group(1), match.group(2)
        text = own[letter] if letter in own else at.strftime(f"%{letter}")
        return text.lstrip("0 ") or "0" if flag == "-" else text

    return re.sub(r"%([-_]?)([36]N|:z|[A-Za-z%])", one, pattern)


def parse(text: str, now: float) -> float | None:
    """The moment that a `--date` text means; None if it means nothing."""
    text = text.strip()
    if re.fullmatch(r"@-?\d+(\.\d+)?", text):
        return float(text[1:])
    base, rest = _absolute(text, now)
    return _relative(rest.strip().lower(), base)


def _absolute(text: str, now: float) -> tuple[float, str]:
    """The date and time at the front of a text, and what follows."""
    match = _ISO_TEXT.match(text)
    if match is None:
        clock = re.match(r"(\d\d?):(\d\d)(?::(\d\d))?", text)
        if clock is None:
            return now, text
        day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        at = day + timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return at.timestamp(), text[clock.end() :]
    try:
        at = datetime.fromisoformat(f"{match.group(1)}T{match.group(2) or '00:00'}")
        zone = match.group(3) or "Z"
        offset = datetime.fromisoformat(f"2000-01-01T00:00:00{zone.replace('UTC', 'Z')}")
    except ValueError:
        return now, text
    return at.replace(tzinfo=offset.tzinfo).timestamp(), text[match.end() :]


def _relative(text: str, base: float) -> float | None:
    moment, at = base, 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _RELATIVE.match(text, at)
        if match is None:
            return None
        number, unit, ago = match.groups()
        if unit in _WORDS and number is None:
            moment += _WORDS[unit]
        elif unit in _UNITS:
            amount = int((number or "1").replace(" ", "")) * _UNITS[unit]
            moment += -amount if ago else amount
        elif unit in ("month", "year"):
            months = int((number or "1").replace(" ", "")) * (12 if unit == "year" else 1)
            moment = _months_later(moment, -months if ago else months)
        else:
            return None
        at = match.end()
    return moment


def _months_later(moment: float, months: int) -> float:
    at = datetime.fromtimestamp(moment, UTC)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    first = at.replace(year=year, month=month + 1, day=1)
    return (first + timedelta(days=at.day - 1)).timestamp()
