"""Lead the documents through the lines of the run file: which stages each line adds, and what they read.

Lines that write attributes or lists leave the stream of documents as it is, and hand their findings to `consolidate`
and to whichever later line asks for them; a line that rewrites documents starts a new stream, so nobody may have
looked at the old one. Not here: what a line's steps are (`pipelines.stages.exchange`), sources and mixtures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mixer.count import tokens_of
from pipelines.config import RunConfig
from pipelines.engine.errors import ConfigError
from pipelines.stage_table import STAGES
from pipelines.stages.consolidation import Consolidation
from pipelines.stages.contamination_report import ContaminationReport
from pipelines.stages.decontaminate import NAME as CONTAMINATION
from pipelines.stages.exchange import DOCUMENTS, RunFacts, Step

Add = Callable[..., str]
"""Adds a stage with the stages of each role of its input to the plan, and returns its name."""


@dataclass(frozen=True, slots=True)
class _Flow:
    """What stands between two lines: the stages that hold the documents, and those that hold each kind of findings.

    `lists` are the kinds of findings that are no attributes; `asked` gives the line that asked for a kind.
    """

    documents: tuple[str, ...]
    findings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)


def plan_lines(add: Add, config: RunConfig, stream: tuple[str, ...]) -> tuple[str, ...]:
    """Add the stages of all lines; return those that hold what is kept at the end. Raises ConfigError."""
    facts = RunFacts(config.seed, {source.name: source.priority for source in config.sources}, tokens_of)
    flow = _Flow(stream)
    for line in config.stages:
        flow = _plan_line(add, config, facts, line, flow)
    return flow.documents


def _plan_line(add: Add, config: RunConfig, facts: RunFacts, line: Any, flow: _Flow) -> _Flow:
    entry = STAGES[line.kind]
    settings: Any = entry.config(**{name: getattr(line, name) for name in entry.config.model_fields})
    if "profile" in entry.config.model_fields and "profile" not in line.model_fields_set:
        settings = settings.model_copy(update={"profile": config.profile})
    if entry.steps is None:
        kept = (add(Consolidation(settings, flow.lists), documents=flow.documents, **flow.findings),)
        if CONTAMINATION in flow.findings:
            add(ContaminationReport(), applied=kept, findings=flow.findings[CONTAMINATION])
        return _Flow(kept)
    if line.kind in flow.asked:
        raise ConfigError(
            f"stages: {flow.asked[line.kind]} must know what {line.kind} finds; put {line.kind} before it"
        )
    steps = entry.steps(settings, facts)
    names = {DOCUMENTS: flow.documents}
    for step in steps:
        roles = {role: names[name] for role, name in step.inputs.items()}
        wanted = {kind: flow.findings[kind] for kind in step.findings if kind in flow.findings}
        names[step.stage.name] = (add(step.stage, **roles, **wanted),)
    return _after(line.kind, steps, names[steps[-1].stage.name], flow)


def _after(kind: str, steps: tuple[Step, ...], written: tuple[str, ...], flow: _Flow) -> _Flow:
    """Return how the stream goes on after a line whose last step is `written`."""
    if steps[-1].writes == "report":
        return flow
    if steps[-1].writes == "documents":
        if flow.findings:
            raise ConfigError(
                f"stages: {kind} changes documents after {', '.join(flow.findings)} looked at them; put it before"
            )
        return _Flow(written)
    asked = {name: kind for step in steps for name in step.findings}
    lists = (*flow.lists, kind) if steps[-1].writes == "list" else flow.lists
    return _Flow(flow.documents, {**flow.findings, kind: written}, lists, {**flow.asked, **asked})
