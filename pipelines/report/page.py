"""The report of a run: one HTML file with all that it needs in itself, for a browser without a network.

The files of `web/` are put together with charts, tables and the sample of documents; a policy in the page forbids every
request. Deterministic but for the times that the events tell. Not here: what each section tells (`page_sections`).
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from pipelines.report import page_sections as told
from pipelines.report.card_facts import CardFacts, Layout, gather
from pipelines.report.limits import limits_of
from pipelines.report.page_judged import of_generated, of_review
from pipelines.report.page_parts import folded, note, section, text, tiles
from pipelines.report.retention import FILE as RETENTION
from pipelines.report.retention import Kept, read_retention
from pipelines.report.shown import dropped, sample
from pipelines.report.timing import command, spent
from pipelines.result import Result

FILE = "report.html"
NOTES = 8
"""Notes that are not folded."""
WEB = Path(__file__).with_name("web")


def report_page(result: Result, run: Path | str) -> str:
    """Return the report of a run. Raises CorruptionError, and ConfigError without the extra `publish`."""
    facts = gather(result, Layout({}))
    examples, documents = dropped(result), sample(result)
    sections = [
        _notes(result),
        told.funnel(facts, examples),
        told.coverage(facts),
        told.retention(_audit(result), limits_of(result.described)),
        told.doubles(facts),
        told.rights(facts),
        told.ages_and_lengths(facts),
        told.mixtures(facts),
        of_generated(facts),
        of_review(facts),
        told.quarantine(facts, examples),
        told.timing(spent(run)),
        _again(facts, command(run)),
    ]
    hidden = sum(one["marks"][0][1].startswith("The text is not shown") for one in documents)
    sampled = (
        f"A sample of {len(documents):,} of {facts.whole.documents:,} kept documents, balanced over sources, disease "
        f"groups, regions and whether a model wrote them. {hidden:,} are without their text, as their licences ask."
    )
    return page(f"{result.name}: report", _lead(facts), sections, sampled, documents)


@dataclass(frozen=True, slots=True)
class Behind:
    """What moves a page, and what its browser may do for it: by itself it asks nobody for anything."""

    script: str = "browse();"
    filters: str = ""
    """HTML of further filters."""
    policy: str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


ALONE = Behind()


def page(
    title: str,
    lead: str,
    sections: list[str],
    sampled: str,
    documents: list[dict[str, Any]],
    behind: Behind = ALONE,
) -> str:
    """Return a page of sections and the list of documents."""
    named = [
        (found[1], found[2]) for one in sections if (found := re.match(r'<section id="(\w+)"><h2>(.*?)</h2>', one))
    ]
    links = [f'<a href="#{name}">{words}</a>' for name, words in [*named, ("documents", "Look at documents")]]
    data = json.dumps(documents, ensure_ascii=False).replace("<", "\\u003c")  # no text of a document ends the script
    parts = {
        "title": text(title),
        "lead": lead,
        "contents": " ".join(links),
        "sections": "\n".join(sections),
        "sampled": text(sampled),
        "footer": "Made by medmix from the files of the run. Research only, not for clinical use.",
        "data": data,
        "script": f"{(WEB / 'page.js').read_text(encoding='utf-8')}{behind.script}",
        "filters": behind.filters,
        "policy": behind.policy,
        "style": (WEB / "page.css").read_text(encoding="utf-8"),
    }
    return Template((WEB / "page.html").read_text(encoding="utf-8")).substitute(parts)


def _lead(facts: CardFacts) -> str:
    records = sum(m.ledger.total().records_in for n, m in facts.result.manifests.items() if n.startswith("extract-"))
    gone = {o: sum(row[4] for row in facts.losses if row[2] == o) for o in ("dropped", "quarantined")}
    figures: dict[str, object] = {"records read": records, "documents kept": facts.whole.documents, **gone}
    figures |= {"words": facts.whole.words, "sources": len(facts.sources), "may be released": facts.whole.released}
    for name, mixture in facts.mixtures.items():
        figures[f"trained tokens, {name}"] = sum(t.trained_tokens for t in mixture.trained.values())
    said = facts.said.get("summary", "")
    return f"{text(said)} Profile {text(facts.profile)}.{tiles(figures)}"


def _notes(result: Result) -> str:
    alarms = [alarm for m in result.manifests.values() for shard in m.shards for alarm in shard.facts.get("alarms", [])]
    found = list(dict.fromkeys([*alarms, *result.notes]))
    shown, rest = ("".join(note(one, warning=True) for one in part) for part in (found[:NOTES], found[NOTES:]))
    return section("notes", "Notes", shown, folded(f"{len(found) - NOTES} more", rest)) if found else ""


def _audit(result: Result) -> list[Kept]:
    if RETENTION not in result.files:
        return []
    return read_retention(bytes(result.storage.read(result.files[RETENTION])))


def _again(facts: CardFacts, given: str) -> str:
    result = facts.result
    lines = [given or f"{facts.command} -s out=OUT", "medmix verify OUT", "medmix report OUT"]
    last = list(result.manifests.values())[-1]
    told_by = (
        f"Seed {result.config['seed']}, digest of the last manifest {last.digest}, Python "
        f"{facts.environment['python']}, digest of all versions {facts.environment_digest}. plan.json holds every "
        "setting."
    )
    return section("again", "Make it again", f"<pre>{text(chr(10).join(lines))}</pre>", note(told_by))
