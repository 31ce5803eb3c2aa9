"""The kinds of identifiers of networks: e-mail, URLs that carry a token or an address, IP and MAC addresses.

An author's e-mail goes as a patient's does: it is no fact of medicine. A plain URL stays, as do numbers of sections,
versions and enzymes, which look like IP addresses. Not here: handles, which a cue tells (`privacy_cued`).
"""

import ipaddress
import re

from pipelines.stages.privacy_kinds import Kind, cue_words, shape
from pipelines.stages.privacy_numbers import IP
from pipelines.stages.privacy_scan import AT, HEX, QUERY

_LOCAL = r"[\w!#$%&'*+/=?^`{|}~-](?:[\w.!#$%&'*+/=?^`{|}~-]{0,62}[\w!#$%&'*+/=?^`{|}~-])?"
_CARRIED = (
    r"(?:access_?token|auth_?token|id_token|token|api_?key|apikey|key|sig"
    r"|signature|auth|session(?:_?id)?|sid|jsessionid|phpsessid"
    r"|password|passwd|pwd|secret|e-?mail|user(?:_?name|_?id)?|uid|login"
    r"|mrn|patient(?:_?id|_?name)?|nhs(?:_?no)?|dob|phone|ssn)"
)


def _is_address(line: str, start: int, end: int) -> bool:
    """Say whether four numbers are an IP address; sections (12.1.3.2), versions and enzymes (EC 3.4.21.4) are not."""
    try:
        octets = ipaddress.IPv4Address(line[start:end]).packed
    except ValueError:
        return False
    if re.search(r"(?i)\bIPv?4?\b[^.\n]{0,40}$", line[:start]):
        return True
    long = sum(octet > 9 for octet in octets)
    is_named = re.search(r"(?i)\b(?:v|version|section|table|fig(?:ure)?|EC|release|build|chapter)\.?\s*$", line[:start])
    return not is_named and octets[0] > 7 and (long > 2 or sum(octet > 99 for octet in octets) > 1)


def _is_ipv6(line: str, start: int, end: int) -> bool:
    try:
        return ipaddress.IPv6Address(line[start:end]).packed[:2] > b"\x00\xff" and end - start > 6
    except ValueError:
        return False


NETWORK_KINDS: tuple[Kind, ...] = (
    Kind(
        "url",
        (
            shape(rf"(?i)\bhttps?://[^\s<>\"|]*?[?&#;]{_CARRIED}=[^\s<>\"|]*[^\s<>\"|.,;:)\]]"),
            shape(
                r"(?i)\bhttps?://[^\s<>\"|]*(?:@|%40)[^\s<>\"|]*[^\s<>\"|.,;:)\]]",
                lambda line, a, b: bool(re.search(r"[?#][^?#]*(?:@|%40)|//[^/@]*@", line[a:b])),
            ),
        ),
        QUERY | AT,
        cue_words("sessionid=*, token=*, %40*"),
        is_personal=False,
        has_digits=False,
    ),
    Kind(
        "email",
        (
            shape(rf"(?<![\w.]){_LOCAL}@(?:[\w-]+\.)+[^\W\d_]{{2,}}(?![\w-])"),
            shape(
                r"(?i)(?<![\w.])[\w.+-]{2,64} ?(?:\(at\)|\[at\]) ?(?:[\w-]+(?:\.| ?(?:\(dot\)|\[dot\]) ?))+[a-z]{2,}\b"
            ),
        ),
        AT,
        cue_words("(at)*, [at]*"),
        is_personal=False,
        has_digits=False,
    ),
    Kind(
        "mac",
        (
            shape(
                r"(?i)(?<![\w:-])[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}(?![\w:-])",
                lambda line, a, b: not line[a:b].isalpha() and len(set(line[a:b])) > 3,
            ),
        ),
        HEX,
        is_personal=False,
    ),
    Kind(
        "ip",
        (
            shape(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)", _is_address),
            shape(r"(?i)(?<![\w:])(?:[0-9a-f]{1,4}:{1,2}){2,7}[0-9a-f]{1,4}(?![\w:])", _is_ipv6),
        ),
        IP,
        cue_words("ip address, ipv6, ipv4, adresse ip, dirección ip, endereço ip,  ip , ip:"),
        is_personal=False,
    ),
)
