"""The metadata block of a card, as the hub reads it: names, languages, licence, size, configs and their features.

Checked here against a schema of our own, because the hub checks it only over the network when a card is pushed:
https://github.com/huggingface/hub-docs/blob/main/datasetcard.md. A licence is named when all texts share one that the
hub knows, else it is `other`, and `LICENSES.md` lists them. Not here: the text below it.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.engine.errors import ConfigError
from pipelines.report.card_facts import CardFacts, DataFile, Layout
from pipelines.report.census import UNKNOWN
from pipelines.stages.language import primary_subtag

LICENSES = "LICENSES.md"
OTHER = "mixed-terms-of-its-sources"
_HUB_LICENCES = (
    "apache-2.0 mit bsd bsd-2-clause bsd-3-clause isc unlicense cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 "
    "cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 "
    "cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 pddl "
    "odc-by odbl etalab-2.0 other unknown"
)
HUB_LICENCES = frozenset(_HUB_LICENCES.split())
_OTHER_NAMES = {"pddl-1.0": "pddl", "odc-by-1.0": "odc-by", "odbl-1.0": "odbl"}
SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B", "10B<n<100B",
         "100B<n<1T", "n>1T")  # fmt: skip
Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DataFiles(_Strict):
    """The files of one split."""

    split: Annotated[str, Field(pattern=r"^\w+(\.\w+)*$")]
    path: Annotated[str, Field(pattern=r"^data/[A-Za-z0-9._-]+/[A-Za-z0-9_]+-\*\.parquet$")]


class HubConfig(_Strict):
    """One config."""

    config_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    default: bool = False
    data_files: Annotated[list[DataFiles], Field(min_length=1)]


class HubSplit(_Strict):
    """The size of one split."""

    name: Text
    num_bytes: Annotated[int, Field(gt=0)]
    num_examples: Annotated[int, Field(gt=0)]


class HubInfo(_Strict):
    """Features and sizes of one config."""

    config_name: Text
    features: Annotated[list[dict[str, Any]], Field(min_length=1)]
    splits: list[HubSplit] = []
    download_size: int | None = None
    dataset_size: int | None = None


class HubMetadata(_Strict):
    """The whole block; fields that the hub knows and medmix does not write are not here."""

    pretty_name: Text
    language: list[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]]
    license: str
    license_name: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")] | None = None
    license_link: Text | None = None
    size_categories: Annotated[list[Literal[SIZES]], Field(min_length=1, max_length=1)]  # type: ignore[valid-type]
    task_categories: list[Literal["text-generation", "question-answering"]]
    annotations_creators: list[Literal["no-annotation", "expert-generated", "machine-generated"]]
    language_creators: list[Literal["found", "machine-generated"]]
    multilinguality: list[Literal["monolingual", "multilingual"]]
    source_datasets: list[Literal["original"]]
    tags: Annotated[list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9 :._-]*$")]], Field(min_length=1)]
    configs: Annotated[list[HubConfig], Field(min_length=1)]
    dataset_info: Annotated[list[HubInfo], Field(min_length=1)]

    @model_validator(mode="after")
    def _agrees(self) -> "HubMetadata":
        if self.license not in HUB_LICENCES:
            raise ValueError(f"license: {self.license!r} is no licence that the hub knows; use `other`")
        if (self.license == "other") != bool(self.license_name and self.license_link):
            raise ValueError("license: `other`, and only that, needs license_name and license_link")
        if sum(config.default for config in self.configs) != 1:
            raise ValueError("configs: one of them is the default")
        if [c.config_name for c in self.configs] != [i.config_name for i in self.dataset_info]:
            raise ValueError("dataset_info: must have the configs in the same order")
        return self


def metadata(facts: CardFacts) -> dict[str, Any]:
    """Return the metadata of a release. Raises ConfigError when it is not what the hub takes."""
    whole, said = facts.whole, facts.said
    languages = sorted({primary_subtag(name) or "" for name in whole.languages} - {"", UNKNOWN})
    spdx = {terms.spdx for terms in whole.terms}
    generated = bool(whole.teachers)
    reviewed = facts.reviews is not None and facts.reviews.whole.reviewed > 0
    told = {
        "pretty_name": said["title"],
        "language": languages,
        **_licence(spdx),
        "size_categories": [size_category(_rows(facts.layout.files) or whole.documents)],
        "task_categories": ["text-generation"],
        "annotations_creators": ["expert-generated"] if reviewed else ["no-annotation"],
        "language_creators": ["found", "machine-generated"] if generated else ["found"],
        "multilinguality": ["multilingual" if len(languages) > 1 else "monolingual"],
        "source_datasets": ["original"],
        "tags": ["medical", "pretraining", "medmix", *(["synthetic"] if generated else [])],
        "configs": _configs(facts.layout),
        "dataset_info": [_info(facts.layout, config) for config in facts.layout.schemas],
    }
    check_metadata(told)
    return told


def check_metadata(told: dict[str, Any]) -> None:
    """Raise ConfigError that names each field of a metadata block that the hub would refuse."""
    try:
        HubMetadata.model_validate(told)
    except ValidationError as error:
        faults = [f"  {'.'.join(map(str, fault['loc'])) or 'metadata'}: {fault['msg']}" for fault in error.errors()]
        raise ConfigError("\n".join(["the card's metadata is not what the hub takes:", *faults])) from None


def size_category(rows: int) -> str:
    """Return the hub's class of size for a number of rows."""
    at = 0
    while at < len(SIZES) - 1 and rows >= 1000 * 10**at:
        at += 1
    return SIZES[at]


def hub_licence(spdx: str) -> str | None:
    """Return the hub's name of a licence, None when it has none."""
    name = _OTHER_NAMES.get(spdx.lower(), spdx.lower())
    return name if name in HUB_LICENCES else None


def _licence(spdx: Iterable[str]) -> dict[str, str]:
    names = {hub_licence(one) for one in spdx}
    if len(names) == 1 and (name := names.pop()):
        return {"license": name}
    return {"license": "other", "license_name": OTHER, "license_link": LICENSES}


def _rows(files: Iterable[DataFile]) -> int:
    return sum(file.rows for file in files)


def _configs(layout: Layout) -> list[dict[str, Any]]:
    first = next(iter(layout.schemas))
    return [
        {
            "config_name": name,
            **({"default": True} if name == first else {}),
            "data_files": [{"split": "train", "path": f"data/{name}/train-*.parquet"}],
        }
        for name in layout.schemas
    ]


def _info(layout: Layout, config: str) -> dict[str, Any]:
    """Return features and sizes in the form of `datasets`; bytes in memory are those of Parquet before compression."""
    told: dict[str, Any] = {"config_name": config, "features": hub_features(layout.schemas[config])}
    mine = [file for file in layout.files if file.config == config]
    if mine:
        size_bytes = sum(file.memory_bytes for file in mine)
        told["splits"] = [{"name": "train", "num_bytes": size_bytes, "num_examples": _rows(mine)}]
        told |= {"download_size": sum(file.size_bytes for file in mine), "dataset_size": size_bytes}
    return told


def hub_features(schema: pa.Schema) -> list[dict[str, Any]]:
    """Return the features of a schema as the hub writes them."""
    from datasets import DatasetInfo, Features

    told: list[dict[str, Any]] = DatasetInfo(features=Features.from_arrow_schema(schema))._to_yaml_dict()["features"]
    return told
