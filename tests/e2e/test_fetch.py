"""From a run file with a web source to traceable documents, over a fixture web: fetch, kill, resume, run, run again."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from demo_runs import REPOSITORY, call_medmix, environment
from fakes.web.scripts import redirect
from fakes.web.server import Site, Web
from fakes.web.world import WIRE, no_world, wired_world

from pipelines.engine.errors import ConfigError, InputError
from pipelines.fetch import Fetched, check_finished, fetch
from pipelines.load import load_run
from pipelines.run import How
from pipelines.run import run as run_all
from sources.document import Document, from_table
from sources.web.store import read_segments

TESTS = REPOSITORY / "tests"
INLINE = How(inline=True, live=False)
POLICY = ("/robots.txt", "/.well-known/tdmrep.json", "/ai.txt")


def guideline(number: int) -> bytes:
    doses = "".join(
        f"<p>For weight band {band} give {number + band}.5 mg/kg every {band + 4} hours, and never more than "
        f"{number * 10 + band} mg a day, unless the saturation stays under 90% for {band} minutes.</p>"
        for band in range(3, 7)
    )
    text = f"<h1>Guideline {number}</h1>{doses}"
    return f"<html><head><title>Guideline {number}</title></head><body><main>{text}</main></body></html>".encode()


def listing(count: int) -> bytes:
    rows = "".join(f'<li><a href="/doc/{n}">Guideline {n}</a> <i>CC-BY-4.0</i></li>' for n in range(count))
    away = "".join(f'<li><a href="https://guide.example.org.evil.test/{n}">x</a></li>' for n in range(3))
    return f"<html><body><ul>{rows}{away}</ul></body></html>".encode()


def furnish(site: Site, count: int) -> None:
    site.page("/robots.txt", b"User-agent: *\nDisallow: /private\n", "text/plain")
    site.page("/list", listing(count))
    for number in range(count):
        site.page(f"/doc/{number}", guideline(number), headers=[("ETag", f'"{number}"')])


RUN_FILE = """
name: web
out: {folder}/out
seed: 1
profile: open
max_quarantined: 1
{web}
sources:
  - name: guide
    kind: guideline
    {extra}
    web:
      connector: html_index
      hosts: [guide.example.org]
      delay_s: 5
      options: {{start: ["https://guide.example.org/list"], items: li, fields: {{title: a, rights: i}}}}
stages:
  - {{kind: normalize}}
  - {{kind: consolidate}}
demo_tokenizer: {{vocabulary: 300}}
mixtures:
  - {{name: m, target: demo, sequence_tokens: 128, on_cap: shorten, components: [{{name: g, weight: 1}}]}}
