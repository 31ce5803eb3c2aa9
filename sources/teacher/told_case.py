"""From the facts of a differential that was told and kept back to the case that it tells.

The grammar writes all facts of a case beside its text (`differential.facts_of`): what was told, the gold with its
probabilities, the setting, and the base with its digest. Only the base that the facts name gives the same case. Not
here: what is made of it (`tell_differential`).
"""

import json
from collections.abc import Mapping
from typing import Any

from sources.teacher.case import Case
from sources.teacher.knowledge import Knowledge
from sources.teacher.patients import Observation, Patient
from sources.teacher.tell_differential import ToldCase

NO_DIFFERENTIAL, OTHER_BASE = "no_differential", "other_knowledge"
REASONS = (NO_DIFFERENTIAL, OTHER_BASE)


def facts_in(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the facts beside a document, None for one that is no differential."""
    facts = json.loads(row["extra"] or "{}").get("differential")
    return facts if isinstance(facts, dict) else None


def why_not_told(facts: Mapping[str, Any] | None, knowledge: Knowledge) -> str | None:
    """Return why a document cannot be told anew, None when it can."""
    if facts is None:
        return NO_DIFFERENTIAL
    return None if facts["knowledge"]["sha256"] == knowledge.sha256 else OTHER_BASE


def told_case(row: Mapping[str, Any], facts: Mapping[str, Any], knowledge: Knowledge) -> ToldCase:
    """Return the case of a document with such facts."""
    told = tuple(Observation(one["code"], one["present"], tuple(one["values"])) for one in facts["evidence"])
    patient = Patient(
        id=row["id"],
        age_years=facts["age_years"],
        sex=facts["sex"],
        observed=told,
        condition=facts["condition"],
        setting=facts["setting"] or "",
    )
    case = Case(
        patient=patient,
        told=told,
        gold=tuple(zip(facts["gold"], facts["probabilities"], strict=True)),
        assumed={code: tuple(evidences) for code, evidences in facts["assumed"].items()},
        setting=knowledge.settings[facts["setting"]] if facts["setting"] else None,
        basis=facts["basis"],
    )
    return ToldCase(row["id"], case, facts["form"], row["language"], row["text"])
