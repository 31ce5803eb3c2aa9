"""The report: one file that says what the card says, works in a browser, asks nobody, and fits its widths."""

import json
import re
from pathlib import Path

import pytest
from demo_runs import call_medmix
from fakes.browser import look

from pipelines.report.census import kept_documents
from pipelines.report.charts import Bars, figure
from pipelines.report.edits_shown import marked
from pipelines.report.page import page, report_page
from pipelines.report.shown import HIDDEN, UNSHOWN, Stratum, _chosen, dropped, sample
from pipelines.result import Result

CASES = json.loads((Path(__file__).parent / "marked_cases.json").read_text())
MAX_BYTES = 5 << 20


@pytest.fixture(scope="module")
def report(demo_result: Result, demo_run: Path) -> str:
    return report_page(demo_result, demo_run)


def documents_of(report: str) -> list[dict[str, object]]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', report, re.DOTALL)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


def test_the_report_tells_each_part_of_the_run(report: str) -> None:
    for name in ("funnel", "coverage", "retention", "doubles", "rights", "ages", "mixtures", "generated", "review",
                 "quarantine", "timing", "again", "documents"):  # fmt: skip
        assert f'<section id="{name}">' in report
    assert "<td>removal_requested</td>" in report
    assert report.count("<figure") >= 12
    assert re.search(r"medmix run \S*demo\.yaml -s out=", report), "the command that was given"
    assert "the run file allows 25.0%" in report
    assert "sets no floor" in report
    assert "asked for" in report


def test_every_chart_names_its_axes_with_units_and_comes_in_two_widths(report: str) -> None:
    figures = re.findall(r"<figure.*?</figure>", report, re.DOTALL)
    for one in figures:
        assert one.count("<svg") == 2
        titles = set(re.findall(r"axis titled '([^']+)'", one))
        assert len(titles) == 2, f"an axis has no name: {one[:200]}"
        assert (titles & {"records", "documents kept", "records dropped", "share of the sequences", "tokens of demo",
                          "seconds of workers, summed over shards", "share of its documents that was kept",
                          "share of the trained tokens"}
                or "titled 'documents kept'" in one), "neither an axis nor the legend tells the unit"  # fmt: skip
    assert "#010203" not in report


def test_the_sample_is_the_same_again_and_covers_every_source(demo_result: Result) -> None:
    told = sample(demo_result, 20)
    assert told == sample(demo_result, 20)
    assert len(told) == 20
    kept = [row for table in kept_documents(demo_result, ["source"]) for row in table["source"].to_pylist()]
    assert {one["source"] for one in told} == set(kept)
    assert any(one["slices"] for one in told)


def test_sources_take_turns_and_within_them_their_strata() -> None:
    many = {Stratum("a", f"disease-{n:02}", "none", False): [f"a{n}"] for n in range(50)}
    chosen = _chosen({**many, Stratum("z", "none", "none", False): ["z1", "z2", "z3"]}, 6)
    assert sorted(name[0] for name in chosen) == ["a", "a", "a", "z", "z", "z"]


def test_no_text_is_shown_that_must_not_be_passed_on(demo_result: Result) -> None:
    told = {row["reason"]: row for row in dropped(demo_result)}
    assert {"duplicate", "retracted", "removal_requested", "reference_only"} <= told.keys()
    for reason, row in told.items():
        hidden = row["text"].startswith(("The text is not shown", "There is no text"))
        assert hidden == (reason in UNSHOWN or row["outcome"] == "quarantined"), reason


def test_a_text_whose_licence_does_not_allow_it_is_not_shown(tmp_path: Path) -> None:
    from fakes.releases import release_run

    from pipelines.result import read_result

    result = read_result(release_run(tmp_path, spdx="LicenseRef-unknown", profile="research-internal"))
    assert {one["marks"][0][1] for one in sample(result, 3)} == {HIDDEN}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_changed_words_are_marked(case: dict[str, object]) -> None:
    marks = marked(str(case["original"]), str(case["cleaned"]), int(str(case.get("limit", 5000))))
    assert [list(mark) for mark in marks] == case["marks"]


def test_values_are_escaped_wherever_they_stand() -> None:
    nasty = '</script><script>window.hacked=1</script>"<b>'
    one = {"id": "1", "key": nasty, "title": nasty, "source": nasty, "kind": "k", "language": None, "licence": nasty,
           "marks": [["=", nasty]], "slices": [], "edits": [], "parents": [], "chars": 1, "whole": True,
           "compared": False}  # fmt: skip
    made = page("x", "", [], nasty, [one])
    assert made.count("<script>window.hacked") == 0
    assert documents_of(made) == [one]
    chart = figure(Bars([{"n": nasty, "v": 1}], "n", "v", "records"), nasty)
    assert "<script" not in chart
    assert "<b>" not in chart


