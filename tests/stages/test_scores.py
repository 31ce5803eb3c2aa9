"""Scores by rules and by models that are trained here: template pages, density, and what thresholds on them drop."""

import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.engine.errors import InputError
from pipelines.scores_train import read_labels, train
from pipelines.stages.consolidate import Consolidate, ConsolidateConfig
from pipelines.stages.scores import Scores, ScoresConfig, is_template
from pipelines.stages.scores_model import MOST_TOKENS, buckets, load_model, score
from sources.document import Document, to_table
from sources.rights import rights_from

CASES = json.loads((Path(__file__).parent / "cases" / "scores.json").read_text(encoding="utf-8"))
MEDICAL = ["fever", "dose", "child", "treatment", "tablet", "infection", "nurse", "clinic", "vaccine", "symptom"]
OTHER = ["market", "football", "river", "engine", "guitar", "ticket", "kitchen", "senate", "forest", "harvest"]
BOTH = ["the", "a", "of", "and", "in", "with", "for", "on", "at", "by"]


def passage(dice: random.Random, label: int) -> str:
    words = (MEDICAL if label else OTHER) + BOTH * 2
    return " ".join(dice.choice(words) for _ in range(40))


def labels(path: Path, count: int = 300, noise: float = 0.0) -> Path:
    dice = random.Random(count)
    with path.open("w", encoding="utf-8") as out:
        for number in range(count):
            label = number % 2
            told = 1 - label if dice.random() < noise else label
            out.write(json.dumps({"text": passage(dice, label), "label": told}) + "\n")
    return path


def documents(*texts: str) -> pa.Table:
    rights = rights_from("CC0-1.0", "x")
    return to_table(
        Document(id=str(at), kind="article", source="s", key=str(at), text=text, tokens=9, rights=rights)
        for at, text in enumerate(texts)
    )


@pytest.mark.parametrize("text", CASES["template"])
def test_walls_errors_and_questions_about_cookies_are_templates(text: str) -> None:
    assert is_template(text)


@pytest.mark.parametrize("text", CASES["document"])
def test_documents_are_none_whatever_they_mention(text: str) -> None:
    assert not is_template(text)


def test_rules_score_density_and_nothing_for_nothing() -> None:
    clinical = "Malaria with fever and convulsions: artesunate first; look for anaemia, then for hypoglycaemia."
    plain = "The committee met in the town hall and spoke about the road to the harbour and its lamps."
    table = Scores(ScoresConfig()).apply(documents(clinical, plain, "la " * 500, "", "page not found")).table
    first, second, third, nothing, page = (dict(row) for row in table["scores"].to_pylist())
    assert first["medical_density"] > 20 > 1 > second["medical_density"]
    assert third["information_density"] < 0.1 < second["information_density"]
    assert nothing == {}
    assert (first["whole_page"], page["whole_page"]) == (1.0, 0.0)


def test_a_model_learns_what_labels_say_and_its_file_is_the_same_each_time(tmp_path: Path) -> None:
    told = train(labels(tmp_path / "labels.jsonl"), tmp_path / "model")
    assert told.auc > 0.99
    assert "too few" in told.warning
    train(tmp_path / "labels.jsonl", tmp_path / "again")
    assert (tmp_path / "model").read_bytes() == (tmp_path / "again").read_bytes()
    model = load_model(tmp_path / "model")
    assert model.card["auc"] == round(told.auc, 4)
    dice = random.Random(9)
    values = score(model, *buckets(pa.array([passage(dice, 1), passage(dice, 0), ""], pa.large_string())))
    assert values[0] > 0.7 > 0.3 > values[1]
    assert np.isnan(values[2])


def test_labels_without_a_pattern_give_a_curve_without_area(tmp_path: Path) -> None:
    told = train(labels(tmp_path / "labels.jsonl", 600, noise=0.5), tmp_path / "model")
    assert 0.3 < told.auc < 0.7


def test_a_score_is_that_of_the_text_alone_in_any_batch(tmp_path: Path) -> None:
    train(labels(tmp_path / "labels.jsonl"), tmp_path / "model")
    stage = Scores(ScoresConfig(models={"medical": str(tmp_path / "model")}))
    dice = random.Random(3)
    texts = [passage(dice, n % 2) for n in range(7)] + ["é" * 90_000, "word " * (3 * MOST_TOKENS), "中文 " * 20_000, ""]
    whole = stage.apply(documents(*texts)).table["scores"].to_pylist()
    single = [stage.apply(documents(text)).table["scores"].to_pylist()[0] for text in texts]
    assert [dict(row) for row in whole] == [pytest.approx(dict(row), abs=1e-6) for row in single]


def test_thresholds_drop_by_name_and_leave_what_has_no_score() -> None:
    table = documents("page not found", "Give oral rehydration for diarrhoea and look again after an hour.", "12")
    found = Scores(ScoresConfig()).apply(table).table
    config = ConsolidateConfig(min_scores={"whole_page": 0.5, "unknown": 1})
    batch = Consolidate(config).apply(table, {"scores": found}, {})
    assert {row: (why.reason, why.detail) for row, why in batch.rejected.items()} == {
        0: ("low_score", "whole_page 0.000")
    }


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["{}"], "line 1"),
        (['{"text": "a", "label": 2}'], "label"),
        (['{"text": "a", "label": 1}'] * 49, "at least 50"),
        ([json.dumps({"text": str(n), "label": 1}) for n in range(60)], "one label"),
    ],
)
def test_labels_that_cannot_be_used_are_told(tmp_path: Path, lines: list[str], told: str) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=told):
        train(path, tmp_path / "model")


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"x" * 100)
    for path, told in (("model", "no model"), ("nowhere", "cannot be read")):
        with pytest.raises(InputError, match=told):
            load_model(tmp_path / path)
    assert read_labels(labels(tmp_path / "labels.jsonl", 60))
