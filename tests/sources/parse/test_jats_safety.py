"""XML that must be refused with its reason, or read whole: encodings, entities, truncation. Tier: push."""

import sys
from typing import Any

import pytest

from sources.parse.entities import named_characters
from sources.parse.part import Unreadable
from sources.parse.xml_safe import MAX_DEPTH, parse_xml

BOMB = (
    "<!DOCTYPE a [<!ENTITY x0 'ha'>"
    + "".join(f"<!ENTITY x{n} '&x{n - 1};&x{n - 1};'>" for n in range(1, 30))
    + "]><a>&x29;</a>"
)
REFUSED = {
    "empty": [b"", b" \n"],
    "not_xml": [
        b"hello",
        b"\x1f\x8b\x08\x00\xff\xff",
        b"{}",
        b"\xef\xbb\xbf",
        b'<?xml version="1.0"?>hello<a/>',
        " \n".encode("utf-16"),
    ],
    "unknown_encoding": [
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b'<?xml version="1.0" encoding="rot13"?><a/>',
    ],
    "wrong_encoding": [
        "<a>5 µg</a>".encode("latin-1"),
        '<?xml version="1.0" encoding="ISO-8859-1"?><a>5 µg</a>'.encode(),
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a>5 \x93mg\x94</a>',
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        b'<?xml version="1.0" encoding="ascii"?><a>\xc2\xb5</a>',
    ],
    "control_characters": [
        b"<a>5\x00mg</a>",
        b"<a>\x0b</a>",
        "<a>\ufffe</a>".encode(),
        "<a>\x0b</a>".encode("utf-16"),
        b"hello\x0b",
    ],
    "external_entity": [
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        b'<!DOCTYPE a [<!ENTITY e PUBLIC "x" "http://example.org/">]><a>&e;</a>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://example.org/x.dtd">\n%p;]><a/>',
    ],
    "undefined_entity": [b"<a>5 &nosuch;g</a>", b'<!DOCTYPE a SYSTEM "x.dtd"><a>&nosuch;</a>'],
    "entity_expansion": [
        BOMB.encode(),
        b"<!DOCTYPE a [<!ENTITY x '&y;'><!ENTITY y '&x;'>]><a>&x;</a>",
        b"<!DOCTYPE a [<!ENTITY x '" + b"y" * 50_000 + b"'>]><a>" + b"&x;" * 50 + b"</a>",
    ],
    "truncated": [b"<a><b>dose 50", b"<a><b>dose</b>", b"<a><b>dose</", b"<!DOCTYPE a ["],
    "malformed_xml": [b"<a><b>x</a></b>", b"<a>5 < 6</a>", b"<a b=c></a>", b"<a>x & y</a>"],
    "too_deep": [b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1), b"<a>" * 10_000 + b"</a>" * 10_000],
}


@pytest.mark.parametrize(("reason", "data"), [(name, data) for name, cases in REFUSED.items() for data in cases])
def test_refused_with_its_reason(reason: str, data: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        parse_xml(data)
    assert caught.value.reason == reason
    assert "dose" not in caught.value.detail


READ = [
    (b"<a>5 &mgr;g</a>", "5 μg"),
    (
        b'<!DOCTYPE article PUBLIC "-//NLM//DTD x//EN" "http://example.org/x.dtd"><a>&alpha;&hellip;&b.beta;&fjlig;</a>',
        "α…𝛃fj",
    ),
    (b"<a>&lt;5 &LT;6 &amp;lt; &#60; &#x3bc;</a>", "<5 <6 &lt; < μ"),
    (b"<a><![CDATA[&alpha; <]]> <!-- &nosuch; -->b</a>", "&alpha; < b"),
    (
        b"<!DOCTYPE a [<!ENTITY unit 'mg'><!ENTITY dose '5 &unit; &mgr; &lt;'><!ENTITY unit 'kg'>]><a>&dose;</a>",
        "5 mg μ <",
    ),
    (b"<!DOCTYPE a [<!-- ]> --><!ENTITY q \"say 'x'\">]><a>&q;</a>", "say 'x'"),
    (b'<!DOCTYPE a [<!ENTITY pic SYSTEM "x.gif" NDATA gif>]><a>x</a>', "x"),
    ("<?xml version='1.0' encoding='utf-16'?><a>5 µg</a>".encode("utf-16"), "5 µg"),
    ("<?xml version='1.0' encoding='utf-16'?><a>5 µg</a>".encode("utf-16-be"), "5 µg"),
    ("\ufeff<a>5 µg</a>".encode(), "5 µg"),
    ("<?xml version='1.0' encoding='ISO-8859-1'?><a>5 µg</a>".encode("latin-1"), "5 µg"),
    ("<?xml version='1.0' encoding='windows-1252'?><a>“5 µg”</a>".encode("cp1252"), "“5 µg”"),
    (b"\n <a>x</a>\n", "x"),
    ("\ufeff\n\u00a0<?xml version='1.0'?>\n\u2003<!-- c -->\n<a>x</a>".encode(), "x"),
    (b"<a>" * MAX_DEPTH + b"x" + b"</a>" * MAX_DEPTH, "x"),
]


@pytest.mark.parametrize(("data", "text"), READ)
def test_read_whole(data: bytes, text: str) -> None:
    assert "".join(map(str, parse_xml(data).itertext())).strip() == text


@pytest.mark.parametrize(
    "data", [b"<!--" * 300_000 + b"&x;", b"<!DOCTYPE a [" + b"<!-- -->" * 5_000, b"<a>" + b"<![CDATA[" * 99_999]
)
def test_hostile_mark_up_costs_one_pass(data: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_xml(data)


def test_every_entity_of_the_table_expands_to_its_characters() -> None:
    table = named_characters()
    root = parse_xml(("<a>" + "".join(f"<b>&{name};</b>" for name in table) + "</a>").encode())
    assert [child.text for child in root] == list(table.values())
    greek = {"agr": "α", "mgr": "μ", "ohgr": "ω", "sfgr": "ς", "OHgr": "Ω", "eacgr": "έ", "b.alpha": "𝛂", "thetas": "θ"}
    assert {name: table[name] for name in greek} == greek


_opened: list[str] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"open", "socket.connect", "socket.getaddrinfo"}:
        _opened.append(f"{event} {arguments[0]!r}")


def test_no_file_and_no_network() -> None:
    sys.addaudithook(_audit)
    parse_xml(b"<a>&mgr;</a>")
    _opened.clear()
    for cases in REFUSED.values():
        for data in cases:
            with pytest.raises(Unreadable):
                parse_xml(data)
    assert _opened == []
