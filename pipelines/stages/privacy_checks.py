"""Check digits of identifiers: whether a string of digits can be a card, an IBAN or a national number at all.

They tell an identifier from a dose, a year or an accession number where no word announces it. Each follows the
public rule of its issuer; the argument has no spaces or hyphens. Not here: finding candidates (`privacy_kinds`).
"""

_TIMES = tuple(
    tuple(
        (left + right) % 5 if left < 5 and right < 5
        else 5 + (left + right) % 5 if left < 5
        else 5 + (left - 5 - right) % 5 if right < 5
        else (left - right) % 5
        for right in range(10)
    )
    for left in range(10)
)  # fmt: skip
"""Multiplication in the dihedral group of order ten (Verhoeff 1969)."""
_SWAP = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_LONGEST_IBAN, _SHORTEST_IBAN = 34, 15


def luhn(digits: str) -> bool:
    """Say whether the last digit is that of ISO/IEC 7812 (cards, South African ids)."""
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def verhoeff(digits: str) -> bool:
    """Say whether the last digit is Verhoeff's (Aadhaar)."""
    check = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(at % 8):
            value = _SWAP[value]
        check = _TIMES[check][value]
    return check == 0


def iban(value: str) -> bool:
    """Say whether an IBAN has a possible length and leaves 1 modulo 97 (ISO 13616)."""
    if not _SHORTEST_IBAN <= len(value) <= _LONGEST_IBAN:
        return False
    moved = value[4:] + value[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def nhs(digits: str) -> bool:
    """Say whether ten digits are a number of the English, Welsh or Manx NHS: weights 10 to 2, modulo 11."""
    check = -sum(int(digit) * (10 - at) for at, digit in enumerate(digits[:9])) % 11
    return check == int(digits[9]) and len(set(digits)) > 1


def cpf(digits: str) -> bool:
    """Say whether the two last of eleven digits are those of a Brazilian CPF."""
    for length in (9, 10):
        rest = sum(int(digit) * (length + 1 - at) for at, digit in enumerate(digits[:length])) * 10 % 11 % 10
        if rest != int(digits[length]):
            return False
    return len(set(digits)) > 1


def nir(value: str) -> bool:
    """Say whether the two last of fifteen characters are the key of a French NIR; Corsica is 2A and 2B."""
    number = value[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(value[13:])


def dni(value: str) -> bool:
    """Say whether the letter of a Spanish DNI (eight digits) or NIE (X, Y or Z and seven) is right."""
    number = value[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI_LETTERS[int(number) % 23] == value[-1]


def za_id(digits: str) -> bool:
    """Say whether thirteen digits are a South African id: a date, citizenship 0 to 2, and Luhn's digit."""
    month, day = int(digits[2:4]), int(digits[4:6])
    return 1 <= month <= 12 and 1 <= day <= 31 and digits[10] in "012" and luhn(digits)


def us_ssn(digits: str) -> bool:
    """Say whether nine digits can be a US social security number: no part is all noughts, area not 666 or from 900."""
    area = digits[:3]
    return area not in ("000", "666") and area < "900" and digits[3:5] != "00" and digits[5:] != "0000"


def card(digits: str) -> bool:
    """Say whether digits can be a payment card: an issuer's first digits, a length that it uses, and Luhn's digit."""
    lengths = {"3": (14, 15), "4": (13, 16, 19), "5": (16,), "6": (16, 19), "2": (16,)}.get(digits[0], ())
    is_issued = digits[0] not in "23" or digits[:2] in ("34", "36", "37", "38") or "2221" <= digits[:4] <= "2720"
    return len(digits) in lengths and is_issued and luhn(digits) and len(set(digits)) > 1
