"""Which name a page has when several links of a source led to it: a function of what is stored, not of who came first.

Hosts are visited side by side and a crawl may be killed, so which of the links gets to a page first, and keeps it, is
chance. The reader of a store names the page by all of them: by a name that an earlier round gave it, else by the first
in the order of code points, and what the listing said under that name goes with it. A store whose lists do not say
where its second links led (an older one) keeps the names it has. Not here: which bytes are kept (`sources.web.keep`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sources.web.store import Segments, file_of


class Name(NamedTuple):
    """The key of an item, and what the listing said under it; None when it is in no listing of that round."""

    key: str
    fields: Mapping[str, str] | None


@dataclass(slots=True)
class _Led:
    """The links of a round that led to one address, by name, and under which of them its bytes are in which file."""

    links: dict[str, Mapping[str, str]] = field(default_factory=dict)
    kept: list[tuple[str, str]] = field(default_factory=list)


def names_of(segments: Segments) -> dict[str, dict[str, Name]]:
    """Return, by WARC file, the name of each item that is not to have the one it was written under."""
    found: dict[str, dict[str, Name]] = {}
    given: dict[str, str] = {}
    """The names that pages were given in earlier rounds, by each name that led to them then."""
    for label in dict.fromkeys(body["round"] for body in segments):
        now: dict[str, str] = {}
        for led in _led([body for body in segments if body["round"] == label]).values():
            if not led.kept:
                continue
            before = sorted(given[name] for name in led.links if name in given)
            key = before[0] if before else min(led.links)
            now |= dict.fromkeys(led.links, key)
            for path, name in led.kept:
                if name != key:
                    found.setdefault(path, {})[name] = Name(key, led.links.get(key))
        given |= now
    return found


def _led(bodies: Segments) -> dict[str, _Led]:
    """Return what led to each address in one round."""
    links = [one for body in bodies for one in body["found"]]
    led: dict[str, _Led] = {}
    for path, one in _settled(bodies):
        stored = one.get("stored")
        address = stored["url"] if stored else one.get("leads_to")
        if not address:
            continue
        link = links[one["entry"]]
        place = led.setdefault(address, _Led())
        place.links[link["known_as"]] = link["fields"]
        if stored:
            place.kept.append((path, link["known_as"]))
    return led


def _settled(bodies: Segments) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the last outcome of each link, with the WARC file of its segment."""
    last = {one["entry"]: (file_of(body).path, one) for body in bodies for one in body["settled"]}
    yield from last.values()
