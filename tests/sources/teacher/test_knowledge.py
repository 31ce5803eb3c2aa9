"""A base reads the same from YAML and Parquet; DDXPlus in both releases; what does not hold together is told."""

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.engine.errors import ConfigError
from sources.teacher.knowledge_files import folder_of_knowledge, knowledge_digest, load_knowledge
from sources.teacher.knowledge_parquet import write_knowledge

SMALL = Path(__file__).parent / "small_base"
DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))


def test_yaml_and_parquet_hold_the_same_base(tmp_path: Path) -> None:
    base = load_knowledge(SMALL)
    assert base.conditions["TB"].findings[0].basis == "cited"
    assert not base.conditions["TB"].clinician_reviewed
    write_knowledge(base, tmp_path)
    again = load_knowledge(tmp_path)
    assert (again.conditions, again.evidences, again.settings) == (base.conditions, base.evidences, base.settings)
    older = pq.read_table(tmp_path / "evidences.parquet").drop_columns(["sayings"])
    pq.write_table(older, tmp_path / "evidences.parquet")
    load_knowledge.cache_clear()
    assert load_knowledge(tmp_path).evidences == base.evidences


def test_the_digest_follows_every_file(tmp_path: Path) -> None:
    for file in SMALL.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    before = knowledge_digest(tmp_path)
    assert before == knowledge_digest(SMALL)
    (tmp_path / "terms.yaml").write_text("FEVER: {en: [febrile]}\n")
    (tmp_path / "sayings.yaml").write_text("FEVER: {en: [hot forehead]}\n")
    after = knowledge_digest(tmp_path)
    assert after != before
    assert load_knowledge(tmp_path).evidences["FEVER"].terms == {"en": ("febrile",)}
    assert load_knowledge(tmp_path).evidences["FEVER"].sayings == {"en": ("hot forehead",)}


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("conditions.yaml", "evidence: FEVER, probability: 0.6", "evidence: FEVRE, probability: 0.6", "FEVRE"),
        ("conditions.yaml", "value: V_BLOOD", "value: V_BLUE", "V_BLUE"),
        ("conditions.yaml", "red_flags: [CONVULSIONS]", "red_flags: [FITS]", "FITS"),
        ("conditions.yaml", "citation: BOOK", "citation: BOOKS", "BOOKS"),
        ("conditions.yaml", "probability: 0.6", "probability: 60", "less than or equal to 1"),
        ("settings.yaml", "TB: 50", "TBC: 50", "TBC"),
        ("settings.yaml", "level: health-centre", "level: tent", "health-centre"),
    ],
)
def test_what_does_not_hold_together_is_told(tmp_path: Path, file: str, old: str, new: str, told: str) -> None:
    for one in SMALL.iterdir():
        text = one.read_text()
        assert one.name != file or old in text
        (tmp_path / one.name).write_text(text.replace(old, new) if one.name == file else text)
    with pytest.raises(ConfigError, match=told):
        load_knowledge(tmp_path)


def test_a_base_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        folder_of_knowledge("nowhere", tmp_path)
    assert folder_of_knowledge(str(SMALL), tmp_path) == SMALL


def test_a_question_of_ddxplus_that_we_have_no_words_for_goes_by_itself(tmp_path: Path) -> None:
    question = {"question_en": "Do you hiccup?", "question_fr": "Avez-vous le hoquet?", "is_antecedent": False}
    evidence = {**question, "data_type": "B", "default_value": 0, "value_meaning": {}, "possible-values": []}
    condition = {"cond-name-eng": "A", "cond-name-fr": "B", "severity": 2, "symptoms": {"E_999": {}}, "antecedents": {}}
    (tmp_path / "release_evidences.json").write_text(json.dumps({"E_999": {**evidence, "code_question": "E_999"}}))
    (tmp_path / "release_conditions.json").write_text(json.dumps({"A": condition}))
    base = load_knowledge(tmp_path)
    assert base.evidences["E_999"].topic == {}
    assert base.condition_named("B") is base.conditions["A"]


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA is unset or missing")
def test_both_releases_of_ddxplus_are_one_base_but_for_their_codes() -> None:
    english, french = (load_knowledge(DATA / "ddx" / f"ddxplus_{release}") for release in ("en", "fr"))
    assert len(english.conditions) == len(french.conditions) == 49
    assert len(english.evidences) == len(french.evidences) == 223
    assert all(evidence.topic.keys() == {"en", "fr"} for evidence in english.evidences.values())
    assert [e.topic for e in english.evidences.values()] == [e.topic for e in french.evidences.values()]
    assert [c.severity for c in english.conditions.values()] == [c.severity for c in french.conditions.values()]
