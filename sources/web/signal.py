"""One thing that a site says about the use of its pages, and the small grammars that several places share.

`X-Robots-Tag` and `<meta name="robots">` speak the same words, and so do Content-Signal (contentsignals.org) and
Content-Usage (IETF AIPREF) in headers and in robots.txt. What is found becomes a `Signal`: what follows from it, and
the words themselves as evidence. Where each is looked for: `sources.web.reservation` and `sources.web.opt_out`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

PRODUCT = "medmix"
"""The product token of our agent string, by which a site can speak to us alone."""
Effect = Literal["reserved", "noindex", "nofollow", "recorded"]

_EFFECTS: dict[str, tuple[Effect, ...]] = {
    "noindex": ("noindex",), "none": ("noindex", "nofollow"), "nofollow": ("nofollow",),
    "noai": ("reserved",), "noml": ("reserved",),
}  # fmt: skip
_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_OPEN = frozenset({"all", "index", "follow"})
_PREFIX = re.compile(r"([A-Za-z*][\w.-]*)\s*:\s*(([\w-]+).*)", re.DOTALL)
_WEEKDAY = re.compile(r"(.*:\s*)?(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?", re.IGNORECASE)
_MINING = frozenset(
    {"ai-train", "train-ai", "ai", "tdm", "train-genai", "genai", "bots", "automated-processing", "all"}
)
_NO = frozenset({"n", "no", "?0", "false"})


class Signal(NamedTuple):
    """What follows, the words it follows from, and the date of an `unavailable_after`."""

    effect: Effect
    evidence: str
    ends: datetime | None = None


def evidence(*words: str) -> str:
    """Return the words on one line of at most 200 characters."""
    return " ".join(" ".join(words).split())[:200]


def tdm_signals(where: str, name: str, value: str) -> Iterator[Signal]:
    """Read a tdm-reservation or tdm-policy; of several values in one line a single 1 reserves.

    TDMRep knows 0 and 1 and takes anything else for unset; that is kept as evidence.
    """
    is_reserved = name == "tdm-reservation" and "1" in [part.strip(' "') for part in re.split(r"[,;]", value)]
    yield Signal("reserved" if is_reserved else "recorded", evidence(where, f"{name}:", value))


def robots_signals(where: str, value: str, agent: str = "") -> Iterator[Signal]:
    """Read the directives of an X-Robots-Tag or a robots meta; `agent` is whom the place speaks to, "" for all.

    An agent's name before a directive holds until the next such name. Words to other agents are recorded only.
    """
    for part in _parts(value):
        prefix = _PREFIX.fullmatch(part)
        if prefix and prefix[1].lower() not in _WITH_VALUE and _is_directive(prefix[3].lower()):
            agent, part = prefix[1].lower(), prefix[2].strip()
        is_ours = agent in ("", "*", PRODUCT)
        said = evidence(where, f"{agent}:" if agent else "", part)
        name, _, argument = part.partition(":")
        if name.strip().lower() in _WITH_VALUE:
            ends = _date(argument) if is_ours and name.strip().lower() == "unavailable_after" else None
            yield Signal("recorded", said, ends)
            continue
        for word in part.lower().split():
            for effect in _EFFECTS.get(word, ("recorded",) if word.startswith("no") else ()):
                yield Signal(effect if is_ours else "recorded", said)


def _is_directive(word: str) -> bool:
    return word in _EFFECTS or word in _WITH_VALUE or word in _OPEN or word.startswith("no")


def usage_signals(where: str, value: str) -> Iterator[Signal]:
    """Read a Content-Signal or Content-Usage: `ai-train=no`, `train-ai=n`; other uses that are refused are recorded."""
    for part in re.split(r"[,;]", value):
        use, _, answer = (word.strip().strip('"').lower() for word in part.partition("="))
        if answer in _NO:
            yield Signal("reserved" if use in _MINING else "recorded", evidence(where, f"{use}={answer}"))


def _parts(value: str) -> Iterator[str]:
    """Split at commas and semicolons, but not after the weekday of a date."""
    held = ""
    for piece in re.split(r"[,;]", value):
        part = f"{held}, {piece.strip()}" if held else piece.strip()
        if "unavailable_after" in part.lower() and _WEEKDAY.fullmatch(part):
            held = part
            continue
        held = ""
        if part:
            yield part


def _date(text: str) -> datetime | None:
    """Read an ISO, RFC 822 or RFC 850 date, its time optional; UTC where it names no zone, None when it is none."""
    stamp = text.strip()
    for read, written in (
        (datetime.fromisoformat, stamp),
        (parsedate_to_datetime, stamp),
        (parsedate_to_datetime, f"{stamp} 00:00:00"),
    ):
        try:
            date = read(written)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None
