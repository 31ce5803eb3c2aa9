"""Read JSON (RFC 8259) and nothing else: what the standard library lets pass is refused here.

`json` accepts NaN and Infinity, turns 1e999 into infinity, keeps the last of two equal keys, lets half of a
surrogate pair through, and meets its own recursion limit on deep input. Each of these changes or loses data
without a word, or cannot be written as UTF-8 later. A number with a fraction or an exponent also keeps the text that
stands in the file, as 0.50 and 1e3 written again are 0.5 and 1000.0. One byte-order mark at the start is
passed over (files from Windows have it); any encoding but UTF-8 is refused. Speed is that of the library's C scanner.
"""

import json
import math
import re
from typing import Any, NoReturn, Self

MAX_DEPTH = 100
_MAX_DIGITS = 1000
_BOM = b"\xef\xbb\xbf"
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_STRING = re.compile(rb'"(?>[^"\\]+|\\.)*+"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Written(float):
    """A number that knows its literal in the file: 0.50 is the double 0.5, and `0.50` as a text."""

    __slots__ = ("literal",)
    literal: str

    def __new__(cls, literal: str) -> Self:
        """Return the number that a JSON literal stands for."""
        number = super().__new__(cls, literal)
        number.literal = literal
        return number


def loads(data: bytes) -> Any:
    """Return the value of one JSON text; numbers are int or `Written`.

    Raises ValueError with a short reason that quotes no text.
    """
    if data.startswith(_BOM):
        data = data[len(_BOM) :]
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        _check_depth(data)
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise ValueError(f"deeper than {MAX_DEPTH}") from None
    if _SURROGATE_ESCAPE.search(data):
        _check_surrogates(value)
    return value


def _check_depth(data: bytes) -> None:
    """Count brackets outside strings; on text that is not JSON the count may err, and the parser refuses it."""
    depth = 0
    for bracket in _STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise ValueError(f"deeper than {MAX_DEPTH}")


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key occurs twice in one object")
    return mapping


def _finite(literal: str) -> Written:
    number = Written(literal)
    if math.isinf(number):
        raise ValueError("a number is too large for a double")
    if not number and re.search(r"[1-9]", re.split("[eE]", literal)[0]):
        raise ValueError("a number is too small for a double")
    return number


def _whole(literal: str) -> int | Written:
    if len(literal) > _MAX_DIGITS:
        raise ValueError(f"an integer has more than {_MAX_DIGITS} digits")
    return Written(literal) if literal == "-0" else int(literal)


def _refuse(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_int=_whole, parse_constant=_refuse, strict=True
)
