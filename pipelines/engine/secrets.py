"""Takes secrets out of whatever is written or shown: tokens, keys, passwords, e-mail addresses, authorisation headers.

Four nets, from certain to likely: the values of our own secret environment variables (plain, URL-encoded, base64),
known token shapes, URLs (user info and named query parameters), and assignments such as `token=...`. Digests, DOIs,
record keys and long chemical names pass: a secret is known by its name or shape, never by its length alone.
For logs, events, errors and provenance URLs; never for document text, which the privacy stage treats.
"""

import base64
import os
import re
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote, unquote_plus

REDACTED = "[redacted]"

_SECRET_NAME = re.compile(r"(TOKEN|KEY|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?(?![A-Z])", re.IGNORECASE)
_MIN_CHARACTERS = 8

_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<![A-Za-z0-9])(?:"
    r"hf_(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{8,}|sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}|(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|gh[oprsu]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[a-z]-[A-Za-z0-9-]{8,}|AIza[\w-]{30,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)",
    re.DOTALL,
)
_HEADER = re.compile(
    r"\b(Bearer|Basic|Digest|ApiKey|Negotiate|Token)(\s+)(?!\[redacted\])([\w.~+/=:-]{8,})", re.IGNORECASE
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}(?:@|%40)(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_URL = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s<>\"'`]*[^\s<>\"'`.,:;)]")
_STRONG = r"api[_-]?key|access[_-]?key(?:[_-]?id)?|secret[_-]?key|private[_-]?key|secret|password|passwd|passphrase|pwd"
_MAYBE = r"(?:(?<![A-Za-z])|access|refresh|auth|bearer|session|id)token"
_ASSIGNMENT = re.compile(
    rf"(?P<name>(?<![\w-])[\w-]{{0,40}}?(?:(?P<strong>{_STRONG})|{_MAYBE}|credentials?))"
    r"(?P<sep>[\"']?\s*[:=]\s*[\"']?)(?!\[redacted\]|<)(?P<value>[^\s\"'&]+)",
    re.IGNORECASE,
)
_FLAG = re.compile(rf"(--[\w-]{{0,40}}?(?:{_STRONG}|{_MAYBE})\s+)(?!-|\[redacted\])(\S+)", re.IGNORECASE)
_PARAMETER = re.compile(
    rf"{_STRONG}|e-?mail|mail|mailto|.*token|auth|authorization|session(?:_?id)?|sig|signature|credentials?"
    r"|x-(?:amz|goog)-(?:signature|credential|security-token)|awsaccesskeyid|googleaccessid",
    re.IGNORECASE,
)
_RANDOM_CHARACTERS = 12


def is_secret_name(name: str) -> bool:
    """Return whether an environment variable of this name holds a secret (`HF_TOKEN` yes, `TOKENIZERS_X` no)."""
    return _SECRET_NAME.search(name) is not None


def redact(text: str) -> str:
    """Return `text` with every secret replaced by `[redacted]`; URLs in it lose secret parameters and user info."""
    text = _redact_values(text)
    text = _URL.sub(lambda match: redact_url(match[0]), text)
    text = _SHAPES.sub(REDACTED, text)
    text = _HEADER.sub(lambda m: f"{m[1]}{m[2]}{REDACTED}" if _is_random(m[3], 8) else m[0], text)
    text = _ASSIGNMENT.sub(_redact_assignment, text)
    text = _FLAG.sub(rf"\1{REDACTED}", text)
    return _EMAIL.sub(REDACTED, text)


def holds_secret_value(text: str) -> bool:
    """Return whether the value of one of our secret environment variables stands in `text`, plain or encoded."""
    return _redact_values(text) != text


def redact_url(url: str) -> str:
    """Return `url` without user info and without secret or e-mail parameters; all else keeps its exact spelling."""
    head, hash_mark, fragment = url.partition("#")
    address, question_mark, query = head.partition("?")
    scheme, slashes, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    address = scheme + slashes + host.rpartition("@")[2] + slash + path if slashes else address
    kept = _kept_parameters(query) if query else ""
    if "=" in fragment:
        fragment = _kept_parameters(fragment)
    if query and not kept:
        question_mark = ""
    clean = address + question_mark + kept + (hash_mark + fragment if fragment or head + "#" == url else "")
    return _EMAIL.sub(REDACTED, _SHAPES.sub(REDACTED, _redact_values(clean)))


def _kept_parameters(query: str) -> str:
    """Return the query without its secret parameters, and without those whose value hides one."""
    kept = []
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        plain = unquote_plus(value)
        random_key = unquote(name).lower() == "key" and _is_random(plain, 20)
        if not (_PARAMETER.fullmatch(unquote(name)) or random_key or redact(plain) != plain):
            kept.append(parameter)
    return "&".join(kept)


def _redact_assignment(match: re.Match[str]) -> str:
    """Redact `name=value` for names that always mean a secret; else, and in prose, only what looks random."""
    structured = any(mark in match["sep"] for mark in "=\"'")
    certain = match["strong"] is not None and structured
    if not certain and not _is_random(match["value"], 8 if structured else _RANDOM_CHARACTERS):
        return match[0]
    return f"{match['name']}{match['sep']}{REDACTED}"


def _is_random(value: str, least_characters: int) -> bool:
    """Return whether letters and digits, or cases, alternate as they do in no word and no number."""
    classes = re.findall(r"[A-Z]+|[a-z]+|[0-9]+", value)
    return len(value) >= least_characters and len(classes) >= 3 and any(map(str.isalpha, classes))


def _redact_values(text: str) -> str:
    values = {os.environ[name] for name in _secret_names(tuple(os.environb))}
    pattern = _values_pattern(tuple(sorted(value for value in values if len(value) >= _MIN_CHARACTERS)))
    return pattern.sub(REDACTED, text) if pattern else text


@lru_cache(maxsize=8)
def _secret_names(names: tuple[bytes, ...]) -> tuple[str, ...]:
    """Return which variables of an environment hold a secret; asked at each URL, so not looked for each time."""
    return tuple(name for name in map(os.fsdecode, names) if is_secret_name(name))


@lru_cache(maxsize=8)
def _values_pattern(values: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return a pattern of all forms of the values, longest first; None for no values."""
    forms = {form for value in values for form in _forms(value)}
    return re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None


def _forms(value: str) -> set[str]:
    """Return the value as it looks plain, URL-encoded, and inside base64 at each of the three byte alignments."""
    data = value.encode(errors="surrogateescape")
    encoded = quote(data, safe="")
    forms = {value, encoded, encoded.lower(), quote(data), quote_plus(data), base64.b64encode(data).decode()}
    for lead in range(3):
        usable = len(data) - (lead + len(data)) % 3
        whole = base64.b64encode(b"\0" * lead + data[:usable]).decode()[(0, 2, 3)[lead] :]
        forms |= {whole, whole.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= _MIN_CHARACTERS - 1}