"""


def run_file(folder: Path, extra: str = "", web: str | None = None) -> Path:
    told = f"web: {{contact: 'https://example.org/crawl', store: '{folder}/store'}}" if web is None else web
    path = folder / "run.yaml"
    path.write_text(RUN_FILE.format(folder=folder, extra=extra, web=told))
    return path


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    with Web() as web:
        furnish(web.site("guide.example.org"), 12)
        lead(web, tmp_path, monkeypatch)
        yield web


def lead(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = tmp_path / "wire.json"
    wire.write_text(json.dumps(web.wire.as_json()))
    monkeypatch.setenv(WIRE, str(wire))


def fetch_all(path: Path, **how: Any) -> Fetched:
    return fetch(load_run(path), path, [], INLINE, how.get("world", wired_world))


def asked(web: Web) -> list[str]:
    return [request.path for request in web.requests if request.path not in POLICY]


def documents(folder: Path) -> list[Document]:
    manifests = sorted((folder / "out" / "stages").glob("extract-guide@*/*.parquet"))
    return [document for path in manifests for document in from_table(pq.read_table(path))]


def test_fetch_then_run_gives_documents_with_everything_that_is_known(web: Web, tmp_path: Path) -> None:
    path = run_file(tmp_path)
    fetched = fetch_all(path)
    counts = fetched.manifest.ledger.of("guide")
    assert (counts.records_in, counts.records_kept, dict(counts.dropped)) == (16, 13, {"off_list": 3})
    done = call_medmix("run", path, "--inline")
    assert done.returncode == 0, done.stderr
    found = {document.key: document for document in documents(tmp_path)}
    assert sorted(found) == sorted(f"https://guide.example.org/doc/{n}" for n in range(12))
    one = found["https://guide.example.org/doc/7"]
    assert one.url == one.key
    assert one.title == "Guideline 7"
    assert (one.rights.spdx, one.rights.train) == ("CC-BY-4.0", True)
    assert one.retrieved is not None
    assert one.retrieved.startswith("20")
    assert "give 10.5 mg/kg every 7 hours" in one.text
    traced = call_medmix("trace", tmp_path / "out", "--sequence", "0", "--token", "3")
    assert "https://guide.example.org/doc/" in traced.stdout
    assert "CC-BY-4.0" in traced.stdout
    assert call_medmix("verify", tmp_path / "out").returncode == 0
    agents = {request.headers["user-agent"] for request in web.requests}
    assert agents == {"medmix/0.1.0 (+https://example.org/crawl)"}


def test_a_second_fetch_and_a_second_parse_need_no_network(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run_file(tmp_path)
    fetch_all(path)
    fetch_all(path, world=no_world)

    def poisoned(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    kept = {}
    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", poisoned)
        patch.setitem(sys.modules, "sources.web.fetch", None)
        for name in ("one", "two"):
            config = load_run(path, [f"out={tmp_path / name}"])
            result = run_all(config, INLINE)
            kept[name] = [ref.sha256 for manifest in result.manifests.values() for ref in manifest.files()]
    assert kept["one"] == kept["two"]
    assert len(kept["one"]) > 3


def test_the_verb_tells_what_came_and_where_it_is(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.fetch.open_world", wired_world)
    path = run_file(tmp_path)
    told = call_medmix("sources", "fetch", path, "guide", "--inline")
    assert told.returncode == 0, told.stderr
    assert "off_list 3" in told.stdout
    assert f"store: {tmp_path}/store" in told.stdout
    assert "run done" in call_medmix("status", tmp_path / "store").stdout


def test_the_verb_ends_with_an_error_when_a_host_cannot_be_asked_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.fetch.open_world", wired_world)
    path = run_file(tmp_path)
    with Web() as web:
        web.site("guide.example.org", fault="refused")
        lead(web, tmp_path, monkeypatch)
        told = call_medmix("sources", "fetch", path, "--inline")
    assert told.returncode == 3
    assert (
        told.stderr.strip().splitlines()[-1].startswith("medmix: not finished, some hosts cannot be asked now: guide")
    )


def test_progress_is_told_while_a_crawl_goes_on(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.fetch.PROGRESS_S", 0.001)
    path = run_file(tmp_path)
    path.write_text(path.read_text().replace("delay_s: 5", "delay_s: 60"))
    fetch_all(path)
    events = [json.loads(line) for line in (tmp_path / "store" / "events.jsonl").read_text().splitlines()]
    notes = [event["text"] for event in events if event["kind"] == "note"]
    assert any("known links" in note and note.startswith("guide: ") for note in notes)


def fetch_in_child(path: Path, wire: str) -> "subprocess.Popen[bytes]":
    program = (
        "import sys; from pathlib import Path; from pipelines.fetch import fetch; from pipelines.load import load_run;"
        "from pipelines.run import How; from fakes.web.world import wired_world; path = Path(sys.argv[1]);"
        "fetch(load_run(path), path, [], How(inline=True, live=False), wired_world)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        env=environment(**{WIRE: wire, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{TESTS}"}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_and_resume(folder: Path, seed: int, kills: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill a crawl of 40 pages some times with SIGKILL, then let it end; nothing that was stored is asked for again."""
    draw, path = random.Random(seed), run_file(folder)
    path.write_text(path.read_text().replace("delay_s: 5", "delay_s: 60"))  # so that a segment holds five pages
    with Web() as web:
        furnish(web.site("guide.example.org"), 40)
        lead(web, folder, monkeypatch)
        for _ in range(kills):
            stored, before = stored_pages(folder), len(web.requests)
            target = before + draw.randrange(12, 28)
            child = fetch_in_child(path, os.environ[WIRE])
            while len(web.requests) < target and child.poll() is None:
                time.sleep(0.002)
            os.killpg(child.pid, signal.SIGKILL) if child.poll() is None else None
            child.wait()
            again = {request.path for request in web.requests[before:]} & stored
            assert not again, f"seed {seed}: asked again for {sorted(again)}"
        stored, before = stored_pages(folder), len(web.requests)
        assert stored, f"seed {seed}: no segment was sealed before the last kill, so this proves nothing"
        fetch_all(path)
        again = {request.path for request in web.requests[before:]} & stored
        assert not again, f"seed {seed}: asked again for {sorted(again)}"
    found = texts(path, folder)
    assert sorted(key for key, _ in found) == sorted(f"https://guide.example.org/doc/{n}" for n in range(40))
    undisturbed(folder, found, monkeypatch)


