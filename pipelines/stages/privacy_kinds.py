"""The kinds of structured identifiers: what may hold them, the shapes they have, and what makes a shape no identifier.

A shape alone decides where check digits or a country's grouping speak for themselves; else a cue must stand before.
Clinical text is full of numbers that look alike, so what stands around a candidate is asked too: a unit after it, an
ISBN, a trial's number or a DOI before it. To add a kind, write its patterns, append it to `KINDS` and add cases.
Not here: names (`privacy_names`), addresses of networks (`privacy_network`), what only a cue tells (`privacy_cued`).
"""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pipelines.stages import privacy_checks as checks
from pipelines.stages.privacy_numbers import (
    BRACKET,
    CPF,
    FIFTEEN,
    IBAN,
    LUHN,
    NANP,
    NHS,
    NOUGHT,
    PLUS,
    SSN,
    TWELVE,
    WORDED,
)
from pipelines.stages.privacy_scan import LETTERED

Span = tuple[int, int]
Check = Callable[[str, int, int], bool]
"""Of a line and a span in it: whether it is what it looks like."""


class Shape(NamedTuple):
    """A pattern whose group `v`, or all of it, is the identifier where `check` holds."""

    pattern: re.Pattern[str]
    check: Check | None = None

    def find(self, line: str, start: int, end: int) -> Iterator[Span]:
        """Yield the spans of identifiers within [start, end) of a line."""
        for match in self.pattern.finditer(line, start, end):
            span = match.span("v") if "v" in self.pattern.groupindex else match.span()
            if self.check is None or self.check(line, *span):
                yield span


class Kind(NamedTuple):
    """Identifiers of one kind: `bits` of the scan or one of `cues` must be near before its shapes are tried."""

    name: str
    shapes: tuple[Shape, ...]
    bits: int = 0
    cues: tuple[str, ...] = ()
    is_personal: bool = True
    """Whether a text that holds one is the record of a person."""
    has_digits: bool = True
    """Whether a digit must follow a cue soon."""
    least_digits: int = 0
    """How many digits must stand in a row near a cue, with at most two blanks and signs of telephones between."""


_PUBLISHED = re.compile(
    r"(?i)(?:\b(?:isbn|issn|e-?issn|doi|pmid|pmcid|pmc|nct|cas|cas rn|isrctn|actrn"
    r"|ctri|eudract|orcid|arxiv|grants?|awards?|accession|genbank|refseq"
    r"|version|catalog(?:ue)?|cat|lot|patent|icd-?\d*|snomed(?: ct)?"
    r"|loinc|atc|rxnorm|ndc|umls|prospero|ean|gtin|contract)"
    r"(?:[ -]?1[03])?(?: (?:no|number|code|id|nr))?\.?)\W{0,3}[\w./-]{0,12}$"
)
_UNIT = re.compile(
    r"\s?(?:[mkµμn]?g|mcg|[mdµμ]?[lL]|I?U|UI|[mµμ]?mol|mEq|[mckn]?m|%|°|mm ?Hg"
    r"|k?cal|cells?|copies|bp|kb|[kM]?Hz|k?Da|ppm|years?|days?"
    r"|hours?|h|min|weeks?|months?|patients|participants|subjects|people"
    r"|doses|tablets|/(?:mm|[mµμ]?[lL]|kg|day))(?![^\W\d_])"
)
_DATE = re.compile(r"(?:19|20)\d\d[-./ ]\d\d?[-./ ]\d\d?|\d\d?[-./ ]\d\d?[-./ ](?:19|20)\d\d")
_HELP_LINE = re.compile(
    r"(?i)help ?-?lines?|hot ?-?lines?|life ?line|quit ?line|poison|crisis|suicide|toll[- "
    r"]free|call 911|911|emergency (?:number|services)|adverse (?:reaction|event)"
    r"|side effects|vaers|medwatch|cdc-info|numéro vert|ligne d.(?:écoute|appel)|línea "
    r"(?:de ayuda|gratuita)|linha (?:de apoio|gratuita)|disque[- ]saúde"
)
_HELP_CHARS = 120


