"""The sections of a card in order: those of the hub's template, and the questions of Datasheets for Datasets.

What a person must say comes from the run file's section `card:`, figures come from the facts, and sentences that follow
from figures are written here. Gebru et al., Datasheets for Datasets, 2021; the template is that of huggingface_hub.
Not here: the tables (`card_tables`) and the metadata (`card_metadata`).
"""

from collections.abc import Iterator

from pipelines.report import card_tables as tables
from pipelines.report.card_facts import CardFacts
from pipelines.report.census import UNKNOWN
from pipelines.report.limits import limits_of
from pipelines.report.markdown import share
from pipelines.report.markdown import table as rows_of
from pipelines.stages.vocabulary import load_vocabulary

WARNING = "**Research only, not for clinical use.** Texts may be outdated, wrong or local to one setting."
Lines = Iterator[str]
COLUMNS = {
    "input_ids": "token ids of one packed sequence",
    "doc_lens": "lengths of the documents in it, marks included; padding is the last of them where there is any",
    "pad_len": "tokens of padding at the end, never to be trained on",
    "masked": "places whose tokens are no targets: start, stop, start, stop, ...",
    "source_id": "number of the component, in the order of the table of components, from 0",
    "id": "hash of source, key and version",
    "kind": "guideline, article, abstract, label, dialogue, mcq, replay, ...",
    "source": "tag of the source, as in the table of sources",
    "release": "release of the source",
    "key": "name of the document in its source",
    "url": "where it was found, without keys and addresses of persons",
    "title": "title",
    "text": "the words, after every edit",
    "messages": "chat turns: role, content, trained or not",
    "language": "BCP 47 tag",
    "published": "date of publication, as precise as known",
    "retrieved": "when it was fetched; null unless known",
    "version": "version in its source",
    "supersedes": "id of the older version that it replaces",
    "retracted": "whether it was retracted",
    "sections": "path, start and end of each section in the text",
    "rights": "SPDX expression, evidence, attribution and what follows from them",
    "parents": "ids of the documents that it was made from",
    "edits": "every stage that changed the text, with version and settings",
    "teacher": "model, revision, prompt and sampling of generated text",
    "mcq": "question, options, gold and explanation",
    "links": "relations to other documents",
    "references": "cited works",
    "identifiers": "DOI, PMID, PMCID, ...",
    "item_sha256": "SHA-256 of the bytes that it was read from",
    "tokens": "estimated tokens: bytes over four",
    "extra": "further facts, JSON",
}


def sections(facts: CardFacts, repo: str) -> Lines:
    """Yield the lines of the card below its metadata; `repo` is what the snippet loads."""
    said = facts.said
    yield from [f"# {said['title']}", "", f"> {WARNING}", "", said["summary"], ""]
    yield from _description(facts)
    yield from _part("Uses", ("Direct use", said["intended_use"]), ("Out-of-scope use", said["out_of_scope"]))
    yield from _structure(facts, repo)
    yield from ["## Creation", "", *_below("Curation rationale", said["rationale"])]
    yield from _below("Data collection", said["collection"])
    yield from ["### Sources", "", *tables.sources(facts)]
    yield from _below("Who are the source data producers?", said["producers"])
    yield from _mixtures(facts)
    yield from _processing(facts)
    yield from _generated(facts)
    yield from _coverage(facts)
    yield from _personal(facts)
    yield from _risks(facts)
    yield from _rights(facts)
    yield from _upkeep(facts)


def _part(title: str, *parts: tuple[str, str]) -> Lines:
    yield from [f"## {title}", ""]
    for name, text in parts:
        yield from _below(name, text)


def _below(title: str, text: str) -> Lines:
    yield from [f"### {title}", "", text, ""]


def _description(facts: CardFacts) -> Lines:
    said, whole = facts.said, facts.whole
    languages = ", ".join(f"{name} ({count:,})" for name, count in whole.languages.most_common())
    told = {
        "Curated by": said["maintainer"],
        "Funded by": said["funding"],
        "Version": f"{said['version']}, {said['released']}",
        "Languages (documents)": languages,
        "Documents": f"{whole.documents:,} kept, {whole.words:,} words, {whole.tokens:,} tokens (estimated)",
        "Licences": ", ".join(f"{spdx}" for spdx in sorted({terms.spdx for terms in whole.terms})),
        "Profile": f"`{facts.profile}`: {whole.released:,} of {whole.documents:,} documents may be released",
    }
    if said.get("homepage"):
        told["Homepage"] = said["homepage"]
    yield from ["## Details", "", *(f"- **{name}:** {text}" for name, text in told.items()), ""]