def undisturbed(folder: Path, found: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare with a crawl that nobody killed."""
    calm = folder / "calm"
    calm.mkdir()
    path = run_file(calm)
    with Web() as web:
        furnish(web.site("guide.example.org"), 40)
        lead(web, calm, monkeypatch)
        fetch_all(path)
        assert max(Counter(request.path for request in web.requests).values()) == 1
    assert found == texts(path, calm)


def texts(path: Path, folder: Path) -> list[tuple[str, str]]:
    run_all(load_run(path, ["mixtures=[]", "stages=[]"]), INLINE)
    return [(document.key, document.text) for document in documents(folder)]


def stored_pages(folder: Path) -> set[str]:
    from pipelines.engine.storage import local_storage

    segments = read_segments(local_storage(folder / "store"), "guide")
    pages = {one["stored"]["url"] for body in segments for one in body["settled"] if "stored" in one}
    policies = {one["url"] for body in segments for one in body["policies"]}
    return {url.removeprefix("https://guide.example.org") for url in pages | policies}


@pytest.mark.parametrize("seed", [2])
def test_kill_9_during_a_crawl_then_resume(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_and_resume(tmp_path, seed, 2, monkeypatch)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10, 25))
def test_kill_9_many_times(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_and_resume(tmp_path, seed, 4, monkeypatch)


def furnish_aliases(web: Web) -> None:
    """Two more hosts whose links lead, by redirects, to pages of the first; which comes first is chance."""
    furnish(web.site("guide.example.org"), 20)
    for host, step in (("old.example.org", 2), ("m.example.org", 3)):
        site = web.site(host)
        site.page("/robots.txt", b"User-agent: *\nDisallow:\n", "text/plain")
        site.page("/list", "".join(f'<ul><li><a href="/d/{n}">{n}</a></li></ul>' for n in range(0, 20, step)).encode())
        for number in range(0, 20, step):
            site.on(f"/d/{number}", redirect(f"https://guide.example.org/doc/{number}"))


def crawl_aliases(folder: Path, seed: int | None, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Crawl the three hosts, killed three times when there is a seed; return the keys and texts of what came."""
    folder.mkdir()
    path = run_file(folder)
    told = (
        path.read_text()
        .replace("delay_s: 5", "delay_s: 30")
        .replace("[guide.ex", "[old.example.org, m.example.org, guide.ex")
    )
    starts = ", ".join(f'"https://{host}.example.org/list"' for host in ("old", "guide", "m"))
    path.write_text(told.replace('start: ["https://guide.example.org/list"]', f"start: [{starts}]"))
    with Web() as web:
        furnish_aliases(web)
        lead(web, folder, monkeypatch)
        draw = random.Random(seed)
        for _ in range(3 if seed is not None else 0):
            target = len(web.requests) + draw.randrange(6, 25)
            child = fetch_in_child(path, os.environ[WIRE])
            while len(web.requests) < target and child.poll() is None:
                time.sleep(0.002)
            os.killpg(child.pid, signal.SIGKILL) if child.poll() is None else None
            child.wait()
        fetch_all(path)
    return sorted(texts(path, folder))  # in which order hosts answered is theirs to choose


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1, 7))
def test_aliases_of_a_page_give_the_same_keys_however_often_the_crawl_was_killed(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = crawl_aliases(tmp_path / "calm", None, monkeypatch)
    assert len({text for _, text in calm}) == len(calm) == 20
    killed = crawl_aliases(tmp_path / "killed", seed, monkeypatch)
    assert [key for key, _ in killed] == [key for key, _ in calm]
    assert killed == calm


def test_a_run_without_fetching_names_the_very_command(tmp_path: Path) -> None:
    path = run_file(tmp_path)
    told = call_medmix("run", path, "--inline", "-s", "profile=open")
    assert told.returncode == 3
    assert f"medmix sources fetch {path} -s profile=open guide" in told.stderr
    planned = call_medmix("plan", path)
    assert planned.returncode == 0
    assert "not there yet: 1 of 1 sources" in planned.stdout
    assert f"medmix sources fetch {path} guide" in planned.stdout


def test_a_run_after_a_fetch_that_reached_nobody_names_the_command_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run_file(tmp_path)
    with Web() as web:
        web.site("guide.example.org", fault="refused")
        lead(web, tmp_path, monkeypatch)
        fetch_all(path)
    told = call_medmix("run", path, "--inline")
    assert told.returncode == 3
    assert f"medmix sources fetch {path} guide" in told.stderr


@pytest.mark.parametrize("local", ["", "  - {name: text, kind: guideline, path: nowhere, optional: true}\n"])
def test_optional_sources_that_leave_nothing_to_read_name_the_command_too(tmp_path: Path, local: str) -> None:
    path = run_file(tmp_path, extra="optional: true")
    path.write_text(path.read_text().replace("stages:", f"{local}stages:", 1))
    for verb, code in (("run", 3), ("plan", 0)):
        told = call_medmix(verb, path)
        assert told.returncode == code
        said = told.stderr if code else told.stdout
        assert f"fetch first, with: medmix sources fetch {path} guide; no other source has a file" in said
        assert "optional: true" not in said


def test_an_optional_source_that_was_not_fetched_is_left_out_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("Give 5 mg of it twice daily.")
    path = run_file(tmp_path, extra="optional: true")
    local = "\n  - {name: text, kind: guideline, path: text, rights: {spdx: CC0-1.0}}\nstages:"
    path.write_text(path.read_text().replace("\nstages:", local))
    done = call_medmix("plan", path)
    assert done.returncode == 0, done.stderr
    assert "guide is optional and was left out" in " ".join(done.stdout.split())


def test_an_unfinished_crawl_can_be_run_and_says_so(web: Web, tmp_path: Path) -> None:
    path = run_file(tmp_path)
    config = load_run(path, ["sources.0.web.max_items=4"])
    fetch(config, path, [], INLINE, wired_world)
    done = call_medmix("run", path, "--inline")
    assert done.returncode == 0, done.stderr
    assert "its crawl is not finished (8 of 16 known links)" in " ".join(done.stdout.split())
    assert len(documents(tmp_path)) == 4


def test_a_host_that_is_down_leaves_the_fetch_unfinished_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run_file(tmp_path)
    with Web() as web:
        web.site("guide.example.org", fault="refused")
        lead(web, tmp_path, monkeypatch)
        fetched = fetch_all(path)
    assert dict(fetched.manifest.ledger.of("guide").quarantined) == {"robots_unreachable": 1}
    with pytest.raises(
        InputError, match=r"guide\.example\.org \(robots_unreachable: connect_failed\).*fetch again later"
    ):
        check_finished(fetched)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"web": ""}, "run.yaml:1:1: web.contact: this field is missing"),
        ({"web": "web: {store: x}"}, "run.yaml:7:"),
        ({"web": "web: {contact: nobody}"}, "reaches nobody"),
    ],
)
def test_no_contact_is_refused_with_its_position(tmp_path: Path, change: dict[str, str], message: str) -> None:
    path = run_file(tmp_path, **change)
    told = call_medmix("sources", "fetch", path)
    assert told.returncode == 2, told.stderr
    assert message in told.stderr
    assert "contact" in told.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("words", "settings", "message"),
    [
        (["gude"], [], "did you mean guide?"),
        (["GUIDE"], [], "did you mean guide?"),
        (["other"], [], "there is no source other"),
        ([], ["sources.0.web.options.item=li"], "web.options.item"),
        ([], ["sources.0.web.hosts=['*.co.uk']"], "no registrable domain"),
        ([], ["sources.0.web.render=true"], "render"),
        ([], ["sources.0.name=stages"], "choose another"),
    ],
)
def test_what_can_be_refused_is_refused_before_a_request(
    tmp_path: Path, words: list[str], settings: list[str], message: str
) -> None:
    path = run_file(tmp_path)
    with pytest.raises(ConfigError) as caught:
        fetch(load_run(path, settings), path, words, INLINE, no_world)
    assert message in str(caught.value)


