"""The host of a URL, in one spelling only: an A-label name in lower case, or a public address in its plain notation.

Everything that two programs could read differently is refused rather than mended: short, octal or hexadecimal IPv4,
zone ids, percent signs, empty labels. Names outside ASCII go through UTS 46 (non-transitional, STD3 rules) first, so
that full-width digits and dots are judged as what they become. Names that only private networks answer are refused by
name. Not here: what a name resolves to (`sources.web.fetch`).
"""

import re
from ipaddress import IPv4Address, IPv6Address

import idna

from sources.web.address import refusal as address_refusal
from sources.web.exchange import Refusal

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST = 253
_PRIVATE_NAMES = (
    "arpa", "corp", "home", "internal", "intranet", "lan", "local", "localdomain", "localhost", "onion", "private"
)  # fmt: skip
"""Top labels that no public resolver answers (RFC 6761, 6762, 7686, 8375, ICANN's `internal`, and common habits)."""


def plain_host(host: str) -> str:
    """Return the one spelling of `host` (an IPv6 address without brackets), or raise Refusal."""
    if host.startswith("["):
        return _ipv6(host)
    if not host or "%" in host or len(host) > _LONGEST:
        raise Refusal("bad_host", f"{host[:80]!r} is no host name")
    name = _ascii(host).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(host, name)
    if labels[-1] in _PRIVATE_NAMES:
        raise Refusal("private_name", f"{name} is answered by private networks only")
    if len(labels) < 2 or len(name) > _LONGEST or not all(map(_LABEL.fullmatch, labels)):
        raise Refusal("bad_host", f"{host[:80]!r} is no host name of the public internet")
    return name


def _ascii(host: str) -> str:
    if host.isascii() and "xn--" not in host.lower():
        return host.lower()
    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError as exc:
        raise Refusal("bad_host", f"{host[:80]!r} is no international name: {exc}") from exc


def _ipv4(written: str, name: str) -> str:
    """Accept only the four plain decimal numbers; `127.1`, `0177.0.0.1`, `2130706433` and dots at the end are odd."""
    try:
        address = IPv4Address(name)
    except ValueError as exc:
        raise Refusal("odd_address", f"{written[:80]!r} is an IPv4 address in an odd notation") from exc
    if str(address) != written:
        raise Refusal("odd_address", f"{written[:80]!r} is {address} in an odd notation")
    return _public(str(address))


def _ipv6(written: str) -> str:
    try:
        address = IPv6Address(written.removeprefix("[").removesuffix("]"))
    except ValueError as exc:
        raise Refusal("odd_address", f"{written[:80]!r} is no IPv6 address") from exc
    if address.scope_id is not None or not written.endswith("]"):
        raise Refusal("odd_address", f"{written[:80]!r} is an IPv6 address in an odd notation")
    return _public(str(address))


def _public(address: str) -> str:
    why = address_refusal(address)
    if why is not None:
        raise Refusal("address_not_global", why)
    return address
