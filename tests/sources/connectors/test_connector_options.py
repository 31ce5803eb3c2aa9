"""Wrong options are told before anything is fetched: where, what, and the nearest right name."""

import inspect
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fakes.web.sites import load, names

from pipelines.engine.errors import ConfigError
from pipelines.engine.settings import Settings
from sources.connectors.table import CONNECTORS, options_of, start_links
from sources.web.settings import WebConfig

WRONG = json.loads((Path(__file__).parent / "parts" / "wrong_options.json").read_text(encoding="utf-8"))


def web(connector: str, options: dict[str, Any], *hosts: str) -> WebConfig:
    return WebConfig.model_validate({"connector": connector, "options": options, "hosts": hosts})


@pytest.mark.parametrize(("connector", "options", "words"), WRONG)
def test_wrong_options_are_told(connector: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as told:
        options_of(web(connector, options, "site.example.org"))
    assert words in str(told.value)
    assert all(line.startswith("web.") for line in str(told.value).splitlines())


def test_every_mistake_has_a_line_and_the_source_is_named() -> None:
    with pytest.raises(ConfigError) as told:
        options_of(web("spl", {"filter": {}, "max_pages": 0}, "x.example.org"), "source labels: web")
    assert [line.partition(":")[0] for line in str(told.value).splitlines()] == ["source labels"] * 2


@pytest.mark.parametrize(
    "hosts", [["a.site.example.org"], ["*.example.org"], ["other.example.net", "*.site.example.org"]]
)
def test_hosts_may_be_domains(hosts: list[str]) -> None:
    options_of(web("urls", {"urls": ["https://a.site.example.org/x"]}, *hosts))
    with pytest.raises(ConfigError, match="is not among"):
        options_of(web("urls", {"urls": ["https://aexample.org/x"]}, *hosts))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://site.example.org/x", "web.http: "),
        ("https://site.example.org:8443/x", "only port 443"),
        ("https://169.254.169.254/x", "not public"),
        ("https://0x7f.1/x", "odd notation"),
    ],
)
def test_a_start_that_the_crawl_would_refuse_is_told(url: str, words: str) -> None:
    with pytest.raises(ConfigError) as told:
        options_of(web("urls", {"urls": [url]}, "site.example.org"))
    assert words in str(told.value)


def test_a_start_may_be_written_in_any_spelling_of_its_host() -> None:
    urls = ["https://B\u00dcCHER.example.org/a", "https://xn--bcher-kva.example.org./b"]
    options_of(web("urls", {"urls": urls}, "xn--bcher-kva.example.org"))


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_connector_has_documented_options_and_the_agreed_functions(name: str) -> None:
    module = import_module(f"sources.connectors.{name}")
    assert CONNECTORS[name] == f"sources.connectors.{name}:expand"
    assert issubclass(module.Options, Settings)
    assert module.Options.__doc__
    assert list(inspect.signature(module.start).parameters) == ["options"]
    assert list(inspect.signature(module.expand).parameters) == ["body", "key", "options"]
    assert all(module.Options.decides(field) == "bytes" for field in module.Options.model_fields)


@pytest.mark.parametrize("name", names())
def test_starts_do_not_depend_on_how_options_are_held(name: str) -> None:
    site = load(name)
    links = start_links(site.web)
    again = site.web.model_copy(update={"options": options_of(site.web).model_dump(mode="json")})
    assert links
    assert start_links(again) == links
