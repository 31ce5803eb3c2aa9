"""What reviewers said of documents: one JSON line a verdict, only ever appended, and what follows from all of them.

A clinician accepts a document, rejects it for one of a few reasons, or corrects what is known about it: title,
language, date, labels of coverage. Neither text nor rights can be corrected: who finds a text wrong, or its licence,
rejects it. Of several verdicts of one reviewer on a document the last counts; of several reviewers a rejection decides,
whoever accepts, and of corrections to one field the last. Dates are those of the review, so a file of verdicts is an
input like any other and the same lines always give the same result. Not here: the stage (`review`), and the page where
verdicts are given (`pipelines.report.review_page`).
"""

import datetime
import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines.engine.errors import InputError
from pipelines.stages.coverage import AXES, labels

ACCEPTED, REJECTED, CORRECTED = "accepted", "rejected", "corrected"
REASONS = {
    "dangerous": "following it could harm somebody",
    "wrong": "it is wrong, or made up",
    "outdated": "newer guidance says otherwise",
    "not_medical": "it has no medical content",
    "garbled": "words, numbers or tables were lost or mixed up",
    "personal_data": "it tells of a person who can be found out",
    "rights": "it may not be under the licence that is given",
    "other": "see the note",
}
"""Why a document may be rejected, and how the page says so."""
PLAIN = ("title", "language", "published")
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Corrections(_Strict):
    """What is put in the place of what was known; null leaves it as it is, an empty list says that there is none."""

    title: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None
    published: Annotated[str, Field(pattern=r"^\d{4}(-\d\d(-\d\d)?)?$")] | None = None
    disease: tuple[str, ...] | None = None
    population: tuple[str, ...] | None = None
    care: tuple[str, ...] | None = None
    country: tuple[str, ...] | None = None
    region: tuple[str, ...] | None = None
    income: tuple[str, ...] | None = None

    @field_validator("published")
    @classmethod
    def _is_a_day(cls, value: str | None) -> str | None:
        if value:
            datetime.date.fromisoformat((value + "-01-01")[:10])
        return value

    @model_validator(mode="after")
    def _labels_are_known(self) -> "Corrections":
        for axis in AXES:
            for one in getattr(self, axis) or ():
                if one not in labels()[axis]:
                    near = difflib.get_close_matches(one, labels()[axis], 1)
                    raise ValueError(f"{axis}: no label {one!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        return self

    def given(self) -> dict[str, Any]:
        """Return what is corrected, labels sorted."""
        told = self.model_dump(exclude_none=True)
        return {name: sorted(set(one)) if name in AXES else one for name, one in told.items()}


class Verdict(_Strict):
    """One line of a file of verdicts; `source` and `key` are for people, `text_sha256` is of the text that was read."""

    document: Annotated[str, Field(min_length=1)]
    source: str = ""
    key: str = ""
    text_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    verdict: Literal["accepted", "rejected", "corrected"]
    reason: Annotated[str, Field(pattern=f"^({'|'.join(REASONS)})?$")] = ""
    note: Annotated[str, Field(max_length=2000)] = ""
    corrections: Corrections = Corrections()
    reviewer: Name
    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]

    @field_validator("date")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        datetime.datetime.fromisoformat(value)
        return value

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Verdict":
        if (self.verdict == REJECTED) != bool(self.reason):
            raise ValueError("a rejection, and only that, has a reason")
        if self.reason == "other" and not self.note:
            raise ValueError("the reason `other` needs a note")
        if (self.verdict == CORRECTED) != bool(self.corrections.given()):
            raise ValueError("a verdict `corrected`, and only that, has corrections")
        return self


class Judged(NamedTuple):
    """What all reviewers together say of a document."""

    verdicts: tuple[Verdict, ...]
    """The last of each reviewer, reviewers sorted."""
    rejected: str
    """Why it goes and who says so; empty when it stays."""
    corrections: dict[str, dict[str, Any]]
    """By field: the `value`, and who corrected it (`by`) and when (`date`)."""


def read_verdicts(body: bytes | memoryview, told: str) -> list[Verdict]:
    """Return the verdicts of a file in order. Raises InputError that names the first line that is none, and why."""
    verdicts = []
    for number, line in enumerate(bytes(body).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            verdicts.append(Verdict.model_validate_json(line))
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"]))
            what = f"{where + ': ' if where else ''}{str(fault['msg']).removeprefix('Value error, ')}"
            raise InputError(f"{told}:{number}: this is no verdict: {what}; correct the line or remove it") from None
    return verdicts


def judged(files: Iterable[list[Verdict]]) -> dict[str, Judged]:
    """Return what follows from files of verdicts, by document, sorted; the order of the files does not matter."""
    ordered = sorted((one.date, number, one.model_dump_json(), one) for f in files for number, one in enumerate(f))
    last: dict[str, dict[str, Verdict]] = {}
    for *_, one in ordered:  # of one reviewer the last verdict stays, at its place in time
        of_document = last.setdefault(one.document, {})
        of_document.pop(one.reviewer, None)
        of_document[one.reviewer] = one
    return {name: _judge(list(found.values())) for name, found in sorted(last.items())}


def _judge(in_time: list[Verdict]) -> Judged:
    why = [f"{one.reason} ({one.reviewer})" for one in in_time if one.verdict == REJECTED]
    corrections = {
        field: {"value": value, "by": one.reviewer, "date": one.date}
        for one in in_time
        for field, value in one.corrections.given().items()
    }
    named = tuple(sorted(in_time, key=lambda one: one.reviewer))
    return Judged(named, "; ".join(sorted(why)), dict(sorted(corrections.items())))


def line_of(verdict: Verdict) -> bytes:
    """Return a verdict as a line of its file."""
    told: Mapping[str, Any] = verdict.model_dump(exclude_none=True, exclude_defaults=True)
    return json.dumps(told, ensure_ascii=False, sort_keys=True).encode() + b"\n"
