"""The guard at work: whatever a name, a look-up or a redirect says, no connection to an address that is not public."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes.web.ask import HOST, TEXT, fetch, fetcher, reason, whole
from fakes.web.scripts import redirect
from fakes.web.server import Web

from sources.web.address import refusal
from sources.web.exchange import Refusal
from sources.web.fetch import Refused, Response
from sources.web.url import Url, parse

HERE = Path(__file__).parent
ADDRESSES = json.loads((HERE / "address_cases.json").read_text("utf-8"))
URLS = json.loads((HERE / "url_cases.json").read_text("utf-8"))
PRIVATE = [case["address"] for case in ADDRESSES if not case["public"]]
PUBLIC = [case["address"] for case in ADDRESSES if case["public"]]


def ask_all(web: Web, urls: Sequence[Url]) -> list[Response | Refused]:
    async def ask() -> list[Response | Refused]:
        one = fetcher(web)
        return [await one.exchange(url) for url in urls]

    return asyncio.run(ask())


def serve_everywhere(web: Web) -> None:
    """Let a server answer at every address, so that only the guard keeps a connection from being made."""
    web.site(HOST, answers=[PRIVATE, PUBLIC]).page("/", TEXT)


def test_no_name_leads_to_a_private_address(web: Web) -> None:
    serve_everywhere(web)
    orders = (
        [[bad] for bad in PRIVATE] + [["93.184.216.34", bad] for bad in PRIVATE] + [[bad, "1.1.1.1"] for bad in PRIVATE]
    )
    hosts = [f"host{number}.example.org" for number in range(len(orders))]
    web.wire.answers.update({host: [order] for host, order in zip(hosts, orders, strict=True)})
    outcomes = ask_all(web, [parse(f"https://{host}/") for host in hosts])
    assert len(outcomes) >= 3 * 120
    assert {reason(outcome) for outcome in outcomes} == {"address_not_global"}
    assert web.connect.attempts == []


def test_no_spelling_of_a_url_leads_to_a_private_address(web: Web) -> None:
    """Refused URLs never reach the fetcher; even a `Url` forged around the parser finds no private address."""
    serve_everywhere(web)
    for case in URLS:
        if "refused" in case:
            with pytest.raises(Refusal):
                parse(case["url"])
    forged = [Url("https", host, 443, "/") for host in (*PRIVATE, "0x7f.1", "localhost") if host.isascii()]
    outcomes = ask_all(web, forged)
    assert {reason(outcome) for outcome in outcomes} <= {"address_not_global", "dns_failed"}
    assert web.connect.attempts == []


def test_public_addresses_are_connected_to_as_they_were_checked(web: Web) -> None:
    for number, address in enumerate(PUBLIC):
        web.site(f"host{number}.example.org", answers=[[address]]).page("/", TEXT)
    outcomes = ask_all(web, [parse(f"https://host{number}.example.org/") for number in range(len(PUBLIC))])
    assert [whole(outcome).address for outcome in outcomes] == PUBLIC
    assert web.connect.attempts == [(address, 443) for address in PUBLIC]


@pytest.mark.parametrize("bad", ["127.0.0.1", "169.254.169.254", "fd00:ec2::254", "::ffff:10.0.0.1"])
def test_a_name_that_changes_its_mind_gains_nothing(web: Web, bad: str) -> None:
    """Rebinding: one look-up an exchange, so the second answer can only be refused, never connected to."""
    site = web.site("rebind.example.org", answers=[["93.184.216.77"], [bad], ["93.184.216.77"]])
    site.page("/", TEXT)
    web.wire.ports.update({f"{bad}:443": web.wire.ports["93.184.216.77:443"]})
    outcomes = ask_all(web, [parse("https://rebind.example.org/")] * 3)
    assert [getattr(outcome, "reason", "") for outcome in outcomes] == ["OK", "address_not_global", "OK"]
    assert web.connect.attempts == [("93.184.216.77", 443)] * 2
    assert len(web.resolver.asked) == 3


def test_redirects_are_never_followed_here(web: Web) -> None:
    """Each hop is asked for anew by the visit, so a redirect is checked like any other URL."""
    site = web.site(HOST)
    for number, target in enumerate(["https://127.0.0.1/", "https://inner.example.org/", "//169.254.169.254/latest"]):
        site.on(f"/{number}", redirect(target))
    web.site("inner.example.org", answers=[["10.0.0.5"]])
    moved = [whole(fetch(web, f"https://{HOST}/{number}")) for number in range(3)]
    assert [answer.status for answer in moved] == [302] * 3
    assert reason(fetch(web, "https://inner.example.org/")) == "address_not_global"
    assert {refusal(address) for address, _ in web.connect.attempts} == {None}


def test_a_lookalike_cannot_answer_for_another_name(web: Web) -> None:
    """A name pointed at another site's address fails in TLS, because that site has no certificate for it."""
    web.site(HOST).page("/", TEXT)
    web.wire.answers["guide.example.net"] = web.wire.answers[HOST]
    assert reason(fetch(web, "https://guide.example.net/")) == "tls_failed"
    assert web.requests == []
