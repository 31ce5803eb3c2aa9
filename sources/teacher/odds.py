"""Shares, multiples and counts in words: "half of such cases", "un sur dix", "these three diagnoses".

How likely a disease is comes from structure alone and stands in the ranked list, so an answer's own words hold none.
"Both" and "two" are left alone, as French says "les deux" for both. Not here: numbers in digits (`marked_answer`).
"""

import re

from sources.teacher.differential_values import NUMBER_WORDS
from sources.teacher.mentions import Reading

_ODDS = {
    "en": re.compile(
        r"\bper ?cent|\b(?:times|in|of|to) (?:two|three|four|five|six|seven|eight|nine|ten|twenty|a hundred|hundred)\b"
        r"|\b(?:half|halves|quarters?|thirds|fifths?|tenths?|hundred(?:th)?s?|thousand(?:th)?s?|dozens?|twice|odds|percentages?)\b"
        r"|\b(?:a|one) (?:third|fourth)\b",
        re.I,
    ),
    "fr": re.compile(
        r"\bpour ?cents?\b|\bsur (?:deux|trois|quatre|cinq|six|sept|huit|neuf|dix|vingt|cent|mille)\b"
        r"|\b(?:moitié|quarts?|tiers|cinquièmes|dixièmes?|centièmes?|millièmes?|centaines?|dizaines?|milliers?|pourcentages?|double|triple)\b",
        re.I,
    ),
}


def tells_odds(reading: Reading, language: str) -> bool:
    """Say whether a text holds a share, a multiple, or a count above two in words."""
    counting = NUMBER_WORDS[language][3:]
    return _ODDS[language].search(reading.text) is not None or any(t.word in counting for t in reading.tokens)
