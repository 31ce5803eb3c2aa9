"""DDXPlus's two JSON files as the tables of a knowledge base, in either release (English codes or French ones).

The release lists what a condition may show, and no probability; so every finding comes without one, and whoever needs
likelihoods estimates them from patients (`posterior`). Its evidences are questions: the few words that say what a
question is about are ours (`configs/knowledge/ddxplus/topics.yaml`), found by either release's code. An evidence that
is not among them goes by its question. Not here: patients.
"""

from typing import Any

TYPES = {"B": "binary", "C": "categorical", "M": "multi"}
_PLAIN = {
    "N": {"en": "no", "fr": "non"},
    "O": {"en": "yes", "fr": "oui"},
    "Y": {"en": "yes", "fr": "oui"},
    "NA": {"en": "not specified", "fr": "non précisé"},
}
"""What the release writes as a letter or two."""


def ddxplus_tables(conditions: Any, evidences: Any, topics: Any) -> dict[str, Any]:
    """Return conditions and evidences by code, as `Knowledge` takes them. Raises KeyError for another layout."""
    named = {**topics, **{one["code"]: one for one in topics.values()}}
    return {
        "conditions": {name: _condition(name, one) for name, one in conditions.items()},
        "evidences": {code: _evidence(code, one, named.get(code, {})) for code, one in evidences.items()},
    }


def _condition(name: str, given: Any) -> dict[str, Any]:
    return {
        "code": name,
        "name": {"en": given["cond-name-eng"], "fr": given["cond-name-fr"]},
        "icd10": given.get("icd10-id", ""),
        "severity": given["severity"],
        "findings": [{"evidence": code} for code in given["symptoms"]],
        "antecedents": [{"evidence": code} for code in given["antecedents"]],
    }


def _evidence(code: str, given: Any, topic: dict[str, str]) -> dict[str, Any]:
    about = given.get("code_question", code)
    return {
        "code": code,
        "type": TYPES[given["data_type"]],
        "antecedent": given["is_antecedent"],
        "question": {"en": given["question_en"], "fr": given["question_fr"]},
        "topic": {language: topic[language] for language in ("en", "fr") if language in topic},
        "values": _values(given),
        "default": "" if given["data_type"] == "B" else str(given["default_value"]),
        "about": "" if about == code else about,
    }


def _values(given: Any) -> dict[str, dict[str, str]]:
    """Return the words of each value; those of a scale are its numbers."""
    if not given["value_meaning"]:
        return {str(value): {"en": str(value), "fr": str(value)} for value in given["possible-values"]}
    return {code: _PLAIN.get(words["en"], dict(words)) for code, words in given["value_meaning"].items()}