def test_the_verb_writes_the_page(demo_copy: Path) -> None:
    done = call_medmix("report", demo_copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert (demo_copy / "report.html").read_text().startswith("<!doctype html>")
    assert call_medmix("verify", demo_copy).returncode == 0


FITS = """
  const inside = ".table, svg, pre, .words, #list";
  const wide = [...document.querySelectorAll("body *")].filter((one) => !one.closest(inside));
  const over = wide.filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
  return {
    width: window.innerWidth, scroll: document.documentElement.scrollWidth,
    over: over.map((one) => one.tagName + "." + one.className).slice(0, 5),
    shown: [...document.querySelectorAll("figure svg")].filter((one) => one.getBoundingClientRect().width > 0).length,
    figures: document.querySelectorAll("figure").length,
    overlaps: [...document.querySelectorAll("figure svg")].flatMap((svg) => {
      const boxes = [...svg.querySelectorAll(".role-axis-label text, .role-axis-title text, .role-legend-label text")]
        .map((one) => [one.textContent, one.getBoundingClientRect()]).filter(([, box]) => box.width);
      const meet = (one, other) => one.left < other.right - 1 && other.left < one.right - 1 &&
        one.top < other.bottom - 2 && other.top < one.bottom - 2;
      return boxes.flatMap(([a, one], at) =>
        boxes.slice(at + 1).filter(([, other]) => meet(one, other)).map(([b]) => a + "|" + b));
    }).slice(0, 5),
  };
"""


def test_the_browser_tells_of_requests_and_errors(tmp_path: Path) -> None:
    body = '<img src="http://pictures.invalid/x.png"><script>nothing.there()</script>'
    seen = look(f"<html><head></head><body>{body}</body></html>", "return 1", tmp_path)
    assert seen.asked == ["http://pictures.invalid/x.png"]
    assert any("nothing is not defined" in error for error in seen.errors)
    kept = look(page("x", body, [], "", []), "return 1", tmp_path)
    assert kept.asked == []
    assert any("blocked http://pictures.invalid" in error for error in kept.errors), "the page's policy forbids it"


@pytest.mark.parametrize("width", [1280, 390])
def test_it_renders_and_fits_and_asks_nobody(report: str, tmp_path: Path, width: int) -> None:
    seen = look(report, FITS, tmp_path, width)
    assert seen.errors == []
    assert seen.asked == []
    assert seen.value["width"] == width
    assert seen.value["scroll"] <= width
    assert seen.value["over"] == []
    assert seen.value["shown"] == seen.value["figures"], "of each figure one drawing is shown"
    assert seen.value["overlaps"] == []


FILTERS = """
  const set = (id, value) => { const one = document.getElementById(id); one.value = value;
    one.dispatchEvent(new Event(one.type === "search" ? "input" : "change")); };
  const listed = () => document.querySelectorAll("#list li").length;
  const told = { all: listed(), count: document.getElementById("count").textContent };
  set("by-source", "pdfs"); told.pdfs = listed();
  told.sources = [...document.querySelectorAll("#list small")].every((one) => one.textContent.startsWith("pdfs"));
  set("search", "no such words anywhere"); told.none = listed();
  told.empty = document.getElementById("document").textContent;
  set("by-source", ""); set("search", "Praziquantel"); told.search = listed();
  set("search", ""); set("by-slice", "disease:malaria"); told.malaria = listed();
  set("by-slice", ""); document.querySelectorAll("#list button")[3].click();
  told.title = document.querySelector("#document h3").textContent;
  told.button = document.querySelectorAll("#list button")[3].firstChild.textContent;
  return told;
"""


def test_search_and_filters_show_what_they_say(report: str, tmp_path: Path) -> None:
    documents = documents_of(report)
    seen = look(report, FILTERS, tmp_path)
    assert (seen.errors, seen.asked) == ([], [])
    told = seen.value
    assert (told["all"], told["count"]) == (len(documents), f"{len(documents)} of {len(documents)} documents")
    assert (told["pdfs"], told["sources"]) == (sum(one["source"] == "pdfs" for one in documents), True)
    assert (told["none"], told["empty"]) == (0, "No document matches these filters.")
    assert told["search"] == sum("praziquantel" in json.dumps(one).lower() for one in documents) > 0
    assert told["malaria"] == sum("disease:malaria" in one["slices"] for one in documents) > 0  # type: ignore[operator]
    assert told["title"] == told["button"]


@pytest.mark.nightly
@pytest.mark.real
def test_the_report_of_the_real_sample(real_run: Path, tmp_path: Path) -> None:
    from pipelines.result import read_result

    made = report_page(read_result(real_run), real_run)
    assert len(made.encode()) < MAX_BYTES
    for width in (1280, 390):
        seen = look(made, FITS, tmp_path, width)
        assert (seen.errors, seen.asked) == ([], [])
        assert seen.value["scroll"] <= width
        assert (seen.value["over"], seen.value["overlaps"]) == ([], [])
