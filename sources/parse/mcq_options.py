"""Find the options of a multiple-choice row and which of them are right.

An option has a place (also when it is empty and not kept), a label by which answers name it, and a text. The gold
answer is resolved only in the way that the source declares, never guessed: a `1` is a label here, an index there.
What does not resolve to exactly one option each is `gold_not_in_options`, as unlabelled test rows are. Options are
shown under their own letters, as texts speak of them ("both A and C", "C is wrong"); where a set has no letters, under
that of their place.
"""

import string
from typing import Any, NamedTuple

from sources.parse import strict_json
from sources.parse.record_fields import Row, RowError, find, is_given, plain

LAYOUTS = ("letters", "list", "pairs", "columns", "fixed")
GOLD_KINDS = ("label", "index", "ordinal", "text")
_LABEL_KEYS = ("aid", "letter", "label", "key", "id", "name")
_TEXT_KEYS = ("atext", "content", "text", "value", "option")


class Option(NamedTuple):
    """One option: the label that answers use for it, and its text (empty: not offered)."""

    label: str
    text: str


def letter(index: int) -> str:
    """Return the letter of a place counted from 0: A to Z, then A1, B1, ..."""
    turn, place = divmod(index, 26)
    return string.ascii_uppercase[place] + (str(turn) if turn else "")


def options_of(row: Row, spec: Any, layout: str) -> list[Option]:
    """Return the options of a row in their order, empty ones included. Raises RowError.

    `letters`: an object (or JSON text of one) from label to text; `list`: texts; `pairs`: objects with a label and
    a text; `columns`: `spec` lists the fields; `fixed`: `spec` lists the texts themselves.
    """
    if layout == "fixed":
        return _lettered(list(spec))
    if layout == "columns":
        return _lettered([find(row, path) for path in spec])
    value = find(row, spec)
    if isinstance(value, str):
        value = _from_json(value)
    if value is None:
        raise RowError("missing_field", str(spec))
    if layout == "letters" and isinstance(value, dict):
        return [Option(str(label), _text(text)) for label, text in value.items()]
    if layout == "list" and isinstance(value, list):
        return _lettered(value)
    if layout == "pairs" and isinstance(value, list):
        return [_pair(item) for item in value]
    raise RowError("wrong_type", f"{spec} is {type(value).__name__}")


def _from_json(text: str) -> Any:
    try:
        return strict_json.loads(text.encode())
    except ValueError:
        raise RowError("wrong_type", "options are text, and not JSON") from None


def _lettered(values: list[Any]) -> list[Option]:
    return [Option(letter(index), _text(value)) for index, value in enumerate(values)]


def _pair(item: Any) -> Option:
    if not isinstance(item, dict):
        raise RowError("wrong_type", f"option is {type(item).__name__}")
    label = _first(item, _LABEL_KEYS)
    if label is None:
        raise RowError("missing_field", "label of an option")
    return Option(plain(label, "option label"), _text(_first(item, _TEXT_KEYS)))


def _first(item: dict[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        if name in item:
            return item[name]
    return None


def _text(value: Any) -> str:
    return plain(value, "option").strip() if is_given(value) else ""


def shown(options: list[Option]) -> list[tuple[int, str]]:
    """Return (place, letter) of each option that is not empty, in the order in which they are shown.

    Single letters are kept, small ones as capitals, and sorted (A to Z; other scripts stay in their order); no option
    takes over the letter of an empty one. Other labels (1 to 5) give way to the letter of the place. Raises RowError
    `labels_not_unique` when two labels are equal, or an option's own letter would have to be another.
    """
    labels = [option.label.strip().upper() if option.label.isascii() else option.label.strip() for option in options]
    if len(set(labels)) < len(labels):
        raise RowError("labels_not_unique", "two options of one label")
    own = [len(label) == 1 and label.isalpha() for label in labels]
    if not all(own):
        by_place = [letter(place) for place in range(len(options))]
        if any(mine and label != other for mine, label, other in zip(own, labels, by_place, strict=True)):
            raise RowError("labels_not_unique", "letters among other labels, and out of their place")
        labels = by_place
    order = [(place, labels[place]) for place, option in enumerate(options) if option.text]
    has_order = all(own) and all(label.isascii() for label in labels)
    return sorted(order, key=lambda one: one[1]) if has_order else order


def gold_of(row: Row, spec: Any, options: list[Option], kind: str, separator: str) -> list[int]:
    """Return the places of the right options, in rising order. Raises RowError `gold_not_in_options`."""
    value = find(row, spec)
    answers = value if isinstance(value, list) else [value]
    if separator and isinstance(value, str):
        answers = [part for part in value.split(separator) if part.strip()]
    places = {_place(answer, options, kind) for answer in answers}
    if not places:
        raise RowError("gold_not_in_options", "no answer")
    return sorted(places)


def _place(answer: Any, options: list[Option], kind: str) -> int:
    given = "" if answer is None or isinstance(answer, (dict, list)) else plain(answer, "answer").strip()
    if kind in ("index", "ordinal"):
        shift = 1 if kind == "ordinal" else 0
        found = [int(given) - shift] if given.isascii() and given.isdigit() else []
    elif kind == "label":
        found = [n for n, option in enumerate(options) if given and option.label.casefold() == given.casefold()]
    else:
        found = [n for n, option in enumerate(options) if given and option.text == given]
    if len(found) != 1 or not 0 <= found[0] < len(options) or not options[found[0]].text:
        raise RowError("gold_not_in_options", f"by {kind}: {len(found)} of {len(options)} options")
    return found[0]
