"""What a whole site says about mining, in files of its own: tdmrep.json, ai.txt, and lines of robots.txt.

tdmrep.json (W3C CG report of 2024, 6.2): the first rule in sequence whose location matches. As the same sentence calls
that the most specific one, the longest is looked at as well, and a 1 of either reserves. ai.txt (Spawning): the grammar
of robots.txt over file types, so a page also has the suffix of its media type; dialects such as `AI-Training: no` are
understood. robots.txt: Content-Signal and Content-Usage lines of our group, of `*` and above all groups.
A file that is missing or cannot be read says nothing. Whether a page may be fetched at all: `sources.web.robots`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from sources.web.robots import Rules, matches
from sources.web.robots_lines import SIGNAL_FIELDS
from sources.web.signal import PRODUCT, Effect, Signal, evidence, usage_signals

MAX_BYTES = 1 << 20
_SUFFIXES = {"html": ".html", "pdf": ".pdf", "plain": ".txt"}
_AI_AGENTS = frozenset(
    {
        "ai2bot", "amazonbot", "anthropic-ai", "applebot-extended", "bytespider", "ccbot", "claudebot", "cohere-ai",
        "cohere-training-data-crawler", "diffbot", "facebookbot", "google-extended", "gptbot", "meta-externalagent",
        "omgili",
    }
)  # fmt: skip
_RESERVATIONS = {"0": "0", "0.0": "0", "False": "0", "1": "1", "1.0": "1", "True": "1"}
_TRAINING = re.compile(r"^[ \t]*([\w-]*train(?:ing)?)[ \t]*[:=][ \t]*([^\s#][^\r\n#]*)", re.IGNORECASE | re.MULTILINE)
_NO = re.compile(
    r"(no|none|n|false|0|den(y|ied)|dis-?allow(ed)?|not[ -]\w+|forbid(den)?|prohibit(ed)?)\b", re.IGNORECASE
)


class _TdmRule(NamedTuple):
    location: str
    reservation: str
    policy: str


def tdmrep_signals(body: bytes | None, url: str) -> Iterator[Signal]:
    """Say what a tdmrep.json says of `url`."""
    if not body:
        return
    rules = _tdm_rules(body)
    if rules is None:
        yield Signal("recorded", "tdmrep.json: cannot be read")
        return
    hits = [rule for rule in rules if matches(rule.location, url)]
    if not hits:
        return
    first, longest = hits[0], max(hits, key=lambda rule: len(rule.location))
    for rule in (first,) if longest == first else (first, longest):
        said = evidence("tdmrep.json", rule.location, "tdm-reservation:", rule.reservation)
        yield Signal("reserved" if rule.reservation == "1" else "recorded", said)
        if rule.policy:
            yield Signal("recorded", evidence("tdmrep.json", rule.location, "tdm-policy:", rule.policy))


@lru_cache(maxsize=64)
def _tdm_rules(body: bytes) -> tuple[_TdmRule, ...] | None:
    """Return the rules that say 0 or 1 in their order; None for what is no list of rules. One rule alone is a list."""
    try:
        told = json.loads(body) if len(body) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        return None
    listed = [told] if isinstance(told, dict) else told
    if not isinstance(listed, list):
        return None
    return tuple(rule for one in listed if isinstance(one, dict) and (rule := _tdm_rule(one)))


def _tdm_rule(told: dict[Any, Any]) -> _TdmRule | None:
    values = {str(name).strip().lower(): str(value).strip() for name, value in told.items() if value is not None}
    reservation = _RESERVATIONS.get(values.get("tdm-reservation", ""))
    if reservation is None or "location" not in values:
        return None
    path = re.sub(r"^https?://[^/]*", "", values["location"])
    return _TdmRule(path or "/", reservation, values.get("tdm-policy", ""))


def ai_txt_signals(body: bytes | None, url: str, media_type: str) -> Iterator[Signal]:
    """Say what an ai.txt says of `url`, which was served as `media_type`."""
    if not body:
        return
    rules = _rules(body[:MAX_BYTES])
    suffix = next((suffix for kind, suffix in _SUFFIXES.items() if kind in media_type), "")
    path = url.partition("#")[0].partition("?")[0]
    typed = f"{path}index{suffix}" if path.endswith("/") else f"{path}{suffix}"
    if any(rules.refusal(PRODUCT, place) == "robots_disallowed" for place in (url, typed)):
        yield Signal("reserved", evidence("ai.txt disallows", path, f"as {suffix}" if suffix else ""))
    yield from _agent_signals("ai.txt", rules, url)
    yield from _training_signals("ai.txt", body[:MAX_BYTES], url)


def robots_txt_signals(body: bytes | None, url: str) -> Iterator[Signal]:
    """Say what a robots.txt says of the use of `url`."""
    if not body:
        return
    rules = _rules(body[:MAX_BYTES])
    ours = {*rules.groups.of(PRODUCT), "*"}
    yield from _usage_lines("robots.txt", rules.groups.signals, url)
    for key, lines in sorted(rules.groups.lines.items()):
        where = f"robots.txt {key}:"
        for signal in _usage_lines(where, lines, url):
            yield signal if key in ours else Signal("recorded", signal.evidence)
    yield from _agent_signals("robots.txt", rules, url)
    yield from _training_signals("robots.txt", body[:MAX_BYTES], url)


def _usage_lines(where: str, lines: Iterable[tuple[str, str]], url: str) -> Iterator[Signal]:
    """Read Content-Signal and Content-Usage lines; those that name a path speak of that path only."""
    for name, value in lines:
        path, _, uses = value.partition(" ") if value.startswith(("/", "*")) else ("/", "", value)
        if name in SIGNAL_FIELDS and matches(path, url):
            yield from usage_signals(f"{where} {name}:", uses)


def _agent_signals(where: str, rules: Rules, url: str) -> Iterator[Signal]:
    known = sorted(_AI_AGENTS & set(rules.groups.lines))
    shut = [agent for agent in known if rules.refusal(agent, url) == "robots_disallowed"]
    if shut:
        yield Signal("recorded", evidence(where, "disallows it to", ", ".join(shut)))


def _training_signals(where: str, body: bytes, url: str) -> Iterator[Signal]:
    """Read lines such as `AI-Training: disallow`, `Allow-Training: no`, `DisallowAITraining: /path`."""
    for name, value in _TRAINING.findall(body.decode("utf-8", "replace")):
        effect: Effect = "reserved" if _refuses(name.lower(), value.strip(), url) else "recorded"
        yield Signal(effect, evidence(where, f"{name}:", value))


def _refuses(name: str, value: str, url: str) -> bool:
    if not name.startswith(("disallow", "no-")):
        return bool(_NO.match(value))
    return matches(value, url) if value.startswith(("/", "*")) else not _NO.match(value)


@lru_cache(maxsize=64)
def _rules(body: bytes) -> Rules:
    return Rules(body)
