"""Prompts: versioned text files, and how they are filled with text that nobody vouches for.

A prompt is `prompts/NAME.VERSION.txt` with a [system] and a [user] part and places such as `{{question}}`. Filling is
one pass: what is put in is never read as a place again. Page text goes between two lines with a boundary that is drawn
for each request, occurs nowhere in the text, and is announced in the prompt: so a page cannot close its own fence. A
change of a file that stands is a new version, as its digest is part of every request's key. Not here: settings.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipelines.engine.hashing import derive_seed
from sources.teacher.request import prompt_name

_FOLDER = Path(__file__).with_name("prompts")
_PLACE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file; `name` is how records know it, with version and digest."""

    name: str
    system: str
    user: str


@cache
def load_prompt(name: str, version: int) -> Prompt:
    """Return a prompt that is part of this program."""
    text = (_FOLDER / f"{name}.{version}.txt").read_text(encoding="utf-8")
    system, _, user = text.removeprefix("[system]\n").partition("\n[user]\n")
    return Prompt(prompt_name(name, version, text), system.strip(), user.strip())


def fill(prompt: Prompt, values: Mapping[str, str]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the system and the user message. Raises ValueError unless places and values are the same names."""
    places = set(_PLACE.findall(prompt.system + prompt.user))
    if places != values.keys():
        raise ValueError(f"{prompt.name}: places are {sorted(places)}, values are {sorted(values)}")
    system, user = (_PLACE.sub(lambda place: values[place[1]], part) for part in (prompt.system, prompt.user))
    return ("system", system), ("user", user)


def boundary(texts: Sequence[str], *parts: str | int) -> str:
    """Return 16 hex digits, drawn from `parts`, that stand in none of the texts."""
    for turn in range(1000):
        drawn = f"{derive_seed('fence', *parts, turn):016x}"
        if not any(drawn in text for text in texts):
            return drawn
    raise ValueError("no boundary is free: the texts were made to hold all of them")


def fenced(label: str, text: str, mark: str) -> str:
    """Return text between two lines that only whoever knows the boundary can write."""
    return f"[{mark} {label}]\n{text}\n[{mark} end of {label}]"