def is_number(line: str, start: int, end: int) -> bool:
    """Say whether a run of digits may be an identifier: no unit follows, nothing published, no date."""
    token = line[line.rfind(" ", 0, start) + 1 : start].lower()
    if "://" in token or "www." in token or ("10." in token and "/" in token):
        return False
    if _PUBLISHED.search(line, max(0, start - 40), start) or _UNIT.match(line, end):
        return False
    return not _DATE.fullmatch(line, start, end)


def bare(value: str) -> str:
    """Return an identifier as its check digit sees it."""
    return re.sub(r"[\s().\-\u2010-\u2015/]", "", value).upper()


def checked(check: Callable[[str], bool]) -> Check:
    """Return the check of a number by its check digits and by what stands around it."""
    return lambda line, start, end: is_number(line, start, end) and check(bare(line[start:end]))


def is_phone(line: str, start: int, end: int) -> bool:
    """Say whether a number may be a person's telephone: 7 to 15 digits, no dose table, no public help line.

    A help line's number is guidance ("call poison control at 1-800-..."), so it stays where such a word is near.
    """
    digits = re.sub(r"\D", "", line[start:end])
    if not (7 <= len(digits) <= 15 and len(set(digits)) > 1 and is_number(line, start, end)):
        return False
    parts = [int(part) for part in re.findall(r"\d+", line[start:end])]
    steps = {right - left for left, right in itertools.pairwise(parts)}
    is_table = len(parts) > 2 and (all(part % 10 == 0 for part in parts) or len(steps) == 1)
    return not (is_table or _HELP_LINE.search(line, max(0, start - _HELP_CHARS), end + _HELP_CHARS))


def _is_international(line: str, start: int, end: int) -> bool:
    digits = sum(char.isdigit() for char in line[start:end])
    return digits >= 9 and not re.fullmatch(r"\+\d+[.,]\d+", line[start:end]) and is_phone(line, start, end)


def _not_years(line: str, start: int, end: int) -> bool:
    return not re.fullmatch(r"(?:(?:19|20)\d\d[ -]?){3}", line[start:end])


def _is_aadhaar(line: str, start: int, end: int) -> bool:
    return _not_years(line, start, end) and checked(checks.verhoeff)(line, start, end)


def _is_nanp(line: str, start: int, end: int) -> bool:
    parts = re.findall(r"\d+", line[start:end])[-3:]
    return not all(int(part) % 50 == 0 for part in parts) and is_phone(line, start, end)


_B, _E = r"(?<![\w.+\-/,])", r"(?![\w/])(?![.,\-]\d)"


def shape(pattern: str, check: Check | None = None, flags: int = 0) -> Shape:
    """Return a `Shape` from the text of its pattern."""
    return Shape(re.compile(pattern, flags), check)


PHONE_SHAPES = (
    shape(r"(?<![\w+.])\+[1-9]\d{0,2}(?:[  .\-‑]{0,2}(?:\(\d{1,5}\)|\d{1,5})){2,6}(?!\w)", _is_international),
    shape(rf"{_B}(?:1[ .-])?(?:\([2-9]\d\d\)[  -]?|[2-9]\d\d[.‑-])[2-9]\d\d[.‑-]\d{{4}}{_E}", _is_nanp),
    shape(rf"{_B}\([2-9]\d\d\) ?[2-9]\d\d \d{{4}}{_E}", _is_nanp),
    shape(rf"{_B}0[1-9](?:([  .-])\d\d)(?:\1\d\d){{3}}{_E}", is_phone),
    shape(
        rf"{_B}0(?:20[ -]\d{{4}}[ -]\d{{4}}|1\d{{2,3}}[ -]\d{{3}}[ -]\d{{3,4}}|7\d{{3}}[ -]?\d{{3}}[ -]?\d{{3}}){_E}",
        is_phone,
    ),
    shape(rf"{_B}0[789]\d\d?[ -]\d{{3}}[ -]\d{{3,4}}{_E}", is_phone),
    shape(rf"{_B}0[789][01]\d{{8}}{_E}", is_phone),
    shape(rf"{_B}\([1-9]\d\) ?9?\d{{4}}[-‑ ]\d{{4}}{_E}", is_phone),
)