def test_without_a_browser_a_rendered_source_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.web.browser.find_spec", lambda _: None)
    told = call_medmix("sources", "fetch", run_file(tmp_path), "-s", "sources.0.web.render=true")
    assert (told.returncode, "install the extra `render`" in told.stderr) == (2, True), told.stderr
    assert not (tmp_path / "store").exists()


def test_other_options_under_the_same_release_are_refused_and_another_release_crawls_anew(
    web: Web, tmp_path: Path
) -> None:
    path = run_file(tmp_path)
    fetch_all(path)
    changed = ["sources.0.web.options.exclude=['*/doc/1*']"]
    with pytest.raises(InputError, match="begun with another connector, options or hosts"):
        fetch(load_run(path, changed), path, [], INLINE, no_world)
    before = len(web.requests)
    fetch(load_run(path, [*changed, "sources.0.release=two"]), path, [], INLINE, wired_world)
    fresh = [request for request in web.requests[before:] if request.path.startswith("/doc/")]
    assert sorted(request.path for request in fresh) == sorted(f"/doc/{n}" for n in (0, *range(2, 10)))
    assert all("if-none-match" in request.headers for request in fresh)
    done = call_medmix("run", path, "--inline", "-s", "sources.0.release=two")
    assert "3 documents of earlier rounds were not found again" in " ".join(done.stdout.split())
    assert len(documents(tmp_path)) == 12


