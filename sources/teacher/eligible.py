"""Say which documents a teacher may be shown: whose rights allow a derived text, and which nobody has taken back.

What is shown leaves the house when the teacher is hosted, and what comes back is a derived text; so a licence without
derivatives, a reservation of text mining and unknown rights all forbid it, in every profile. Nothing is generated from
questions of a test or validation split. Not here: passages that speak to a model (`passages`).
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from sources.rights import Profile, Rights, allows
from sources.splits import reference_reason

REASONS = (
    "retracted",
    "superseded",
    "reference_only",
    "rights_tdm_reserved",
    "rights_no_derivatives",
    "rights_unknown",
    "rights_profile",
)


def why_not_shown(row: Mapping[str, Any], profile: Profile, superseded: Collection[str] = ()) -> str | None:
    """Return why the teacher must not see a document (one of `REASONS`), None when it may."""
    if row["retracted"]:
        return "retracted"
    if row["id"] in superseded:
        return "superseded"
    if json.loads(row["extra"] or "{}").get("reference_only") or reference_reason(row["mcq"]):
        return "reference_only"
    return why_not_derived(Rights(**row["rights"]), profile)


def why_not_derived(rights: Rights, profile: Profile) -> str | None:
    """Return why no text may be derived from one with these rights for a mixture of this profile."""
    if rights.tdm_reserved:
        return "rights_tdm_reserved"
    if not rights.derive:
        return "rights_no_derivatives" if rights.redistribute else "rights_unknown"
    return None if allows(rights, profile) else "rights_profile"
