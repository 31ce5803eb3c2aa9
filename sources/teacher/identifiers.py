"""Addresses, numbers, titles and names by their shape: what could point to a person, in a case or an answer.

Not here: names that only their capital shows (`named`).
"""

import re
from collections.abc import Container, Iterator, Sequence

_IDENTIFIERS = (
    re.compile(r"(?<=[\w.+-])@[\w-]+\.\w+|https?://|www\."),
    re.compile(r"\d(?<![\d.]\d)(?:[ .-]?\d){7,}(?!\d)"),
    re.compile(r"\b\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)?\d\d\b|\b(?:19|20)\d\d-\d\d-\d\d\b"),
    re.compile(
        r"\b(?:Mr|Mrs|Ms|Miss|Mme|Mlle|Dr)\.? (?:[A-Z]\. ?)*[A-ZÉÈÀ][a-zéèà]+"
        r"|\b(?:Doctor|Docteur|Nurse|Monsieur|Madame|M\.) [A-ZÉÈÀ][a-zéèà]+"
    ),
    re.compile(r"(?i:\b(?:monsieur|madame|mademoiselle|(?:la|le) petite?|little)) [A-ZÉÈÀ][a-zéèàï]+"),
    re.compile(r"(?i:\b(?:I am|I'm|c'est|je suis)) [A-ZÉÈÀ][a-zéèàï]+ [A-ZÉÈÀ][a-zéèàï]+"),
    re.compile(r"(?:^|[.!?\n] ?)[A-ZÉÈÀ][a-zéèàï]+ [A-ZÉÈÀ][a-zéèàï]+, (?:an? |une? |the )"),
    re.compile(r"\b[A-ZÉÈÀ][a-zéèàï]+ [A-Z]\.(?=,)"),
    re.compile(r", [A-ZÉÈÀ][a-zéèàï]+ [A-ZÉÈÀ][a-zéèàï]+(?=[,.])"),
    re.compile(
        r"(?i:\b(?:named|called|my name is|i am called|je m'appelle|nommée?|prénommée?|appelée?)) [A-ZÉÈÀ][a-zéèàï]+"
    ),
    re.compile(
        r"(?i)\b(?:MRN|ID|file|record|dossier|passport|passeport|card|carte)\b[^.\n]{0,12}?(?:no\.?|n°|number|numéro|#|:)?\s*[A-Z]{0,3}-?\d{4,}"
    ),
    re.compile(
        r"(?i)\b\d+,? (?:rue|avenue|boulevard|street|road|lane)\b|\b\d+ [A-Z][a-z]+ (?:Street|Road|Avenue|Lane)\b"
    ),
)


def identifier_faults(turns: Sequence[tuple[str, str]], known: Container[str]) -> Iterator[tuple[str, str]]:
    """Yield turns that hold what could point to a person; names whose words are all `known` (East Africa) are none."""
    for at, (_, content) in enumerate(turns):
        found = (match[0] for pattern in _IDENTIFIERS for match in pattern.finditer(content))
        if any(not _is_known(text, known) for text in found):
            yield "identifier", f"turn {at}"


def _is_known(text: str, known: Container[str]) -> bool:
    """Say whether a stretch has words with a capital, no number, and none that is not known."""
    capitals = re.findall(r"\b[A-ZÉÈÀ][^\W\d_]+", text)
    return bool(capitals) and not re.search(r"[\d@/]", text) and all(word in known for word in capitals)
