"""Near duplicates go to one verified survivor, clinical twins never; the same bytes whatever shards and order."""

import json
import random
from pathlib import Path

import pytest
from near_planted import Planted, planted
from near_runs import Run, document

from pipelines.stages.dedup_near import NearConfig
from sources.document import Document

DOSE = "Give amoxicillin 40 mg/kg twice daily for five days to children with fast breathing and no danger signs. "
PROSE = [
    "Health workers count the breaths of a calm child for one full minute at the start of every visit.",
    "The mother is asked to return at once if the child becomes worse or cannot drink at all.",
    "A clean cup and a spoon are enough to give fluids at home during the whole illness.",
    "Follow-up takes place after two days, and then again after one week in the nearest clinic.",
    "Stock cards are filled in each evening, and the supervisor signs them at the end of the month.",
]


def text_without(*places: int) -> str:
    return DOSE + " ".join(one for place, one in enumerate(PROSE) if place not in places)


@pytest.fixture(scope="module")
def two_thousand(tmp_path_factory: pytest.TempPathFactory) -> tuple[Planted, Run]:
    found = planted(20261130)
    documents = [document(f"{at:05}", text) for at, text in enumerate(found.texts)]
    return found, Run(tmp_path_factory.mktemp("planted"), documents, before=("dedup_exact",))


def test_planted_near_duplicates_are_found_and_no_twin_is_merged(two_thousand: tuple[Planted, Run]) -> None:
    found, run = two_thousand
    assert (len(found.texts), len(found.twins), len(found.near)) >= (2000, 300, 500)
    assert min(len(found.twins), len(found.near)) >= 300
    assert all(0.7 <= value <= 0.95 for value in found.similarity.values())
    exact = {int(row["id"]): int(row["survivor"]) for row in run.table("dedup_exact").to_pylist()}
    assert all(exact.get(at) == found.exact[at] or exact.get(found.exact[at]) == at for at in found.exact)
    removed = {int(one): int(other) for one, other in run.pairs.items()}
    caught = [at for at in found.near if at in removed or exact.get(found.near[at], found.near[at]) in removed]
    assert len(caught) >= 0.98 * len(found.near)
    twins = {(at, exact.get(original, original)) for at, original in found.twins.items()}
    assert [at for at in found.twins if at in removed] == []
    assert [pair for pair in removed.items() if pair in twins or pair[::-1] in twins] == []


def test_every_removed_document_has_a_survivor_that_stays_and_a_similarity_above_the_threshold(
    two_thousand: tuple[Planted, Run],
) -> None:
    _, run = two_thousand
    assert not set(run.pairs) & set(run.pairs.values())
    assert min(run.removed["jaccard"].to_pylist()) >= NearConfig().threshold
    assert run.facts["judged"]["same"] >= len(run.pairs)
    assert sum(count for kind, count in run.facts["judged"].items() if kind != "same") >= 300


def small() -> list[Document]:
    found = planted(3, 240)
    return [document(f"{at:05}", text, source="ab"[at % 2]) for at, text in enumerate(found.texts)]


def test_shards_and_order_of_documents_and_tasks_do_not_matter(tmp_path: Path) -> None:
    documents = small()
    first = Run(tmp_path / "one", documents, rows=64, priorities={"b": 1})
    assert first.removed.num_rows > 50
    random.Random(4).shuffle(documents)
    for number, rows in enumerate((17, 1000)):
        again = Run(tmp_path / str(number), documents, rows=rows, seed=number, priorities={"b": 1})
        assert again.removed.equals(first.removed)


def test_another_threshold_runs_the_last_step_alone(tmp_path: Path) -> None:
    documents = small()
    strict = Run(tmp_path, documents, NearConfig(threshold=0.9))
    loose = Run(tmp_path, documents, NearConfig(threshold=0.65))
    assert [event["stage"] for event in loose.events.of("stage_started")] == ["dedup_near"]
    assert 0 < strict.removed.num_rows < loose.removed.num_rows


def test_a_chain_removes_only_what_was_compared_with_its_survivor(tmp_path: Path) -> None:
    chain = [text_without(3, 4), text_without(4), text_without(0, 1)]
    texts = {"a": chain[0], "b": text_without(), "c": chain[2]}
    documents = [document(id, text, published=str(2020 + at)) for at, (id, text) in enumerate(texts.items())]
    run = Run(tmp_path, documents, NearConfig(threshold=0.6, bands=64, rows=1))
    assert run.pairs in ({"b": "c"}, {"a": "b"}, {})
    assert "a" not in run.pairs or run.pairs["a"] == "b"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"retracted": True}, {"published": "2024"}),
        ({"extra": json.dumps({"reference_only": True})}, {"source": "b"}),
        ({"source": "b"}, {"published": "2024"}),
        ({"published": "2024"}, {"version": "3"}),
        ({}, {"text": text_without(2)}),
    ],
    ids=["retracted", "held out", "priority", "date", "length"],
)
def test_the_survivor_is_chosen_as_among_exact_duplicates(tmp_path: Path, better: dict, worse: dict) -> None:  # type: ignore[type-arg]
    one = document("1", **{"text": text_without(), **better})
    two = document("0", **{"text": text_without(2), **worse})
    assert Run(tmp_path / "x", [two, one], priorities={"b": 1}).pairs == {"0": "1"}
    assert Run(tmp_path / "y", [one, two], priorities={"b": 1}).pairs == {"0": "1"}


