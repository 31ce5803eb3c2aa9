"""The stages that a run file may name: one line each.

A new stage is one file in `pipelines/stages/`, one test file and one line here. The kind in the run file is the key.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from pipelines.engine.settings import Settings
from pipelines.stages.consolidate import Consolidate, ConsolidateConfig
from pipelines.stages.datatrove_block import DatatroveConfig, DatatroveStage
from pipelines.stages.dedup_exact import ExactConfig, ExactKeys
from pipelines.stages.language import Language, LanguageConfig
from pipelines.stages.normalize import Normalize, NormalizeConfig
from pipelines.stages.quality import Quality, QualityConfig
from pipelines.stages.versions import VersionKeys, VersionsConfig


class StageEntry(NamedTuple):
    """The settings of a stage and how to build it from them."""

    config: type[Settings]
    build: Callable[[Any], Any]


STAGES: dict[str, StageEntry] = {
    "normalize": StageEntry(NormalizeConfig, Normalize),
    "datatrove": StageEntry(DatatroveConfig, DatatroveStage),
    "language": StageEntry(LanguageConfig, Language),
    "quality": StageEntry(QualityConfig, Quality),
    "dedup_exact": StageEntry(ExactConfig, ExactKeys),
    "versions": StageEntry(VersionsConfig, VersionKeys),
    "consolidate": StageEntry(ConsolidateConfig, Consolidate),
}
