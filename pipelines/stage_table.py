"""The stages that a run file may name: one line each.

A new stage is one file in `pipelines/stages/`, one test file and one line here. The kind in the run file is the key.
"""

from typing import TYPE_CHECKING, NamedTuple

from pipelines.engine.settings import Settings
from pipelines.stages.abstracts import AbstractsConfig, abstract_steps
from pipelines.stages.boilerplate import BoilerplateConfig, boilerplate_steps
from pipelines.stages.consolidate import ConsolidateConfig
from pipelines.stages.coverage import CoverageConfig, coverage_steps
from pipelines.stages.datatrove_settings import DatatroveConfig
from pipelines.stages.decontaminate import decontaminate_steps
from pipelines.stages.decontaminate_index import DecontaminateConfig
from pipelines.stages.dedup_exact import ExactConfig
from pipelines.stages.dedup_exact_resolve import exact_steps
from pipelines.stages.dedup_near import NearConfig
from pipelines.stages.domains import DomainsConfig, domain_steps
from pipelines.stages.evidence import Evidence, EvidenceConfig
from pipelines.stages.exchange import Steps, over_rows
from pipelines.stages.language import Language, LanguageConfig
from pipelines.stages.near_steps import near_steps
from pipelines.stages.normalize import Normalize, NormalizeConfig
from pipelines.stages.privacy import Privacy, PrivacyConfig
from pipelines.stages.quality import Quality, QualityConfig
from pipelines.stages.review import ReviewConfig, review_steps
from pipelines.stages.rights_gate import RightsGateConfig, rights_gate_steps
from pipelines.stages.safety import Safety, SafetyConfig
from pipelines.stages.sample import SampleConfig
from pipelines.stages.sample_apply import sample_steps
from pipelines.stages.scores import Scores, ScoresConfig
from pipelines.stages.versions import VersionsConfig
from pipelines.stages.versions_resolve import version_steps

if TYPE_CHECKING:
    from pipelines.stages.datatrove_block import DatatroveStage


class StageEntry(NamedTuple):
    """The settings of a kind of stage and its steps; `consolidate` has none, as the plan gives it all findings."""

    config: type[Settings]
    steps: Steps | None


def _datatrove(config: DatatroveConfig) -> "DatatroveStage":
    """Build the stage; datatrove takes most of a second to import, which only a run that names a block need pay."""
    from pipelines.stages.datatrove_block import DatatroveStage

    return DatatroveStage(config)


STAGES: dict[str, StageEntry] = {
    "normalize": StageEntry(NormalizeConfig, over_rows(Normalize)),
    "privacy": StageEntry(PrivacyConfig, over_rows(Privacy)),
    "datatrove": StageEntry(DatatroveConfig, over_rows(_datatrove)),
    "boilerplate": StageEntry(BoilerplateConfig, boilerplate_steps),
    "language": StageEntry(LanguageConfig, over_rows(Language)),
    "quality": StageEntry(QualityConfig, over_rows(Quality)),
    "abstracts": StageEntry(AbstractsConfig, abstract_steps),
    "coverage": StageEntry(CoverageConfig, coverage_steps),
    "dedup_exact": StageEntry(ExactConfig, exact_steps),
    "dedup_near": StageEntry(NearConfig, near_steps),
    "versions": StageEntry(VersionsConfig, version_steps),
    "evidence": StageEntry(EvidenceConfig, over_rows(Evidence)),
    "domains": StageEntry(DomainsConfig, domain_steps),
    "scores": StageEntry(ScoresConfig, over_rows(Scores)),
    "safety": StageEntry(SafetyConfig, over_rows(Safety)),
    "decontaminate": StageEntry(DecontaminateConfig, decontaminate_steps),
    "review": StageEntry(ReviewConfig, review_steps),
    "rights_gate": StageEntry(RightsGateConfig, rights_gate_steps),
    "consolidate": StageEntry(ConsolidateConfig, None),
    "sample": StageEntry(SampleConfig, sample_steps),
}
