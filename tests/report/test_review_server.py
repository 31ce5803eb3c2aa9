"""The server of a review: who may reach it, what it refuses, and that a confirmed verdict is in its file."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.report.review_page import review_page
from pipelines.report.review_server import MAX_BODY_BYTES, ReviewServer, VerdictLog
from pipelines.stages.verdicts import read_verdicts

DOCUMENTS = {"d1": {"source": "s", "key": "k1", "sha256": "a" * 64}}
NOW = "2026-11-30T10:00:00Z"
VERDICT = {"document": "d1", "verdict": "accepted", "reviewer": "A. Okafor", "corrections": {}, "note": ""}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ReviewServer]:
    made = ReviewServer(review_page("run", []), DOCUMENTS, VerdictLog(tmp_path / "v.jsonl"), clock=lambda: NOW)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def ask(server: ReviewServer, path: str, body: Any = None, **headers: str | None) -> tuple[int, str, dict[str, str]]:
    """Send a request as the page would, but for headers that are changed or left out (None)."""
    line = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    given = {"Host": server.origin.removeprefix("http://")}
    if data is not None:
        given |= {"Origin": server.origin, "Content-Type": "application/json", "Content-Length": str(len(data))}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}  # type: ignore[dict-item]
    line.putrequest("GET" if data is None else "POST", path, skip_host=True, skip_accept_encoding=True)
    for name, value in given.items():
        if value is not None:
            line.putheader(name, value)
    line.endheaders(data)
    answer = line.getresponse()
    told = answer.read().decode(), dict(answer.getheaders())
    line.close()
    return answer.status, *told


def written(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "v.jsonl"
    body = path.read_bytes() if path.exists() else b""
    return [one.model_dump(exclude_defaults=True) for one in read_verdicts(body, "v")]


def test_the_page_is_served_to_whoever_knows_its_address(server: ReviewServer) -> None:
    status, body, headers = ask(server, f"/{server.token}/")
    assert (status, body[:15]) == (200, "<!doctype html>")
    assert "connect-src 'self'" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert (headers["X-Frame-Options"], headers["Referrer-Policy"]) == ("DENY", "no-referrer")
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert "Access-Control-Allow-Origin" not in headers


def test_it_listens_on_loopback_alone(server: ReviewServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    with pytest.raises(OSError, match="refused"), socket.socket() as other:
        other.connect(("127.0.0.2", server.server_address[1]))


@pytest.mark.parametrize(
    "path", ["/", "/verdicts", "/wrong/", "/wrong/verdicts", "//", "/%2e%2e/", "/TOKEN", "/TOKEN/x"]
)
def test_nothing_is_found_without_the_whole_address(server: ReviewServer, path: str) -> None:
    assert ask(server, path.replace("TOKEN", server.token))[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "localhost:1", "127.0.0.1", "", None])
def test_another_name_of_the_server_is_refused(server: ReviewServer, tmp_path: Path, host: str | None) -> None:
    assert ask(server, f"/{server.token}/", Host=host)[0] in (400, 421)
    assert ask(server, f"/{server.token}/verdicts", VERDICT, Host=host)[0] in (400, 421)
    assert written(tmp_path) == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": None}, 415),
        ({"Content_Length": str(MAX_BODY_BYTES + 1)}, 413),
        ({"Content_Length": "-1"}, 413),
    ],
    ids=str,
)
def test_no_other_page_can_send_a_verdict(
    server: ReviewServer, tmp_path: Path, headers: dict[str, str | None], status: int
) -> None:
    assert ask(server, f"/{server.token}/verdicts", VERDICT, **headers)[0] == status
    assert written(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"{", 400, "no JSON"),
        (b"[" * 50_000, 400, "no JSON"),
        ([], 400, "a JSON object"),
        ({"verdict": "accepted"}, 400, "with a document"),
        ({**VERDICT, "document": "other"}, 400, "no such document"),
        ({**VERDICT, "reviewer": " "}, 422, "reviewer"),
        ({**VERDICT, "verdict": "rejected"}, 422, "has a reason"),
        ({**VERDICT, "verdict": "corrected", "corrections": {"rights": "CC0-1.0"}}, 422, "rights"),
        ({**VERDICT, "text": "5 mg"}, 422, "text"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_verdict_is_told_and_not_kept(
    server: ReviewServer, tmp_path: Path, body: Any, status: int, told: str
) -> None:
    found = ask(server, f"/{server.token}/verdicts", body)
    assert found[0] == status
    assert told in found[1]
    assert written(tmp_path) == []


def test_a_verdict_has_the_time_and_the_documents_own_facts_whatever_the_page_says(
    server: ReviewServer, tmp_path: Path
) -> None:
    lie = {**VERDICT, "date": "1999-01-01T00:00:00Z", "source": "x", "text_sha256": "b" * 64}
    status, body, _ = ask(server, f"/{server.token}/verdicts", lie)
    assert status == 200
    facts = {"source": "s", "key": "k1", "text_sha256": "a" * 64, "date": NOW}
    assert written(tmp_path) == [{"document": "d1", "verdict": "accepted", "reviewer": "A. Okafor", **facts}]
    assert json.loads(body) == written(tmp_path)[0]


def test_verdicts_are_only_ever_appended_and_a_reviewer_sees_the_last_of_their_own(
    server: ReviewServer, tmp_path: Path
) -> None:
    address = f"/{server.token}/verdicts"
    ask(server, address, VERDICT)
    first = (tmp_path / "v.jsonl").read_bytes()
    (tmp_path / "v.jsonl").write_bytes(first.rstrip(b"\n"))  # a torn line end
    ask(server, address, {**VERDICT, "verdict": "rejected", "reason": "outdated"})
    ask(server, address, {**VERDICT, "reviewer": "B"})
    assert (tmp_path / "v.jsonl").read_bytes().startswith(first)
    assert len(written(tmp_path)) == 3
    (mine,) = json.loads(ask(server, f"{address}?reviewer=A.%20Okafor")[1])
    assert (mine["verdict"], mine["reason"]) == ("rejected", "outdated")
    assert json.loads(ask(server, f"{address}?reviewer=nobody")[1]) == []


def test_many_reviewers_at_once_lose_no_line(server: ReviewServer, tmp_path: Path) -> None:
    names = [f"R{number}" for number in range(12)]
    send = [
        threading.Thread(
            target=ask, args=(server, f"/{server.token}/verdicts", {**VERDICT, "reviewer": name, "note": "x" * 1500})
        )
        for name in names
    ]
    for one in send:
        one.start()
    for one in send:
        one.join()
    assert sorted(one["reviewer"] for one in written(tmp_path)) == sorted(names)


def test_a_disk_that_does_not_take_a_verdict_is_told(server: ReviewServer, tmp_path: Path) -> None:
    (tmp_path / "v.jsonl").mkdir()
    status, body, _ = ask(server, f"/{server.token}/verdicts", VERDICT)
    assert (status, "directory" in body) == (507, True)
