"""One URL to its end: allowed by list and robots, in its turn, through redirects, retried where that may help.

Every address on the way is judged anew, so a redirect leads nowhere that a link could not. A server that asks for time
(Retry-After, 429, 503) gets it, up to a limit; then the link is given up and says so. The answer is not read here but
for what it reserves; whoever called stores it first. Not here: which links there are (`sources.web.crawl`), and
sockets (`sources.web.fetch`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from pipelines.engine.sandbox import attempt
from pipelines.engine.secrets import redact
from sources.web.clock import Clock
from sources.web.exchange import FETCH_REASONS, Refusal, Refused, Response, header, location
from sources.web.frontier import MAX_ITEMS, Outcome
from sources.web.pace import Pace, retry_after_s
from sources.web.policy import Exchange, Policies
from sources.web.render import RENDER_REASONS
from sources.web.reservation import Reservation, signals
from sources.web.robots import ROBOTS_REASONS
from sources.web.url import ALLOWLIST_REASONS, URL_REASONS, Allowlist, Url, parse

MAX_REDIRECTS = 5
ATTEMPTS = 3
MAX_WAIT_S = 300.0
"""A link waits for its host no longer than this before it is asked for again; beyond, it is given up."""
HEAD_BYTES = 256 << 10
"""How much of a page is looked through for its meta elements."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_PASSING = frozenset({"connect_failed", "connect_timeout", "dns_failed", "no_response", "reset", "too_slow"})
_STATUSES = frozenset(f"http_{status.value}" for status in HTTPStatus) | {"http_other"}
DROPPED = frozenset(
    {"bad_link", "crawl_delay_too_long", "duplicate_url", "nofollow", "noindex", "robots_disallowed", MAX_ITEMS}
    | ALLOWLIST_REASONS
    | URL_REASONS
)
"""Reasons of policy; all others are failures, which quarantine a link."""
PASSING_ROBOTS = frozenset({"robots_too_many_requests", "robots_unavailable", "robots_unreachable"})
"""A site whose robots.txt cannot be had is closed for now; its links wait for a later run."""
PASSING_REASONS = (
    _PASSING | PASSING_ROBOTS | {f"http_{status}" for status in _BUSY} | {"render_failed", "total_timeout"}
)
"""Failures that may be gone another time: a later fetch of the same round tries these links again."""
VISIT_REASONS = (
    DROPPED
    | FETCH_REASONS
    | RENDER_REASONS
    | ROBOTS_REASONS
    | _STATUSES
    | {"bad_redirect", "not_asked_for", "too_many_redirects"}
)


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier round has of a page, for a conditional request."""

    etag: str = ""
    last_modified: str = ""

    def headers(self) -> dict[str, str]:
        """Return the conditional request headers."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in asked.items() if value}


@dataclass(slots=True)
class Visit:
    """What came of a URL: all exchanges in order, and the answer (200 or 304) if there is one."""

    url: str
    outcome: Outcome = field(default_factory=lambda: Outcome("kept"))
    asked: list[Response] = field(default_factory=list)
    answer: Response | None = None
    rendered: Response | None = None
    """The answer as a browser shows it, when the source is rendered."""
    beside: list[Response] = field(default_factory=list)
    """The exchanges that the page asked for while it was rendered."""
    leads_to: str = ""
    """The address whose bytes another link had brought already, when that is why there is no page here."""
    robots: str = ""
    reservation: Reservation | None = None

    @property
    def page(self) -> Response | None:
        """What is to be read: the rendered page, or the answer."""
        return self.rendered or self.answer


