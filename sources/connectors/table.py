"""The connectors by name, and a check of a source's connector options before anything is fetched.

A connector is a module with `Options`, `start(options)` and `expand(body, key, options)`; a new one is one file and one
line here. Inside the sandbox a wrong option would look like a broken site, so options are checked when a source is
loaded or planned, and told as other mistakes are: where, what, and the nearest right name.
"""

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from pipelines.engine.errors import ConfigError
from pipelines.engine.settings import Settings
from sources.web.exchange import Refusal
from sources.web.link import Link
from sources.web.settings import WebConfig
from sources.web.url import Allowlist, parse

CONNECTORS: Mapping[str, str] = {
    name: f"sources.connectors.{name}:expand"
    for name in (
        *("sitemap", "html_index", "dspace7", "mediawiki", "oai_pmh"),
        *("api_json", "spl", "fhir_ig", "git_tree", "urls"),
    )
}
"""Name to the sandbox target that expands a page."""


def check_site(web: WebConfig, where: str) -> None:
    """Raise ConfigError when the hosts of a site are none, or as `options_of` does."""
    try:
        Allowlist(web.hosts, web.http)
    except ValueError as error:
        raise ConfigError(f"{where}.hosts: {error}") from None
    options_of(web, where)


def options_of(web: WebConfig, where: str = "web") -> Settings:
    """Return the connector's options, checked.

    Raises ConfigError for an unknown name, a wrong value, or a start that may not be asked for; `where` begins it.
    """
    module = _module(web.connector)
    try:
        options: Settings = module.Options.model_validate(web.options)
    except ValidationError as error:
        lines = [_told(dict(fault), module.Options, f"{where}.options") for fault in error.errors()]
        raise ConfigError("\n".join(lines)) from None
    for link in module.start(web.options):
        _check_start(web, link.url, where)
    return options


def _check_start(web: WebConfig, url: str, where: str) -> None:
    """Raise ConfigError for a first page that the crawl would refuse, for then it would find nothing."""
    try:
        place = parse(url)
    except Refusal as refusal:
        raise ConfigError(f"{where}.options: {url} cannot be fetched: {refusal.detail}; correct it") from None
    host = place.host
    if not any(host == name or (name.startswith("*.") and f".{host}".endswith(name[1:])) for name in web.hosts):
        raise ConfigError(
            f"{where}.hosts: the connector {web.connector!r} begins at {url}, and {host} is not among "
            f"{', '.join(web.hosts)}; add it"
        )
    if place.scheme == "http" and not web.http:
        raise ConfigError(f"{where}.http: {url} is plain http; write it as https, or set `http: true` here")


def start_links(web: WebConfig) -> list[Link]:
    """Return the links that the crawl of a source begins with. Raises ConfigError as `options_of` does."""
    options_of(web)
    links: list[Link] = _module(web.connector).start(web.options)
    return links


def _module(name: str) -> Any:
    return import_module(CONNECTORS[name].partition(":")[0])


def _told(fault: Mapping[str, Any], known: type[Settings], where: str) -> str:
    """Return one line for one mistake in the options."""
    place = ".".join([where, *(str(step) for step in fault["loc"])])
    if fault["type"] == "extra_forbidden":
        name = str(fault["loc"][-1])
        names = sorted(known.model_fields) if len(fault["loc"]) == 1 else []
        near = difflib.get_close_matches(name, names, 1, 0.5)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(names)}" if names else ""
        return f"{place}: there is no such option{hint}"
    if fault["type"] == "missing":
        return f"{place}: this option is missing; add it"
    given = fault["input"]
    shown = "" if isinstance(given, dict | list | tuple) else f" (given: {given!r})"
    return f"{place}: {str(fault['msg']).removeprefix('Value error, ')}{shown}"
