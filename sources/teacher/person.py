"""A person's age and sex in words: a 34-year-old woman, un nourrisson de sexe masculin de 8 mois.

Ages are said as exactly as they are held: years from 2 on, months from 1 month, else days; an age of 0 years, which
DDXPlus has, is "under 1 year". Not here: reading ages back (`differential_checks`).
"""

from dataclasses import dataclass
from typing import Any

_VOWEL_NUMBERS = (8, 11, 18, *range(80, 90))
NEWBORN_DAYS, INFANT_YEARS, CHILD_YEARS, MONTHS_BELOW_YEARS = 28, 2, 15, 2


@dataclass(frozen=True, slots=True)
class Person:
    """`who` names the person at first, `later` afterwards; `age` and `noun` are the parts of `who`."""

    who: str
    later: str
    age: str
    noun: str
    article: str


def age_parts(age_years: float) -> tuple[int, str]:
    """Return an age as a number and its unit: years, months or days; (0, "infant") for 0 years."""
    if age_years == 0:
        return 0, "infant"
    if age_years >= MONTHS_BELOW_YEARS or age_years == 1:
        return round(age_years), "years"
    months = age_years * 12
    return (round(months), "months") if months >= 1 else (max(1, round(age_years * 365)), "days")


def person_of(age_years: float, sex: str, words: Any, language: str) -> Person:
    """Return the words for a person."""
    number, unit = age_parts(age_years)
    if unit == "days" and number < NEWBORN_DAYS:
        stage = "newborn"
    else:
        stage = "infant" if age_years < INFANT_YEARS else "child" if age_years < CHILD_YEARS else "adult"
    noun = words["person"][sex][stage]
    age = words["age"][unit].format(n=number)
    if language == "fr":
        article = "une" if noun in ("fille", "femme") else "un"
    else:
        article = "an" if unit != "infant" and number in _VOWEL_NUMBERS else "a"
    shape = words["who_infant"] if unit == "infant" else words["who"]
    who = shape.format(a=article, age=age, person=noun)
    return Person(who, words["later"][stage], age, noun, article)
