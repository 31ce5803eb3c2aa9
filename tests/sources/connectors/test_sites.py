"""Every fixture site gives, by its connector, exactly the documents and faults that its folder says."""

import asyncio
from importlib import import_module

import pytest
from fakes.web.server import Web
from fakes.web.sites import load, names

from pipelines.engine.sandbox import Sandbox, SandboxLimits
from sources.connectors.table import CONNECTORS, start_links
from sources.web.clock import SystemClock
from sources.web.fetch import Fetcher
from sources.web.link import FIELDS
from sources.web.url import parse


@pytest.mark.parametrize("name", names())
def test_a_site_gives_its_documents_and_no_others(name: str) -> None:
    site = load(name)
    walk = site.walk(import_module(f"sources.connectors.{site.web.connector}").expand)
    assert [{"url": link.url, "fields": link.fields} for link in walk.items] == site.items
    assert [fault.reason for fault in walk.faults] == site.faults
    assert set(walk.visited) == set(site.pages), "every page of the fixture is needed, and no other"
    assert all(link.fields.keys() <= FIELDS for link in walk.items)


def test_every_connector_has_a_site() -> None:
    assert {load(name).web.connector for name in names()} == set(CONNECTORS)


@pytest.mark.parametrize("name", ["sitemap", "fhir_ig"])
def test_the_sandbox_gives_what_the_function_gives(name: str) -> None:
    site = load(name)
    target = CONNECTORS[site.web.connector]
    expand = import_module(target.partition(":")[0]).expand
    link = start_links(site.web)[0]
    told = {"url": link.url, "role": link.role, "step": link.step, "fields": link.fields}
    body, media_type = site.body(link.url)
    options = {"connector": site.web.options, "link": told, "media_type": media_type}
    with Sandbox(limits=SandboxLimits()) as sandbox:
        records = list(sandbox.run(target, body, link.url, options))
    found = list(expand(body, link.url, options))
    assert [(record["type"], record["url"], record["step"]) for record in records] == [
        ("Link", one.url, one.step) for one in found
    ]


@pytest.mark.parametrize("name", ["html_index", "dspace7"])
def test_a_site_can_be_served(name: str) -> None:
    site = load(name)

    async def fetch_all(web: Web) -> dict[str, bytes]:
        fetcher = Fetcher(
            "medmix-test",
            resolver=web.resolver,
            clock=SystemClock(),
            connect=web.connect,
            ssl_context=web.ssl_context(),
        )
        answers = {url: await fetcher.exchange(parse(url)) for url in site.pages}
        await fetcher.close()
        return {url: getattr(answer, "body", b"") for url, answer in answers.items()}

    with Web() as web:
        site.serve(web)
        served = asyncio.run(fetch_all(web))
    assert served == {url: body for url, (body, _) in site.pages.items()}
