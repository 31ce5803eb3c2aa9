"""JMESPath expressions in options, and the texts that they find in JSON.

An expression is compiled when the options are checked. One that meets values of kinds it was not written for (a
function of texts, given an object) finds a changed structure, not an error. Numbers keep the digits of the answer (a
version 1.10 is no 1.1); functions of the library take no number with a fraction therefore, comparisons do.
"""

from functools import lru_cache
from typing import Annotated, Any

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator

from sources.connectors.answer import changed, text_at


@lru_cache(256)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def found(expression: str, value: Any) -> Any:
    """Return what `expression` finds in a JSON value. Raises Unreadable structure_changed when it does not fit."""
    try:
        return _compiled(expression).search(value)
    except (JMESPathError, TypeError, ValueError, OverflowError):  # `contains` of the library raises TypeError
        raise changed(f"values that {expression!r} fits", "values of another kind") from None


def found_texts(expression: str, value: Any) -> list[str]:
    """Return the texts and numbers that `expression` finds, one or a list of them."""
    result = found(expression, value)
    results = result if isinstance(result, list) else [result]
    return [text for each in results if (text := text_at({"": each}, ""))]


def checked(expression: str) -> str:
    """Return `expression`. Raises ValueError when it is no JMESPath."""
    try:
        _compiled(expression)
    except JMESPathError as error:
        raise ValueError(f"{expression!r} is no JMESPath expression: {str(error).splitlines()[0]}") from None
    return expression


Expression = Annotated[str, AfterValidator(checked)]
"""A JMESPath expression in an option."""