def _structure(facts: CardFacts, repo: str) -> Lines:
    yield from ["## Structure", "", *tables.files(facts)]
    for config, schema in facts.layout.schemas.items():
        yield from [f"Columns of `{config}`:", ""]
        yield from rows_of(
            ["column", "type", "meaning"],
            ([f"`{f.name}`", f"`{_brief(str(f.type))}`", COLUMNS[f.name]] for f in schema),
        )
    yield from ["### Loading", "", "```python", *snippet(facts, repo), "```", ""]


def _brief(kind: str) -> str:
    return kind if len(kind) <= 60 else kind.partition("<")[0] + "<...>"


def snippet(facts: CardFacts, repo: str) -> Lines:
    """Yield the lines of Python that load every config; a test executes them."""
    yield "from datasets import load_dataset"
    yield ""
    yield f'repo = "{repo}"  # the folder that holds this card, or its repository on the hub'
    for config in facts.layout.schemas:
        yield f'{_variable(config)} = load_dataset(repo, "{config}", split="train")'
    first = next(iter(facts.layout.schemas))
    yield f'stream = load_dataset(repo, "{first}", split="train", streaming=True)'
    yield "row = next(iter(stream))"
    yield "state = stream.state_dict()  # stream.load_state_dict(state) goes on from here"


def _variable(config: str) -> str:
    name = "".join(c if c.isalnum() else "_" for c in config)
    return name if not name[0].isdigit() else f"_{name}"


def _mixtures(facts: CardFacts) -> Lines:
    for name, found in facts.mixtures.items():
        stated = found.stated
        yield from [f"### Mixture {name}", ""]
        yield (
            f"Packed for `{stated['target']}`: {stated['sequences']:,} sequences of {stated['sequence_tokens']:,} "
            "tokens, one component a sequence, documents complete and never truncated, in the order of training."
        )
        if by := facts.result.described.get("found_by", {}).get(name):
            yield f"\nIts weights come from the experiment `{by['experiment']}`, which trained small models for them:"
            yield from [f"\n> {by['verdict']}", f"\nThe record of that has the SHA-256 `{by['evidence']}`."]
        yield from ["", *(f"{note}.\n" for note in stated["notes"])]
        yield from tables.mixture(facts, name)
        if found.weighed:
            yield "What shares ask of a slice follows from how much of each component is about it; the most trained:"
            yield from ["", *tables.weighed(facts, name)]


def _processing(facts: CardFacts) -> Lines:
    yield from ["### Recipe", "", "Each line of the run file, in order, with every setting that decides bytes.", ""]
    yield from tables.recipe(facts)
    yield from ["### What each stage took", "", "Every record that went in was kept, dropped or quarantined.", ""]
    yield from tables.funnel(facts)
    yield from tables.losses(facts)
    limits = limits_of(facts.result.described)
    floors = ", ".join(f"{name} {floor:.0%}" for name, floor in sorted(limits.floors.items())) or "none"
    yield f"At most {limits.max_quarantined:.0%} of the records may be quarantined. Floors of slices: {floors}."
    yield ""
    yield from ["### Decontamination", ""]
    if facts.contamination is None:
        yield from ["No stage looked for items of test sets in the texts of this release, so scores of models that "
                    "were trained on it may be inflated.", ""]  # fmt: skip
    else:
        yield from ["Items of test sets that were looked for, verbatim and nearly so; paraphrases are not found.", ""]
        yield from tables.contamination(facts)


def _generated(facts: CardFacts) -> Lines:
    whole = facts.whole
    count = whole.teachers.total()
    yield from ["### Generated text", ""]
    if count:
        yield f"{count:,} of {whole.documents:,} documents ({share(count, whole.documents)}) were generated by a model."
    else:
        yield "No document of this release was generated by a model."
    yield from ["", *tables.teachers(facts)]
    if costs := list(tables.cost(facts)):
        yield from [
            "What was asked, what the checks accepted of it, and what it took (cost by the prices that were set):"
        ]
        yield from ["", *costs, *tables.acceptance(facts)]
    yield from ["### Review by experts", "", *_reviewed(facts)]
    yield from _below("Annotations", "Nobody annotated these documents; what stages found of them is their own work.")