def test_held_out_documents_are_never_removed_and_all_their_near_copies_are(tmp_path: Path) -> None:
    held = json.dumps({"reference_only": True})
    documents = [document(f"test-{at}", text_without(at), extra=held) for at in (0, 1)]
    documents += [document("train", text_without(1), source="b", published="2025", retracted=False)]
    documents += [document("twin", text_without(1).replace("40 mg", "90 mg"))]
    assert Run(tmp_path, documents, before=("dedup_exact",)).pairs == {}
    exact = Run(tmp_path, documents, before=("dedup_exact",)).table("dedup_exact")
    assert dict(zip(exact["id"].to_pylist(), exact["survivor"].to_pylist(), strict=True)) == {"train": "test-1"}
    documents[2] = document("train", text_without(1) + " Please share this page.", source="b", published="2025")
    assert set(Run(tmp_path / "near", documents).pairs) == {"train"}


def test_versions_are_linked_and_not_removed_and_a_near_copy_of_an_old_one_goes(tmp_path: Path) -> None:
    page = {"kind": "guideline", "url": "https://who.int/pneumonia", "title": "Pneumonia in children"}
    old = document("old", text_without(0), **page, retrieved="2020-01-01T00:00:00Z")
    new = document("new", text_without(), **page, retrieved="2023-01-01T00:00:00Z")
    copy = document("copy", text_without(0, 2), source="b")
    documents = [old, new, copy]
    assert Run(tmp_path / "none", documents[:2]).removed.num_rows == 1
    assert Run(tmp_path / "two", documents[:2], before=("dedup_exact", "versions")).pairs == {}
    linked = Run(tmp_path / "linked", documents, before=("dedup_exact", "versions"), priorities={"b": 9})
    assert linked.pairs == {"copy": "old"}
    series = {row["id"]: row["survivor"] for row in linked.table("versions").to_pylist()}
    assert series == {"old": "new", "new": None}


def test_an_exact_duplicate_takes_no_part(tmp_path: Path) -> None:
    documents = [document("a", text_without()), document("b", text_without()), document("c", text_without(2))]
    run = Run(tmp_path, documents, before=("dedup_exact",))
    assert run.pairs == {"c": "a"}
    assert run.table("dedup_exact")["id"].to_pylist() == ["b"]


def test_a_template_with_many_children_stays_affordable_and_loses_what_is_the_same(tmp_path: Path) -> None:
    """150 pages of one template, each with another number and dose, and 50 near copies of some of them."""
    dice = random.Random(8)
    pages = [f"Product number {at}. " + text_without().replace("40 mg", f"{at + 1} mg") for at in range(150)]
    copies = [pages[dice.randrange(150)] + " Please share this page with other readers." for _ in range(50)]
    documents = [document(f"{at:05}", text) for at, text in enumerate(pages + copies)]
    run = Run(tmp_path, documents)
    pairs = sum(ref.rows for ref in run.manifests["dedup_near_pairs"].files())
    assert pairs < 200 * 199 / 2 * 0.7
    assert run.manifests["dedup_near_pairs"].shards[0].facts["large_buckets"] > 0
    assert all(int(one) >= 150 or int(other) >= 150 for one, other in run.pairs.items())
    number = {id: text.partition(".")[0] for id, text in ((one.id, one.text) for one in documents)}
    assert all(number[one] == number[other] for one, other in run.pairs.items())
    assert len(run.pairs) >= 45


def test_a_source_that_is_nearly_wiped_out_raises_an_alarm(tmp_path: Path) -> None:
    texts = [f"Page {at}. " + text_without(at) + f" It has its own {at} end." for at in range(3)]
    documents = [document(f"a{at}", text) for at, text in enumerate(texts)]
    documents += [document(f"b{at}", text + " Share this page.", source="b") for at, text in enumerate(texts)]
    alarms = Run(tmp_path, documents, priorities={"b": 1}).facts["alarms"]
    assert len(alarms) == 1
    assert "source 'a' (article): 3 of 3 documents (100%) are near duplicates" in alarms[0]


def test_texts_without_tokens_and_an_empty_run(tmp_path: Path) -> None:
    documents = [document("a", "— … —"), document("b", "* * *"), document("c", "")]
    assert Run(tmp_path, documents).removed.num_rows == 0
    assert Run(tmp_path / "none", []).removed.num_rows == 0


def test_questions_with_other_answers_are_not_the_same(tmp_path: Path) -> None:
    def mcq(id: str, gold: int, explanation: str = PROSE[0]) -> Document:
        fields = {"question": DOSE, "options": PROSE[1:], "gold": [gold], "explanation": explanation}
        return document(id, "", kind="mcq", mcq={**fields, "split": "train", "subject": None})

    assert Run(tmp_path / "one", [mcq("a", 1), mcq("b", 2)]).pairs == {}
    assert Run(tmp_path / "two", [mcq("a", 1), mcq("b", 1, PROSE[0].upper())]).pairs == {"b": "a"}
