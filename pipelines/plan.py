"""Turn a run file into ordered stages with fixed shards; nothing is written and no worker is started here.

Sources are listed and digested, each becomes an extraction; their documents go through the run file's stages as one
stream (`pipelines.lines`). Mixtures stand on what is kept. Not here: running (`pipelines.run`).
"""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mixer.materialise import Materialise
from mixer.mixture import MixtureStage
from mixer.publish import Publish
from mixer.settings import MixtureConfig
from mixer.target import DEMO, Target, find_target
from mixer.tokenized import Tokenize
from mixer.train_tokenizer import TrainTokenizer
from pipelines.config import RunConfig
from pipelines.engine.driver import PlannedStage
from pipelines.engine.errors import ConfigError, InputError
from pipelines.engine.place import local_folder
from pipelines.engine.stage import Stage
from pipelines.lines import plan_lines
from pipelines.report.generated import generated_facts
from pipelines.result import read_result
from sources.catalog import SourceConfig
from sources.crawled import Crawled, crawled, store_of
from sources.digests import DigestCache
from sources.extract import Extract
from sources.files import RawFile, folder_of, list_files
from sources.generated import PARSER as GENERATED
from sources.generated import ReadGenerated
from sources.publications.frozen import Frozen, frozen
from sources.replay.frozen import hub_files
from sources.splits import split_note


class Unfetched(InputError):
    """Sources to fetch that are not in the store; a run never opens the network. Exit code 3."""

    def __init__(self, names: list[str], store: Path, run_file: str = "RUN_FILE", *, otherwise: str = "") -> None:
        self.names, self.store, self.otherwise = names, store, otherwise
        which = f"source {names[0]} is" if len(names) == 1 else f"the sources {', '.join(names)} are"
        super().__init__(
            f"{which} not in the crawl store {store}; fetch first, with: medmix sources fetch {run_file} "
            f"{' '.join(names)}{otherwise}"
        )