def cue_words(listed: str) -> tuple[str, ...]:
    """Return the cue words of a list with commas."""
    return tuple(listed.split(", "))


KINDS: tuple[Kind, ...] = (
    Kind(
        "iban",
        (shape(rf"{_B}[A-Z]{{2}}\d\d(?: ?[A-Z0-9]{{4}}){{2,7}}(?: ?[A-Z0-9]{{1,4}})?{_E}", checked(checks.iban)),),
        IBAN | LETTERED,
        cue_words("iban"),
    ),
    Kind(
        "card",
        (
            shape(rf"{_B}[2-6]\d{{3}}(?:[ -]?\d{{4}}){{2}}[ -]?\d{{1,4}}{_E}", checked(checks.card)),
            shape(rf"{_B}3[4-8]\d\d[ -]?\d{{6}}[ -]?\d{{4,5}}{_E}", checked(checks.card)),
        ),
        LUHN,
    ),
    Kind(
        "fr_nir",
        (
            shape(
                rf"{_B}[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{{3}} ?\d{{3}} ?\d\d{_E}",
                checked(checks.nir),
            ),
        ),
        FIFTEEN | LETTERED,
        cue_words("2a*, 2b*"),
        least_digits=8,
    ),
    Kind("za_id", (shape(rf"{_B}\d{{6}} ?\d{{4}} ?\d ?\d ?\d{_E}", checked(checks.za_id)),), LUHN),
    Kind(
        "in_aadhaar",
        (
            shape(rf"{_B}[2-9]\d{{3}}([ -])\d{{4}}\1\d{{4}}{_E}(?! \d)", _is_aadhaar),
            shape(r"(?i)(?:aadhaar|aadhar|adhar|uidai|uid)\D{0,20}(?P<v>[2-9]\d{11})\b", checked(checks.verhoeff)),
        ),
        TWELVE,
    ),
    Kind(
        "br_cpf",
        (
            shape(rf"{_B}\d{{3}}\.\d{{3}}\.\d{{3}}-\d\d{_E}", checked(checks.cpf)),
            shape(r"(?i)\bcpf\D{0,15}(?P<v>\d{11})\b", checked(checks.cpf)),
        ),
        CPF | WORDED,
    ),
    Kind(
        "us_ssn",
        (
            shape(rf"{_B}\d{{3}}-\d\d-\d{{4}}{_E}", checked(checks.us_ssn)),
            shape(
                r"(?i)\b(?:ssn|social security)(?: (?:no|number|#))?\W{0,4}(?:is )?(?P<v>\d{3}[ -]?\d\d[ -]?\d{4})\b",
                checked(checks.us_ssn),
            ),
        ),
        SSN | WORDED,
    ),
    Kind(
        "uk_nhs",
        (
            shape(
                r"(?i)\bnhs(?: (?:no|number|num|#))?\W{0,4}(?:is )?(?P<v>\d{3}[ -]?\d{3}[ -]?\d{4})\b",
                checked(checks.nhs),
            ),
            shape(rf"{_B}(?<!\d )\d{{3}} \d{{3}} \d{{4}}{_E}(?! \d)", checked(checks.nhs)),
        ),
        NHS | WORDED,
    ),
    Kind(
        "es_dni",
        (
            shape(r"(?<![\w.+/-])(?:\d{8}|[XYZ]-?\d{7})[- ]?[A-HJ-NP-TV-Z](?![\w-])", checked(checks.dni)),
            shape(r"(?i:\b(?:dni|nie|nif)\b)\W{0,4}(?P<v>\d\d\.\d{3}\.\d{3}-?[A-Z])\b", checked(checks.dni)),
        ),
        LETTERED,
        cue_words("dni, nie, nif"),
    ),
    Kind("phone", PHONE_SHAPES[:1], PLUS, is_personal=False),
    Kind("phone", PHONE_SHAPES[1:3], NANP, is_personal=False),
    Kind("phone", PHONE_SHAPES[3:7], NOUGHT, is_personal=False),
    Kind("phone", PHONE_SHAPES[7:], BRACKET, is_personal=False),
)
"""In the order in which they are tried: of two that overlap the earlier counts."""
