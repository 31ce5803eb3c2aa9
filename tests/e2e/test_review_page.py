"""The page of a review in a browser: it filters, stores verdicts, fits its widths, and runs no document's words."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fakes.browser_session import Session, browser_session
from test_report_page import FITS

from pipelines.report.review_page import review_page
from pipelines.report.review_server import ReviewServer, VerdictLog
from pipelines.stages.verdicts import Verdict, read_verdicts

NASTY = '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1"><svg onload="window.hacked=1">'
NOW = "2026-11-30T10:00:00Z"


def document(number: int, **changes: Any) -> dict[str, Any]:
    told = {
        "id": f"{number:032}", "source": "web" if number % 2 else "pdfs", "key": f"page-{number}.html",
        "kind": "guideline", "language": "en", "title": f"Guideline {number}",
        "url": f"https://example.org/{number}", "published": "2020",
        "retrieved": None, "release": None, "licence": "CC-BY-4.0", "attribution": "A", "evidence": "E", "edits": [],
        "teacher": None, "tokens": 20, "parents": [], "slices": ["disease:malaria", "region:afro"], "chars": 30,
        "sha256": "a" * 64, "marks": [["=", f"Give {number} mg "], ["-", "old"], ["+", "new"]], "whole": True,
        "compared": True, "made": "by people",
    }  # fmt: skip
    return told | changes


DOCUMENTS = [
    *(document(number) for number in range(6)),
    document(6, title=NASTY, key=NASTY, url=f"javascript:{NASTY}", source=NASTY, language=NASTY, licence=NASTY,
             slices=[NASTY], edits=[NASTY], parents=[NASTY], marks=[["=", NASTY], ["+", NASTY]], evidence=NASTY),
    document(7, made="by a model", teacher="m 1", title="W" * 200, key="no-blank-" * 30),
]  # fmt: skip


@contextmanager
def served(folder: Path) -> Iterator[ReviewServer]:
    shown = {one["id"]: one for one in DOCUMENTS}
    log = VerdictLog(folder / "verdicts.jsonl")
    with ReviewServer(review_page(f"a run {NASTY}", DOCUMENTS), shown, log, clock=lambda: NOW) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with browser_session(tmp_path_factory.mktemp("browser")) as session:
        yield session


def verdicts(folder: Path) -> list[Verdict]:
    return read_verdicts((folder / "verdicts.jsonl").read_bytes(), "verdicts.jsonl")


SET = """
const set = (id, value) => { const one = document.getElementById(id); one.value = value;
  one.dispatchEvent(new Event(one.type === "search" ? "input" : "change")); };
const listed = () => [...document.querySelectorAll("#list button")].map((one) => one.dataset.id);
const press = (id) => document.getElementById(id).click();
const open = (title) => [...document.querySelectorAll("#list button")]
  .find((one) => one.firstChild.textContent === title).click();
"""


def test_verdicts_are_given_kept_and_shown_again(browser: Session, tmp_path: Path) -> None:
    with served(tmp_path) as server:
        browser.open(server.url)
        browser.evaluate(SET + 'open("Guideline 1"); press("accepted");')
        browser.wait_for('document.getElementById("told").textContent.includes("Not stored")')
        browser.evaluate(SET + 'set("reviewer", "Dr É. Ndiaye");')
        browser.wait_for('document.getElementById("progress").textContent.startsWith("0 of 8")')
        browser.evaluate(SET + 'open("Guideline 1"); press("accepted");')
        browser.wait_for('document.getElementById("told").textContent === "Stored: accepted"')
        browser.evaluate(SET + 'open("Guideline 2"); press("rejected");')
        browser.wait_for('document.getElementById("told").textContent.includes("has a reason")')
        browser.evaluate(
            SET + 'set("reason", "outdated"); document.getElementById("note").value = "dose"; press("rejected");'
        )
        browser.wait_for('document.getElementById("told").textContent === "Stored: rejected"')
        browser.evaluate(
            SET + 'open("Guideline 3"); document.getElementById("correct-title").value = "New";'
            'for (const one of document.getElementById("correct-disease").options) one.selected = one.value === "hiv";'
            'press("corrected");'
        )
        browser.wait_for('document.getElementById("told").textContent === "Stored: corrected"')
        browser.open(server.url)
        browser.evaluate(SET + 'set("reviewer", "Dr É. Ndiaye");')
        browser.wait_for('document.getElementById("progress").textContent.startsWith("3 of 8")')
        told = browser.evaluate(
            SET + 'set("by-state", "rejected"); const one = listed(); set("by-state", "to do");'
            "return [one, listed().length];"
        )
        browser.evaluate(SET + 'set("by-state", ""); set("reviewer", "B. Silva");')
        browser.wait_for('document.getElementById("progress").textContent.startsWith("0 of 8")')
    assert told == [[f"{2:032}"], 5]
    first, second, third = verdicts(tmp_path)
    assert {one.reviewer for one in (first, second, third)} == {"Dr É. Ndiaye"}
    assert {one.date for one in (first, second, third)} == {NOW}
    assert (first.document, first.verdict, first.text_sha256) == (f"{1:032}", "accepted", "a" * 64)
    assert (second.document, second.reason, second.note) == (f"{2:032}", "outdated", "dose")
    assert third.corrections.given() == {"title": "New", "disease": ["hiv"]}


def test_filters_show_what_they_say(browser: Session, tmp_path: Path) -> None:
    with served(tmp_path) as server:
        browser.open(server.url)
        told = browser.evaluate(
            SET + "const told = [listed().length];"
            'for (const [id, value] of [["by-source", "pdfs"], ["by-made", "by a model"], ["by-slice", "region:afro"]])'
            '{ set(id, value); told.push(listed().length); set(id, ""); }'
            'set("search", "give 4 mg"); told.push(listed().length); return told;'
        )
    assert told == [8, 3, 1, 7, 1]


def test_no_word_of_a_document_is_run_and_no_request_leaves_loopback(browser: Session, tmp_path: Path) -> None:
    with served(tmp_path) as server:
        browser.asked.clear()
        browser.errors.clear()
        browser.open(server.url)
        seen = browser.evaluate(
            SET + "let texts = []; for (const id of listed()) {"
            "document.querySelector(`[data-id='${id}']`).click();"
            "texts.push(document.getElementById('document').textContent); }"
            'set("reviewer", "<img src=x onerror=window.hacked=1>"); press("accepted");'
            "await new Promise((done) => setTimeout(done, 300));"
            "const made = document.querySelectorAll('main img, main svg, #document script, #list script');"
            "return { hacked: window.hacked ?? null, texts, markup: made.length,"
            " links: document.querySelectorAll('#document a').length };"
        )
    assert seen["hacked"] is None
    assert (seen["markup"], seen["links"]) == (0, 0)
    assert any(NASTY in text for text in seen["texts"]), "it is shown as it is"
    assert browser.errors == []
    assert {urlsplit(url).hostname for url in browser.asked} == {"127.0.0.1"}
    assert verdicts(tmp_path)[0].reviewer.startswith("<img")


@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_readable_at_its_widths(browser: Session, tmp_path: Path, width: int) -> None:
    with served(tmp_path) as server:
        browser.open(server.url, width)
        browser.evaluate(SET + "for (const one of document.querySelectorAll('details')) one.open = true;")
        told = browser.evaluate(FITS)
        hidden = browser.evaluate(
            "return [...document.querySelectorAll('#verdict :is(input, select, textarea, button)')]"
            ".filter((one) => one.getBoundingClientRect().width < 30).length"
        )
    assert told["scroll"] <= width
    assert (told["over"], hidden) == ([], 0)