@dataclass(slots=True)
class Plan:
    """Ordered stages, the files they start from, and what was left out with the reason."""

    stages: list[PlannedStage] = field(default_factory=list)
    inputs: dict[str, list[RawFile]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    documents: tuple[str, ...] = ()
    mixtures: dict[str, str] = field(default_factory=dict)
    """Mixture name -> the stage whose manifest holds its folder."""
    generated: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Source of generated text -> what its generation reports of itself, by task."""

    def add(self, stage: Stage, **inputs: tuple[str, ...]) -> str:
        """Append a stage and return its name. Raises ConfigError when the name is taken."""
        if any(item.stage.name == stage.name for item in self.stages):
            raise ConfigError(f"stages: {stage.name!r} stands twice in the run file; remove one of them")
        self.stages.append(PlannedStage(stage, inputs))
        return stage.name


def plan_run(config: RunConfig, cache: DigestCache) -> Plan:
    """Return the plan of a run; digests of inputs are added to `cache`, not saved. Raises ConfigError or InputError."""
    plan = Plan()
    stored = _stored_sources(config)
    names = [
        _plan_fetched(plan, config, source, stored[source.name])
        if source.is_fetched
        else _plan_source(plan, config, source, cache)
        for source in config.sources
    ]
    stream = tuple(name for name in names if name)
    if not stream and (absent := [name for name, found in stored.items() if found is None]):
        raise Unfetched(
            absent, store_of(config.web), otherwise="; no other source has a file, so there is nothing to read"
        )
    if not stream:
        raise ConfigError(
            f"not one of the {len(config.sources)} sources has a file; e.g. {plan.notes[0]}; put the files there, "
            "correct `path`, or export the variable that it names"
        )
    _leave_out(plan, [name for line in config.stages for name in getattr(line, "removed", ())])
    plan.documents = plan_lines(plan.add, config, stream)
    for mixture in config.mixtures:
        _plan_mixture(plan, config, mixture, plan.documents)
    return plan


def _leave_out(plan: Plan, names: list[str]) -> None:
    """Tell every extraction which documents to leave out; what is named by a file of a source concerns it alone."""
    if not names:
        return
    for item in plan.stages:
        if isinstance(item.stage, ReadGenerated):
            item.stage.left_out = frozenset(names)
    sources = [item.stage for item in plan.stages if isinstance(item.stage, Extract)]
    placed = {name for name in names if any(source.places.has_file_of(name) for source in sources)}
    for source in sources:
        source.left_out = frozenset(n for n in names if n not in placed or source.places.has_file_of(n))
    plan.notes.append(
        f"removal of {len(names)} documents was asked for; what earlier runs wrote of them stays on the disk until "
        "`medmix verify OUT --sweep`"
    )


def _stored_sources(config: RunConfig) -> dict[str, Crawled | Frozen | None]:
    """Return what the store has of each fetched source. Raises Unfetched when one that is not optional is absent."""
    store = store_of(config.web)
    stored = {source.name: in_store(source, store, config.seed) for source in config.sources if source.is_fetched}
    needed = [source.name for source in config.sources if source.is_fetched and not source.optional]
    if missing := [name for name in needed if stored[name] is None]:
        raise Unfetched(missing, store, otherwise=" (or set `optional: true` to go on without)")
    return stored


def in_store(source: SourceConfig, store: Path, seed: int) -> Crawled | Frozen | None:
    """Return what the store has of a source that is fetched, None when nothing; of no pinned commit it has nothing."""
    if source.hub:
        return hub_files(source, store, seed) if source.hub.revision else None
    return crawled(source, store) if source.web else frozen(source, store)


def _plan_fetched(plan: Plan, config: RunConfig, source: SourceConfig, found: Crawled | Frozen | None) -> str:
    store = store_of(config.web)
    if found is None:
        plan.notes.append(
            f"source {source.name} is optional and was left out: it is not in the crawl store {store}; "
            f"`medmix sources fetch` with this run file and {source.name} brings it"
        )
        return ""
    plan.notes += found.notes
    plan.inputs[source.name] = found.files
    if source.pmc_oa:  # each article carries the release that brought it, so an unchanged pack is extracted once
        source = source.model_copy(update={"release": None})
    if isinstance(found, Frozen):
        return plan.add(Extract(source, store, found.files, config.shard_bytes))
    if found.release:
        source = source.model_copy(update={"release": found.release})
    return plan.add(Extract(source, store, found.files, config.shard_bytes, found.names))


def _plan_source(plan: Plan, config: RunConfig, source: SourceConfig, cache: DigestCache) -> str:
    if source.parser == GENERATED:
        return _plan_generated(plan, source)
    path = folder_of(source, Path.cwd())
    written = [Path(config.out), *([store_of(config.web)] if config.web else [])]
    files = list_files(source, path, cache, written) if path else []
    if path is None or not files:
        what = f"{source.path} is not there" if path is None else f"no file matches {list(source.include)}"
        plan.notes.append(f"source {source.name} is optional and was left out: {what}")
        return ""
    plan.inputs[source.name] = files
    plan.notes += filter(None, [split_note(source)])
    return plan.add(Extract(source, path, files, config.shard_bytes))


def _plan_generated(plan: Plan, source: SourceConfig) -> str:
    """Plan a source that `medmix generate` made: the accepted documents that its index names."""
    fields = type(source).model_fields
    changed = {name for name in fields if getattr(source, name) != fields[name].get_default(call_default_factory=True)}
    given = changed - {"name", "kind", "path", "parser", "priority", "optional", "title"}
    if given:
        raise ConfigError(
            f"source {source.name}: {sorted(given)[0]!r} does not go with `parser: generated`, whose documents know "
            "all of themselves; remove it"
        )
    folder = local_folder(os.path.expandvars(source.path))
    try:
        made = read_result(folder)
    except InputError as error:
        if not source.optional:
            told = f"source {source.name}: {folder} holds no finished generation; run `medmix generate` first"
            raise InputError(told) from error
        plan.notes.append(f"source {source.name} is optional and was left out: nothing is generated in {folder}")
        return ""
    root, refs = str(folder.absolute()), []
    for stage in made.documents:
        for one in made.manifests[stage].shards:
            ref = replace(one.main, path=f"{root}/{one.main.path}")
            refs.append((f"{stage.removeprefix('generate-')}-{one.shard}", ref))
    plan.inputs[source.name] = [RawFile(name, Path(ref.path), ref.size_bytes, ref.sha256) for name, ref in refs]
    plan.generated[source.name] = generated_facts(made.manifests)
    return plan.add(ReadGenerated(source, refs))


def _plan_mixture(plan: Plan, config: RunConfig, mixture: MixtureConfig, stream: tuple[str, ...]) -> None:
    roles: dict[str, tuple[str, ...]]
    if mixture.target == DEMO:
        if not any(item.stage.name == "train-tokenizer" for item in plan.stages):
            plan.add(TrainTokenizer(config.demo_tokenizer.vocabulary), documents=stream)
        target, roles = find_target(DEMO, None), {"tokenizer": ("train-tokenizer",)}
    else:
        found = _named_target(mixture)
        if isinstance(found, str):
            plan.notes.append(f"mixture {mixture.name} is optional and was left out: {found}")
            return
        target, roles = found, {}
    if mixture.sequence_tokens > target.context_tokens:
        raise ConfigError(
            f"mixture {mixture.name}: sequence_tokens {mixture.sequence_tokens:,} exceeds the context of "
            f"{target.name}, {target.context_tokens:,}"
        )
    tokenize = Tokenize(target)
    same = [item.stage for item in plan.stages if item.stage.name == tokenize.name]
    if not same:
        plan.add(tokenize, documents=stream, **roles)
    elif same[0].identity() != tokenize.identity():
        raise ConfigError(
            f"mixture {mixture.name}: another mixture uses target {target.name} with another tokenizer file"
        )
    absent = frozenset(source.name for source in config.sources if source.name not in plan.inputs)
    mixing = MixtureStage(mixture, config.seed, target, absent)
    order = plan.add(mixing, tokens=(tokenize.name,))
    shards = plan.add(
        Materialise(mixture.name, mixture.sequences_per_shard, mixture.sequence_tokens, target),
        plan=(order,),
        tokens=(tokenize.name,),
    )
    publish = Publish(mixture.name, target, mixture.sequence_tokens)
    plan.mixtures[mixture.name] = plan.add(publish, shards=(shards,), plan=(order,), **roles)


def _named_target(mixture: MixtureConfig) -> Target | str:
    """Return the target of a mixture, or why an optional mixture cannot have it. Raises ConfigError, InputError."""
    try:
        path = Path(os.path.expandvars(mixture.tokenizer)) if mixture.tokenizer else None
        target = find_target(mixture.target, path)
        if not target.tokenizer_is_there():
            raise InputError(
                f"mixture {mixture.name}: there is no tokenizer file for {target.name} at {target.tokenizer}; "
                "give its path as `tokenizer:`, or set `optional: true`"
            )
    except InputError as error:
        if mixture.optional:
            return str(error)
        raise
    return target
