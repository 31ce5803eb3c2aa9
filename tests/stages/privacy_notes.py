"""Synthetic clinical notes with identifiers of every kind, for the recall of `privacy`. Nobody in them exists.

Names are drawn from lists that the detector never reads, by region of the world, and announced as people there do.
Check digits are computed here from the issuers' rules, apart from the stage's own code. Each note tells which values
must go and which clinical lines must stay.
"""

import itertools
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

REGIONS: dict[str, dict[str, list[str]]] = json.loads(
    (Path(__file__).parent / "cases" / "privacy_names.json").read_text()
)
"""By region given names, family names, and how a person is announced there."""
UNCUED = "unannounced"
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
CLINICAL = (
    "BP 128/84 mmHg, pulse 96, temp 38.4 °C, SpO2 93% on air.",
    "Artesunate 2.4 mg/kg IV at 0, 12 and 24 hours, then daily.",
    "Hb 7.2 g/dL, WBC 11.4 x 10^9/L, platelets 85,000 per microlitre.",
    "CD4 <200 cells/mm3; viral load 45,000 copies/ml.",
    "No evidence of Parkinson's disease or Hodgkin lymphoma.",
    "Seen 14/02/2023, review 21/02/2023.",
    "Amoxicillin 500 mg three times daily for 7 days (ICD-10 J18.9).",
    "See doi:10.1136/bmj.n71 and ISBN 978-3-16-148410-0.",
)


class Note(NamedTuple):
    """A text, the (kind, value) pairs that must not be in it when it was redacted, and lines that must stay."""

    text: str
    values: list[tuple[str, str]]
    clinical: list[str]


def notes(count: int, seed: int) -> Iterator[Note]:
    """Yield so many notes, each with an announced name and nine other kinds; the same for the same seed."""
    rng = random.Random(seed)
    regions = sorted(REGIONS)
    for number in range(count):
        region = regions[number % len(regions)]
        name = full_name(rng, region)
        cue = rng.choice(REGIONS[region]["frames"])
        head = cue.format(name) + ("" if ":" in cue else " was seen today.")
        values = [(f"name {region}", name)]
        lines = []
        for kind in rng.sample(sorted(MAKERS), 9):
            value = MAKERS[kind](rng)
            lines.append(rng.choice(FRAMES[kind]).format(value))
            values.append((kind, value))
        if number % 4 == 0:
            other = full_name(rng, rng.choice(regions))
            if other != name:
                lines.append(f"Discussed with {other} at the bedside.")
                values.append((UNCUED, other))
        clinical = rng.sample(CLINICAL, 3)
        body = [*lines, *clinical]
        rng.shuffle(body)
        yield Note("\n".join([head, *body]), values, clinical)


def full_name(rng: random.Random, region: str) -> str:
    """Return a given name and a family name of a region."""
    return f"{rng.choice(REGIONS[region]['given'])} {rng.choice(REGIONS[region]['family'])}"


def _digits(rng: random.Random, count: int, first: str = "0123456789") -> str:
    return rng.choice(first) + "".join(rng.choice("0123456789") for _ in range(count - 1))


def _grouped(digits: str, sizes: list[int], joint: str) -> str:
    cuts = [sum(sizes[:at]) for at in range(len(sizes) + 1)]
    return joint.join(digits[a:b] for a, b in itertools.pairwise(cuts))


def luhn_digit(digits: str) -> str:
    total = 0
    for at, digit in enumerate(digits[::-1]):
        doubled = int(digit) * 2 if at % 2 == 0 else int(digit)
        total += doubled // 10 + doubled % 10
    return str(-total % 10)


D5 = ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
      "5987604321", "6598710432", "7659821043", "8765932104", "9876543210")  # fmt: skip
P8 = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")
INVERSE = "0432156789"


def verhoeff_digit(digits: str) -> str:
    check = 0
    for at, digit in enumerate(digits[::-1], 1):
        check = int(D5[check][int(P8[at % 8][int(digit)])])
    return INVERSE[check]