class Visitor:
    """Visits URLs of one source, in any number of tasks; hosts are kept apart by their pace."""

    def __init__(
        self, agent: str, exchange: Exchange, allowlist: Allowlist, pace: Pace, policies: Policies, clock: Clock
    ) -> None:
        self._agent, self._exchange, self._allowlist = agent, exchange, allowlist
        self._pace, self._policies, self._clock = pace, policies, clock

    def judge(self, url: str) -> tuple[str, str, Outcome | None]:
        """Return a link's one spelling, its host (empty when it has none), and why it is not visited, if so."""
        try:
            place = parse(url)
        except Refusal as refusal:
            return url, "", outcome_of(refusal)
        try:
            self._listed(place)
        except Refusal as refusal:
            return str(place), place.host, outcome_of(refusal)
        return str(place), place.host, None

    async def visit(
        self, url: str, known: Known | None = None, is_stored: Callable[[str], bool] = lambda _: False
    ) -> Visit:
        """Visit a URL; `is_stored` says of an address that its bytes are kept already, so it is not asked for."""
        visit = Visit(url)
        try:
            place = parse(url)
            for _ in range(MAX_REDIRECTS + 1):
                self._listed(place)
                if is_stored(str(place)):
                    visit.leads_to = str(place)
                    raise Refusal("duplicate_url", f"{place.host}: a link led there before")
                answer = await self._step(place, known, visit)
                if answer.status not in _REDIRECTS:
                    await self._finish(place, answer, known, visit)
                    return visit
                place = _next(place, answer)
            raise Refusal("too_many_redirects", f"more than {MAX_REDIRECTS}")
        except Refusal as refusal:
            visit.outcome = outcome_of(refusal)
            return visit

    def _listed(self, place: Url) -> None:
        why = self._allowlist.refusal(place)
        if why is not None:
            raise Refusal(why, f"{place.origin} is not among the hosts of the source")

    async def _step(self, place: Url, known: Known | None, visit: Visit) -> Response:
        """Ask one address, again when that may help. Raises Refusal when there is no answer."""
        rules = await self._policies.rules(place)
        visit.robots = rules.refusal(self._agent, str(place)) or "allowed"
        if visit.robots != "allowed":
            raise Refusal(visit.robots, rules.detail or place.origin)
        self._pace.set_delay(place.host, rules.delay_s(self._agent) or 0)
        sent = known.headers() if known else {}
        for tried in range(1, ATTEMPTS + 1):
            async with self._pace.turn(place.host):
                answer = await self._exchange(place, sent)
                rest_s = self._rest_s(place, answer)
            if isinstance(answer, Response):
                visit.asked.append(answer)
            if rest_s is None or rest_s > MAX_WAIT_S or tried == ATTEMPTS:
                break
        if isinstance(answer, Refused):
            raise Refusal(answer.reason, answer.detail)
        return answer

    def _rest_s(self, place: Url, answer: Response | Refused) -> float | None:
        """Let a host rest that is busy or out of reach, and say for how long; None when it answered."""
        if isinstance(answer, Refused):
            return self._pace.slow_down(place.host) if answer.reason in _PASSING else None
        if answer.status not in _BUSY:
            return None
        return self._pace.slow_down(place.host, retry_after_s(header(answer, "retry-after"), self._clock.now()))

    async def _finish(self, place: Url, answer: Response, known: Known | None, visit: Visit) -> None:
        """Judge the last answer. Raises Refusal unless it is a page, or says that ours still stands."""
        if answer.status == HTTPStatus.NOT_MODIFIED and not (known and known.headers()):
            raise Refusal("not_asked_for", "304 without a condition")
        if answer.status not in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
            reason = f"http_{answer.status}"
            raise Refusal(reason if reason in _STATUSES else "http_other", f"status {answer.status}")
        visit.reservation = await self.judged(place, answer)
        visit.answer = answer

    async def judged(self, place: Url, answer: Response) -> Reservation:
        """Return what a page and its site reserve."""
        rules = await self._policies.rules(place)
        tdmrep, ai_txt = await self._policies.mining(place)
        head = answer.body[:HEAD_BYTES]
        told = attempt(signals, answer.headers, head, rules.body, tdmrep, ai_txt, str(place))
        unread = Reservation(tdm_reserved=True, evidence=(f"cannot be read: {told.error}",))
        return told.value or unread  # a page that trips us may not stop a crawl, nor count as silent


def outcome_of(refusal: Refusal) -> Outcome:
    """Return what a refusal makes of a link: dropped where policy or the site says so, else quarantined."""
    told = refusal.reason.removeprefix("http_")
    gone = told.isdecimal() and 300 <= int(told) < 500 and int(told) not in _BUSY
    return Outcome(
        "dropped" if gone or refusal.reason in DROPPED else "quarantined", refusal.reason, redact(refusal.detail)
    )


def _next(place: Url, answer: Response) -> Url:
    target = location(answer)
    if not target:
        raise Refusal("bad_redirect", f"status {answer.status} without a Location")
    return place.join(target)
