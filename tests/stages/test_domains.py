"""A domain of the open web gives no more than its cap; phrases that only few domains share raise an alarm."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.given import Given, planned
from fakes.runs import run_inline

from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import PlannedStage
from pipelines.stages.consolidate import ConsolidateConfig
from pipelines.stages.consolidation import Consolidation
from pipelines.stages.domains import DomainKeys, DomainsConfig, bursts, domain_of, domain_steps, over_the_cap
from pipelines.stages.exchange import RunFacts
from sources.document import Document, to_table
from sources.rights import rights_from

PLANTED = "the golden root of mount arven heals every fever in one night as the old herdsmen of arven have always known"


def page(number: int, domain: str, text: str = "", kind: str = "replay", **fields: Any) -> Document:
    own = " ".join(f"{word}{number}{domain}" for word in ("river", "table", "cloud", "window", "garden", "bridge"))
    url = f"https://www.{domain}/{number}"
    values = {"id": f"{domain}-{number:03}", "kind": kind, "source": "web", "key": url, "url": url, "tokens": 10}
    return Document(**{**values, "text": f"{own} {text} {own}", "rights": rights_from("CC0-1.0", "x"), **fields})


def keys(documents: list[Document]) -> pa.Table:
    return DomainKeys().apply(to_table(documents)).table


def dropped(documents: list[Document], **config: Any) -> list[str]:
    table = over_the_cap(keys(documents), DomainsConfig(**config))
    backwards = pa.concat_tables([keys([one]) for one in reversed(documents)])
    assert table == over_the_cap(backwards, DomainsConfig(**config))
    return table["id"].to_pylist()


def test_a_domain_gives_no_more_than_its_cap() -> None:
    documents = [page(n, domain) for domain in ("a.example", "b.example") for n in range(9)]
    gone = dropped(documents, max_documents=4)
    assert [sum(name.startswith(domain) for name in gone) for domain in ("a", "b")] == [5, 5]
    assert len(dropped(documents, max_tokens=75)) == 4
    assert dropped(documents) == []


def test_a_larger_cap_keeps_what_a_smaller_one_keeps() -> None:
    documents = [page(n, "a.example") for n in range(20)]
    assert set(dropped(documents, max_documents=12)) < set(dropped(documents, max_documents=5))


@pytest.mark.parametrize(
    "fields",
    [{"kind": "guideline"}, {"kind": "article"}, {"url": None}, {"url": "doi:10.1/x"}, {"url": "https://[bad"}],
)
def test_what_is_trusted_or_has_no_domain_has_no_cap(fields: dict[str, Any]) -> None:
    assert dropped([page(n, "a.example", **fields) for n in range(9)], max_documents=2) == []


def test_exempt_domains_have_no_cap_nor_what_lies_below_them() -> None:
    documents = [page(n, domain) for domain in ("en.wiki.example", "otherwiki.example") for n in range(5)]
    gone = dropped(documents, max_documents=2, exempt=("wiki.example",))
    assert {name.rpartition("-")[0] for name in gone} == {"otherwiki.example"}


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.A.example/x", "a.example"),
        ("http://a.example:80", "a.example"),
        (None, None),
        ("mailto:a@b", None),
    ],
)
def test_domain_of(url: str | None, domain: str | None) -> None:
    assert domain_of(url) == domain


def test_a_phrase_that_many_documents_of_few_domains_share_is_a_burst() -> None:
    text = " ".join(f"{PLANTED} {word}" for word in ("alpha", "beta", "gamma", "delta"))
    planted = [page(n, f"{'ab'[n % 2]}.example", text) for n in range(30)]
    clean = [page(n, "c.example") for n in range(60)]
    (burst,) = bursts(keys([*planted, *clean]), DomainsConfig()).to_pylist()
    assert (burst["domains"], burst["documents"], burst["example"]) == (["a.example", "b.example"], 30, "a.example-000")
    assert burst["phrases"] >= 1


def test_what_many_domains_share_or_few_documents_have_is_none() -> None:
    text = " ".join(f"{PLANTED} {word}" for word in ("alpha", "beta", "gamma", "delta"))
    spread = [page(n, f"{chr(97 + n % 5)}.example", text) for n in range(40)]
    assert bursts(keys(spread), DomainsConfig()).num_rows == 0
    assert bursts(keys(spread[::5][:19]), DomainsConfig()).num_rows == 0
    guidance = [page(n, "a.example", text, kind="guideline") for n in range(30)]
    assert bursts(keys(guidance), DomainsConfig()).num_rows == 0


def test_in_a_run_the_cap_drops_with_its_reason_and_a_burst_raises_an_alarm(tmp_path: Path) -> None:
    text = " ".join(f"{PLANTED} {word}" for word in ("alpha", "beta", "gamma", "delta"))
    documents = tuple(page(n, "a.example", text) for n in range(25))
    stages = planned(Given(documents, 4), {"domains": domain_steps(DomainsConfig(max_documents=10), RunFacts())})
    policy = Consolidation(ConsolidateConfig(), ("domains",))
    stages.append(PlannedStage(policy, {"documents": ("given",), "domains": ("domains",)}))
    manifests = run_inline(LocalDisk(tmp_path), stages)
    refs = manifests["consolidate"].files("rejects")
    rejects = [row for ref in refs for row in pq.read_table(tmp_path / ref.path).to_pylist()]
    assert [(row["reason"], row["detail"]) for row in rejects] == [("domain_cap", "a.example")] * 15
    (alarm,) = manifests["domain_bursts"].shards[0].facts["alarms"]
    assert "25 documents of a.example" in alarm
    assert PLANTED not in alarm