def _card(rng: random.Random) -> str:
    body = rng.choice(["4", "51", "55", "6011"])
    body += _digits(rng, 15 - len(body))
    return _grouped(body + luhn_digit(body), [4, 4, 4, 4], rng.choice([" ", "-", ""]))


def _za(rng: random.Random) -> str:
    body = (
        f"{rng.randrange(100):02}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}{_digits(rng, 4)}0{rng.choice('89')}"
    )
    return body + luhn_digit(body)


def _aadhaar(rng: random.Random) -> str:
    body = _digits(rng, 11, "23456789")
    return _grouped(body + verhoeff_digit(body), [4, 4, 4], " ")


def _nhs(rng: random.Random) -> str:
    while True:
        body = _digits(rng, 9, "4679")
        check = 11 - sum(int(d) * w for d, w in zip(body, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            return _grouped(body + str(check % 11), [3, 3, 4], rng.choice([" ", ""]))


def _cpf(rng: random.Random) -> str:
    body = _digits(rng, 9)
    for _ in range(2):
        rest = sum(int(d) * w for d, w in zip(body, range(len(body) + 1, 1, -1), strict=True)) % 11
        body += "0" if rest < 2 else str(11 - rest)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def _nir(rng: random.Random) -> str:
    body = (
        f"{rng.choice('12')}{rng.randrange(100):02}{rng.randrange(1, 13):02}{rng.randrange(1, 96):02}{_digits(rng, 6)}"
    )
    return _grouped(body + f"{97 - int(body) % 97:02}", [1, 2, 2, 2, 3, 3, 2], rng.choice([" ", ""]))


def _dni(rng: random.Random) -> str:
    letters = "TRWAGMYFPDXBNJZSQVHLCKE"
    if rng.random() < 0.3:
        digits = _digits(rng, 7)
        return f"X{digits}{letters[int(digits) % 23]}"
    digits = _digits(rng, 8)
    return digits + letters[int(digits) % 23]


def _iban(rng: random.Random) -> str:
    country, size = rng.choice([("DE", 18), ("FR", 23), ("ES", 20), ("SA", 20), ("MT", 27)])
    body = _digits(rng, size)
    check = 98 - int(body + "".join(str(ord(letter) - 55) for letter in country) + "00") % 97
    whole = f"{country}{check:02}{body}"
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4)) if rng.random() < 0.5 else whole


def _phone(rng: random.Random) -> str:
    three, four = _digits(rng, 3, "23456789"), _digits(rng, 4)
    area = _digits(rng, 3, "23456789")
    return rng.choice(
        [
            f"({area}) {three}-{four}",
            f"{area}-{three}-{four}",
            f"+1 {area} {three} {four}",
            f"+254 7{_digits(rng, 2)} {three} {_digits(rng, 3)}",
            f"0{rng.choice('67')} {_grouped(_digits(rng, 8), [2, 2, 2, 2], ' ')}",
            f"+91 {_digits(rng, 5, '6789')} {_digits(rng, 5)}",
            f"07{_digits(rng, 3)} {_digits(rng, 6)}",
            f"+55 11 9{four}-{_digits(rng, 4)}",
            f"080{_digits(rng, 1)} {three} {four}",
            f"+33{_digits(rng, 9, '67')}",
        ]
    )


def _birth(rng: random.Random) -> str:
    day, month, year = rng.randrange(1, 29), rng.randrange(1, 13), rng.randrange(1930, 2020)
    name = MONTHS[month - 1]
    return rng.choice(
        [
            f"{day:02}/{month:02}/{year}",
            f"{year}-{month:02}-{day:02}",
            f"{day} {name} {year}",
            f"{name} {day}, {year}",
            f"{day}.{month}.{year}",
            f"{day} {name[:3]} {year}",
        ]
    )


def _word(rng: random.Random, size: int) -> str:
    return "".join(rng.choice("abcdefghijklmnoprstuvwz") for _ in range(size))


