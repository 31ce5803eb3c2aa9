"""Croissant metadata of a release: its files with digests, its columns, and what responsible use needs to know.

Follows https://docs.mlcommons.org/croissant/docs/croissant-spec.html and the vocabulary for responsible AI beside it.
Made and validated by mlcroissant, which is in the extra `publish`. The configs of the release become record sets that
read from one folder, so `mlcroissant.Dataset(path, mapping={"repo": folder})` loads them. Nested columns (rights,
edits, messages, ...) are left to the card's `dataset_info`, as Croissant names only their leaves. Not here: the card.
"""

import datetime
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines.engine.errors import ConfigError
from pipelines.report.card_facts import CardFacts
from pipelines.report.card_metadata import LICENSES, hub_licence
from pipelines.report.card_words import COLUMNS, WARNING

FILE = "croissant.json"
REPO = "repo"
RAI = "http://mlcommons.org/croissant/RAI/1.0"


def croissant(facts: CardFacts) -> bytes:
    """Return the metadata as JSON-LD. Raises ConfigError without the extra, or when mlcroissant refuses it."""
    mlc = _library()
    said = facts.said
    spdx = sorted({terms.spdx for terms in facts.whole.terms})
    try:
        made = mlc.Metadata(
            name=facts.result.name,
            description=said["summary"],
            version=said["version"],
            url=said.get("homepage") or None,
            license=[
                f"https://spdx.org/licenses/{spdx[0]}.html" if len(spdx) == 1 and hub_licence(spdx[0]) else LICENSES
            ],
            cite_as=said["citation"],
            conforms_to=["http://mlcommons.org/croissant/1.1", RAI],
            creators=[mlc.Organization(name=said["maintainer"])],
            date_published=datetime.datetime.fromisoformat(said["released"]),
            keywords=["medical", "pretraining", "medmix"],
            in_language=sorted(facts.whole.languages),
            distribution=[*_files(mlc, facts)],
            record_sets=[_records(mlc, config, schema) for config, schema in facts.layout.schemas.items()],
            **_responsible(facts),
        )
    except mlc.ValidationError as error:
        raise ConfigError(f"the Croissant metadata is not valid: {error}") from error
    return (json.dumps(made.to_json(), indent=1, ensure_ascii=False, sort_keys=False) + "\n").encode()


def _library() -> Any:
    try:
        import mlcroissant
    except ImportError as error:
        raise ConfigError(
            "Croissant metadata needs mlcroissant, which is not installed: pip install -e '.[publish]'"
        ) from error
    return mlcroissant


def _files(mlc: Any, facts: CardFacts) -> Iterator[Any]:
    """Yield the repository, the files of each config as a set, and each file with its digest."""
    yield mlc.FileObject(
        id=REPO,
        name=REPO,
        description="The folder or repository that holds this file.",
        content_url=facts.said.get("homepage") or ".",
        encoding_formats=["git+https"],
        sha256="https://github.com/mlcommons/croissant/issues/80",
    )
    for config in facts.layout.schemas:
        yield mlc.FileSet(
            id=f"files-{config}",
            name=f"files-{config}",
            contained_in=[REPO],
            encoding_formats=["application/x-parquet"],
            includes=[f"data/{config}/train-*.parquet"],
        )
    for file in facts.layout.files:
        yield mlc.FileObject(
            id=file.path,
            name=file.path.rpartition("/")[2],
            contained_in=[REPO],
            content_url=file.path,
            content_size=f"{file.size_bytes} B",
            encoding_formats=["application/x-parquet"],
            sha256=file.sha256,
        )


def _records(mlc: Any, config: str, schema: pa.Schema) -> Any:
    fields = []
    for column in schema:
        kind, many = _kind(mlc, column.type)
        if kind is None:
            continue
        source = mlc.Source(file_set=f"files-{config}", extract=mlc.Extract(column=column.name))
        shape = {"is_array": True, "array_shape": "-1"} if many else {}
        name = f"{config}/{column.name}"
        told = COLUMNS[column.name]
        fields.append(mlc.Field(id=name, name=name, description=told, data_types=[kind], source=source, **shape))
    return mlc.RecordSet(id=config, name=config, description=f"The config {config}, split train.", fields=fields)


def _kind(mlc: Any, kind: pa.DataType) -> tuple[Any, bool]:
    """Return Croissant's type of a column and whether it is a list of it; None for a nested one."""
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind):
        return _kind(mlc, kind.value_type)[0], True
    if pa.types.is_integer(kind):
        return mlc.DataType.INTEGER, False
    if pa.types.is_boolean(kind):
        return mlc.DataType.BOOL, False
    return (mlc.DataType.TEXT, False) if pa.types.is_string(kind) else (None, False)


def _collected(source: dict[str, Any]) -> str:
    """Return how a source was collected, in the words of the vocabulary."""
    if source["web"]:
        return "Web Scraping"
    return "Secondary Data Analysis" if source["hub"] else "Document analysis"


def _annotated(facts: CardFacts) -> str:
    found = facts.reviews
    if found is None or not found.whole.reviewed:
        return "Nobody annotated the documents."
    who, count = len(found.by_reviewer), found.whole.reviewed
    return f"{who} reviewers judged a sample of {count} documents; the card tells how, and how far they agree."


def _responsible(facts: CardFacts) -> dict[str, Any]:
    """Return the fields of the vocabulary for responsible AI."""
    said = facts.said
    stages = [line["kind"] for line in facts.result.config["stages"]]
    teachers = sorted({f"{teacher.model} ({teacher.revision})" for teacher in facts.whole.teachers})
    return {
        "data_collection": said["collection"],
        "data_collection_type": sorted({_collected(source) for source in facts.result.config["sources"]}),
        "data_collection_missing_data": said["known_gaps"],
        "data_collection_raw_data": said["producers"],
        "data_preprocessing_protocol": [f"medmix stages, in order: {', '.join(stages)}; settings stand in the card."],
        "data_manipulation_protocol": "Every change of a text is named in the column `edits` of the documents.",
        "data_annotation_protocol": _annotated(facts),
        "machine_annotation_tools": teachers or None,
        "data_biases": [said["biases"]],
        "data_use_cases": [said["intended_use"], f"Not for: {said['out_of_scope']}"],
        "data_limitations": [WARNING.replace("*", ""), said["known_gaps"]],
        "data_social_impact": said["social_impact"],
        "personal_sensitive_information": [said["personal_data"], f"Removal: {said['removal_contact']}"],
        "data_release_maintenance_plan": said["maintenance"],
    }