def _reviewed(facts: CardFacts) -> Lines:
    found = facts.reviews
    if found is None or not found.whole.reviewed:
        yield from ["Nobody reviewed single documents of this release.", ""]
        return
    yield (
        f"{len(found.by_reviewer)} reviewers judged {found.whole.reviewed:,} documents, from {found.days[0]} to "
        f"{found.days[1]}. What one of them rejected is not in this release, whoever accepted it. Shares are of a "
        "sample that is balanced over strata, with 95 % intervals after Wilson; they are not those of the corpus."
    )
    yield from ["", *tables.reviewed(found)]
    if found.changed_since:
        yield from [f"The text of {found.changed_since:,} of them has changed since it was reviewed.", ""]
    if found.corrected:
        fields = ", ".join(f"{field} ({count:,})" for field, count in sorted(found.corrected.items()))
        yield from [f"Corrected by reviewers, as the column `edits` tells: {fields}.", ""]


def _coverage(facts: CardFacts) -> Lines:
    yield from ["## Coverage", ""]
    if facts.coverage:
        yield (
            "What documents are about, told by words of open vocabularies. A document may be about several groups. Of "
            "those that no other document stands for, the rate is the part that was kept."
        )
        yield from ["", *tables.coverage(facts)]
    else:
        yield from ["No stage of this run looked at what documents are about.", ""]
    yield from ["### Languages and age", ""]
    yield from tables.counted("language", facts.whole.languages)
    yield from tables.years(facts)
    yield from ["### Known gaps", "", facts.said["known_gaps"], "", *_gaps(facts)]


def _gaps(facts: CardFacts) -> Lines:
    """Yield what figures show to be missing."""
    whole = facts.whole
    if facts.coverage:
        kept = {row.slice for row in facts.coverage if row.axis == "disease" and row.records_kept}
        missing = sorted(set(load_vocabulary("diseases").groups) - kept)
        yield f"- Disease groups that no kept document is about: {', '.join(missing) or 'none'}."
    yield f"- Documents whose date of publication is not known: {whole.years[UNKNOWN]:,} of {whole.documents:,}."
    yield f"- Documents whose language is not known: {whole.languages[UNKNOWN]:,} of {whole.documents:,}."
    yield f"- Documents without a URL: {whole.without_url:,} of {whole.documents:,}."
    yield ""


def _personal(facts: CardFacts) -> Lines:
    said = facts.said
    yield from ["## Personal and sensitive information", "", said["personal_data"], ""]
    if "privacy" in facts.result.manifests:
        total = facts.whole.redactions.total()
        yield from [
            f"The stage `privacy` put {total:,} placeholders in the place of identifiers and announced names.",
            "",
        ]
        yield from tables.counted("kind of identifier", facts.whole.redactions)
    else:
        yield from ["No stage of this run looked for identifiers of persons.", ""]
    yield from _below(
        "Removal",
        f"To have a text removed, write to {said['removal_contact']}, with its id, URL or DOI. A text that is named is "
        "left out where its source is read, and of every later release.",
    )


def _risks(facts: CardFacts) -> Lines:
    yield from _part(
        "Bias, risks and limitations",
        ("Biases", facts.said["biases"]),
        ("Social impact", facts.said["social_impact"]),
        ("Warnings", f"{WARNING} A model that is trained on them is no medical device, and nobody checked single texts "
                     "for being right."),
    )  # fmt: skip


def _rights(facts: CardFacts) -> Lines:
    yield from ["## Licences and attribution", ""]
    yield (
        "Each text stays under its own licence; evidence stands in each document's `rights`. `LICENSES.md` lists the "
        "licences with what they allow, `ATTRIBUTION.tsv` each document with title, address and attribution."
    )
    yield from ["", *tables.licences(facts)]


def _upkeep(facts: CardFacts) -> Lines:
    said, result = facts.said, facts.result
    yield from _part("Maintenance", ("Plan", said["maintenance"]))
    yield from ["### Changes since the previous release", ""]
    if facts.previous:
        yield from tables.changes(facts)
    else:
        yield from ["No earlier release was named to compare with.", ""]
    yield from ["## Checksums and reproduction", ""]
    manifests = [manifest.digest for manifest in result.manifests.values()]
    yield "- `SHA256SUMS` lists every data file: `sha256sum -c SHA256SUMS`."
    yield f"- Run `{result.name}`, seed {result.config['seed']}; digest of its last manifest `{manifests[-1]}`."
    yield f"- Environment: Python {facts.environment['python']}, digest of all versions `{facts.environment_digest}`."
    yield f"- To make it again: `{facts.command}`, with the same inputs and the locked environment."
    yield from ["", "## Citation", "", "```", said["citation"].strip(), "```", ""]
    yield from ["## Contact", "", f"{said['maintainer']}, {said['contact']}", ""]