def test_a_changed_document_of_a_later_release_has_it_as_its_version(web: Web, tmp_path: Path) -> None:
    path = run_file(tmp_path)
    fetch_all(path)
    site = web.site("guide.example.org")
    site.page("/doc/3", guideline(30))
    site.on("/doc/4", redirect("/doc/3"))
    lead_again = tmp_path / "wire.json"
    lead_again.write_text(json.dumps(web.wire.as_json()))
    fetch(load_run(path, ["sources.0.release=two"]), path, [], INLINE, wired_world)
    done = call_medmix("run", path, "--inline", "-s", "sources.0.release=two")
    assert done.returncode == 0, done.stderr
    versions = {(document.key.rpartition("/")[2], document.version) for document in documents(tmp_path)}
    assert {("3", None), ("3", "two"), ("4", None)} <= versions
    assert len(versions) == 13


def test_two_fetches_of_one_store_do_not_run_at_once(web: Web, tmp_path: Path) -> None:
    from pipelines.engine.lock import RunLock

    path = run_file(tmp_path)
    with RunLock(tmp_path / "store", "somebody"):
        told = call_medmix("sources", "fetch", path)
    assert told.returncode == 6
    assert web.requests == []


def test_a_plain_reader_of_the_warc_files_gives_the_same_keys_and_rights(web: Web, tmp_path: Path) -> None:
    fetch_all(run_file(tmp_path))
    path = tmp_path / "plain.yaml"
    path.write_text(
        f"name: plain\nout: {tmp_path}/out\nseed: 1\nstages: []\nsources:\n"
        f"  - {{name: guide, kind: guideline, path: {tmp_path}/store/guide/warc, container: warc}}\n"
    )
    run_all(load_run(path), INLINE)
    found = documents(tmp_path)
    assert [document.key for document in found] == [f"https://guide.example.org/doc/{n}" for n in range(12)]
    assert {document.rights.spdx for document in found} == {"CC-BY-4.0"}


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")
def test_sources_are_fetched_under_ray_and_each_host_has_one_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run_file(tmp_path)
    second = (
        "  - {name: other, kind: guideline, web: {connector: urls, hosts: [other.example.net], delay_s: 5,"
        " options: {urls: ['https://other.example.net/a', 'https://other.example.net/b']}}}\n"
        "  - {name: again, kind: guideline, web: {connector: urls, hosts: [pages.other.example.net], delay_s: 5,"
        " options: {urls: ['https://pages.other.example.net/c']}}}\nstages:"
    )
    path.write_text(path.read_text().replace("stages:", second, 1))
    monkeypatch.setenv("PYTHONPATH", f"{REPOSITORY}{os.pathsep}{TESTS}")
    with Web() as web:
        furnish(web.site("guide.example.org"), 3)
        for host, names in (("other.example.net", "ab"), ("pages.other.example.net", "c")):
            site = web.site(host)
            for name in names:
                site.page(f"/{name}", guideline(ord(name)))
        lead(web, tmp_path, monkeypatch)
        fetched = fetch(load_run(path), path, [], How(workers=2, live=False), wired_world)
    ledgers = fetched.manifest.ledger.sources
    assert {name: counts.records_kept for name, counts in ledgers.items()} == {"guide": 4, "other": 2, "again": 1}
    assert [shard.shard for shard in fetched.manifest.shards] == ["guide", "other"]


@pytest.mark.parametrize(
    ("damage", "code", "message"),
    [
        (lambda data: data[:-1], 5, "were stored; restore it"),
        (lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:], 3, "has changed or vanished"),
    ],
)
def test_a_damaged_store_is_seen_before_it_is_used(
    web: Web, tmp_path: Path, damage: Any, code: int, message: str
) -> None:
    path = run_file(tmp_path)
    fetch_all(path)
    [warc] = (tmp_path / "store" / "guide" / "warc").iterdir()
    warc.write_bytes(damage(warc.read_bytes()))
    told = call_medmix("run", path, "--inline")
    assert (told.returncode, message in told.stderr) == (code, True), told.stderr
    assert warc.name in told.stderr
