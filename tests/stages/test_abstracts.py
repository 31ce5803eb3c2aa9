"""An abstract goes when its full text is in the run, known by PMID, PMCID or DOI; never for a title, or for nothing."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fakes.pmc import Article, jats
from fakes.pmc_runs import INLINE

from pipelines.load import load_run
from pipelines.run import run as run_all
from pipelines.stages.abstracts import AbstractKeys, AbstractsConfig, resolve
from sources.document import Document, to_table
from sources.rights import rights_from


def document(id: str, kind: str = "article", **fields: Any) -> Document:
    return Document(**{"id": id, "kind": kind, "source": "a", "key": id, "text": "text", "tokens": 1, **fields})


def dropped(*documents: Document, profile: Any = "research-internal") -> dict[str, str]:
    keys = AbstractKeys(AbstractsConfig(profile=profile)).apply(to_table(documents)).table
    table = resolve(keys)
    assert table == resolve(pa.concat_tables([keys.slice(n, 1) for n in reversed(range(keys.num_rows))]))
    assert set(table["reason"].to_pylist()) <= {"abstract_of"}
    return dict(zip(table["id"].to_pylist(), table["survivor"].to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("article", "abstract"),
    [
        ({"pmid": "123"}, {"pmid": "123"}),
        ({"pmcid": "PMC5", "doi": "10.1/a"}, {"pmid": "9", "pmcid": "PMC5"}),
        ({"doi": "10.1000/Ab.1"}, {"doi": "https://doi.org/10.1000/ab.1"}),
    ],
)
def test_one_shared_identifier_is_enough(article: dict[str, str], abstract: dict[str, str]) -> None:
    both = document("full", identifiers=article), document("short", "abstract", identifiers=abstract)
    assert dropped(*both) == {"short": "full"}


@pytest.mark.parametrize(
    ("article", "abstract"),
    [
        ({"pmid": "123"}, {"pmid": "1234"}),
        ({"pmid": "5"}, {"pmcid": "5"}),
        ({}, {}),
        ({"isbn": "1"}, {"isbn": "1"}),
    ],
)
def test_anything_less_is_not(article: dict[str, str], abstract: dict[str, str]) -> None:
    both = document("full", identifiers=article), document("short", "abstract", identifiers=abstract)
    assert dropped(*both) == {}


def test_an_article_stands_for_its_abstract_only_where_it_may_be_used_or_must_not_live_on() -> None:
    same = {"identifiers": {"pmid": "1"}}
    open_abstract = document("short", "abstract", rights=rights_from("CC0-1.0"), **same)
    assert dropped(document("full", **same), open_abstract, profile="open") == {}
    assert dropped(document("full", rights=rights_from("CC-BY-4.0"), **same), open_abstract, profile="open")
    assert dropped(document("full", retracted=True, **same), open_abstract, profile="open") == {"short": "full"}


def test_articles_and_two_abstracts_of_one_work_are_no_abstracts_of_each_other() -> None:
    same = {"identifiers": {"doi": "10.1/x"}}
    assert dropped(document("a", **same), document("b", **same)) == {}
    assert dropped(document("a", "abstract", **same), document("b", "abstract", **same)) == {}
    assert dropped(document("z", **same), document("b", **same), document("s", "abstract", **same)) == {"s": "b"}


def test_a_run_drops_it_and_names_the_survivor(tmp_path: Path) -> None:
    whole = jats(7, Article())
    front = whole[: whole.index(b"<body>")] + b"</article>"
    alone = jats(8, Article())
    (tmp_path / "in").mkdir()
    (tmp_path / "in/whole.xml").write_bytes(whole)
    (tmp_path / "in/front.xml").write_bytes(front)
    (tmp_path / "in/alone.xml").write_bytes(alone[: alone.index(b"<body>")] + b"</article>")
    path = tmp_path / "run.yaml"
    path.write_text(
        f"name: a\nout: {tmp_path}/out\nseed: 1\nsources: [{{name: j, kind: article, path: in}}]\n"
        "stages: [{kind: normalize}, {kind: abstracts}, {kind: consolidate}]\n"
    )
    ledger = run_all(load_run(path), INLINE).manifests["consolidate"].ledger.total()
    assert (ledger.records_in, ledger.records_kept, dict(ledger.dropped)) == (3, 2, {"abstract_of": 1})
