"""FHIR implementation guides, such as the WHO SMART guidelines: their knowledge resources and their pages of prose.

A published guide lies in a folder with its package (`package.tgz`), its ImplementationGuide resource, an artifact
index, and for each resource `Type-id.json` and `Type-id.html` (as HL7's IG publisher writes them). The package is read
by default: it holds the resource that names everything and its licence. `package-list.json` lists the versions of a
guide (HL7 FHIR, package list). Not here: what the resources say (`sources.parse`).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from pipelines.engine.settings import BYTES, Settings
from sources.connectors.address import WebAddress, absolute
from sources.connectors.answer import at, changed, html_of, json_of, listed, text_at
from sources.connectors.facts import facts
from sources.connectors.fhir_guide import Artifact, Guide, guide_in, guide_of, is_furniture, resource_in
from sources.connectors.follow import carried, index, item, step_of
from sources.connectors.pattern import Pattern, wanted
from sources.connectors.selector import text_of
from sources.parse.part import Fault
from sources.web.link import Link

_CONTINUOUS = "ci-build"
"""A version that changes at every edit; never a source."""


class Options(Settings):
    """Which guide, and what of it."""

    guide: Annotated[WebAddress, BYTES]
    """The folder of the guide, such as https://smart.example.org/anc/."""
    versions: Annotated[Literal["given", "latest", "all"], BYTES] = "given"
    """`given`: the guide at that address; the others by its package-list.json."""
    read: Annotated[Literal["package", "guide", "artifacts"], BYTES] = "package"
    """What lists the resources: package.tgz, the ImplementationGuide resource, or artifacts.html (no licence there)."""
    guide_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]*$"), BYTES] = ""
    """With `read: guide`, the id of the ImplementationGuide."""
    types: Annotated[tuple[str, ...], BYTES] = ("PlanDefinition", "ActivityDefinition", "Questionnaire", "Measure")
    form: Annotated[Literal["json", "html"], BYTES] = "json"
    """Resources as FHIR JSON or as the pages made of them."""
    examples: Annotated[bool, BYTES] = False
    pages: Annotated[bool, BYTES] = True
    """The pages of prose too."""
    include: Annotated[tuple[Pattern, ...], BYTES] = ("*",)
    exclude: Annotated[tuple[Pattern, ...], BYTES] = ()

    @model_validator(mode="after")
    def _named(self) -> "Options":
        if self.read == "guide" and not self.guide_id:
            raise ValueError("`read: guide` needs `guide_id`, the id of the ImplementationGuide resource")
        return self


def start(options: dict[str, Any]) -> list[Link]:
    """Return the list of versions, or what lists the resources of the guide."""
    chosen = Options.model_validate(options)
    if chosen.versions != "given":
        return [index(f"{_folder(chosen.guide)}package-list.json", "history")]
    return [_listing(_folder(chosen.guide), chosen, {})]


def expand(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Link | Fault]:
    """Yield the versions of a guide, or its resources and pages.

    Raises Unreadable: structure_changed, invalid_json, decompression_bomb, and those of `html_of`.
    """
    chosen = Options.model_validate(options["connector"])
    step, _ = step_of(options)
    asked = str((options.get("link") or {}).get("url") or key)  # packages may come from another place than the guide
    if step == "history":
        yield from _history(json_of(body), key, chosen)
    elif step == "package":
        yield from _resources(guide_in(body), asked, chosen, carried(options))
    elif step == "guide":
        yield from _resources(guide_of(json_of(body)), asked, chosen, carried(options))
    else:
        yield from _artifacts(body, key, chosen, options)


def _folder(address: str) -> str:
    return address.partition("?")[0].rstrip("/") + "/"


def _listing(folder: str, chosen: Options, fields: Mapping[str, str]) -> Link:
    names = {"package": "package.tgz", "artifacts": "artifacts.html"}
    name = names.get(chosen.read, f"ImplementationGuide-{chosen.guide_id}.json")
    return index(f"{folder}{name}", chosen.read, 0, fields)


def _history(answer: Any, key: str, chosen: Options) -> Iterator[Link | Fault]:
    """Yield the published versions, newest first as they are listed, each in its own folder on the guide's host."""
    published = [
        one for one in listed(answer, "list") if text_at(one, "status") != _CONTINUOUS and text_at(one, "path")
    ]
    if not published:
        raise changed("a published version in the list", f"none of {len(listed(answer, 'list'))}")
    if chosen.versions == "latest":
        published = [next((one for one in published if at(one, "current") is True), published[0])]
    for one in published:
        said = facts({"version": text_at(one, "version"), "published": text_at(one, "date")})
        path = absolute(text_at(one, "path"), key)
        if path is None or urlsplit(path).netloc != urlsplit(key).netloc:
            yield Fault(
                reason="bad_link", detail="a version that lies on another host", name=said.get("version") or "version"
            )
        else:  # lists name http where the site answers by https
            yield _listing(_folder(absolute(urlsplit(path).path, key) or path), chosen, said)


def _resources(guide: Guide, base: str, chosen: Options, fields: Mapping[str, str]) -> Iterator[Link | Fault]:
    said = {**fields, **facts(guide.fields)}
    for artifact in guide.artifacts:
        if artifact.type in chosen.types and (chosen.examples or not artifact.is_example):
            own = {"title": artifact.title, "key": f"{artifact.type}/{artifact.id}"}
            yield from _file(f"{artifact.type}-{artifact.id}.{chosen.form}", base, chosen, {**said, **facts(own)})
    for name, title in guide.pages if chosen.pages else []:
        yield from _file(name, base, chosen, {**said, **facts({"title": title, "key": name})})


def _file(name: str, base: str, chosen: Options, fields: Mapping[str, str]) -> Iterator[Link | Fault]:
    url = absolute(f"./{name}", base)
    if url is None:
        yield Fault(reason="bad_link", detail="a file of the guide makes no web address", name=name[:100])
    elif wanted(url, chosen.include, chosen.exclude):
        yield item(url, fields)


def _artifacts(body: bytes, key: str, chosen: Options, options: dict[str, Any]) -> Iterator[Link | Fault]:
    """Yield what the artifact index links to: resources by the name of their page, and the prose in its menu.

    A guide of prose alone (WHO's digital adaptation kits) has an index without resources.
    """
    page = html_of(body, key, options)
    here = (absolute(".", key) or key).rstrip("/") + "/"
    artifacts: dict[str, Artifact] = {}
    pages: dict[str, str] = {}
    for link in page.tree.iter("a"):
        url = page.address(link.get("href") or "")
        name = url.removeprefix(here) if url and url.startswith(here) else ""
        title = " ".join(text_of(link).split())
        if artifact := resource_in(name, title):
            artifacts.setdefault(name, artifact)
        elif name.endswith(".html") and "/" not in name and not is_furniture(name):
            pages[name] = pages.get(name) or title
    if not artifacts and not pages:
        raise changed("links to resources (Type-id.html) or pages of the guide", "none")
    yield from _resources(Guide({}, list(artifacts.values()), list(pages.items())), key, chosen, carried(options))