def _address(rng: random.Random) -> str:
    street, number = rng.choice(["Acacia", "Market", "Station", "Nkrumah", "Gandhi", "Hill"]), rng.randrange(1, 999)
    return rng.choice(
        [
            f"{number} {street} {rng.choice(['Street', 'Road', 'Avenue', 'Lane'])}",
            f"{number} rue {rng.choice(['Pasteur', 'des Lilas'])}",
            f"Calle {street} {number}",
            f"Rua {street} {number}",
            f"Plot {number}, {street} Road",
            f"P.O. Box {number}",
        ]
    )


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "email": lambda r: (
        f"{_word(r, 5)}{r.choice('._')}{_word(r, 4)}@{_word(r, 6)}" + r.choice([".org", ".co.ke", ".fr"])
    ),
    "phone": _phone,
    "mrn": lambda r: r.choice([_digits(r, 8), f"H{_digits(r, 6)}", f"{_digits(r, 3)}-{_digits(r, 4)}"]),
    "us_ssn": lambda r: f"{r.randrange(100, 666)}-{r.randrange(10, 100)}-{r.randrange(1000, 10000)}",
    "uk_nhs": _nhs,
    "in_aadhaar": _aadhaar,
    "br_cpf": _cpf,
    "fr_nir": _nir,
    "es_dni": _dni,
    "za_id": _za,
    "passport": lambda r: r.choice("ABCEKPZ") + _digits(r, r.choice([7, 8])),
    "address": _address,
    "birth_date": _birth,
    "iban": _iban,
    "account": lambda r: _digits(r, r.choice([8, 10, 12])),
    "card": _card,
    "url": lambda r: (
        f"https://{_word(r, 6)}.example.org/{_word(r, 4)}?" + f"{r.choice(['token', 'api_key', 'email'])}={_word(r, 9)}"
    ),
    "ip": lambda r: f"{r.randrange(100, 224)}.{r.randrange(100, 255)}.{r.randrange(255)}.{r.randrange(255)}",
    "mac": lambda r: ":".join(f"{r.randrange(16, 256):02x}" for _ in range(6)),
    "plate": lambda r: f"K{r.choice('ABCD')}{r.choice('EFGH')} {_digits(r, 3)}{r.choice('JKLM')}",
    "handle": lambda r: f"@{_word(r, 6)}{r.randrange(10, 99)}",
}
FRAMES = {
    "email": ("Email: {}", "Results go to {}.", "({})"),
    "phone": ("Phone: {}", "Tel {}", "Mobile no. {}.", "She can be reached at {}"),
    "mrn": ("MRN: {}", "Hospital number {}", "Medical record no. {}"),
    "us_ssn": ("SSN {}", "SSN: {}.", "Social Security number {}"),
    "uk_nhs": ("NHS number {}", "NHS No: {}."),
    "in_aadhaar": ("Aadhaar: {}", "Aadhaar card {} was shown."),
    "br_cpf": ("CPF: {}", "CPF {}, solteiro"),
    "fr_nir": ("NIR : {}", "Sécurité sociale {}."),
    "es_dni": ("DNI {}", "NIE: {}."),
    "za_id": ("ID number: {}", "SA ID {}."),
    "passport": ("Passport no. {}", "Passport: {}"),
    "address": ("Address: {}", "Lives at {}.", "Resides at {}, with family."),
    "birth_date": ("DOB: {}", "Date of birth {}", "Born on {} at home.", "née le {}"),
    "iban": ("IBAN: {}", "IBAN {}."),
    "account": ("Account number: {}", "Account no. {}"),
    "card": ("Paid by card {}", "Card: {}."),
    "url": ("Portal: {}", "See {} for results."),
    "ip": ("IP address {}", "Logged in from {}."),
    "mac": ("Monitor MAC {}", "Device {}."),
    "plate": ("Licence plate {}", "Number plate: {}."),
    "handle": ("Twitter: {}", "Instagram {}"),
}
