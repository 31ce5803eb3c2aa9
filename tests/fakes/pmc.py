"""A bucket in the layout of `pmc-oa-opendata`: articles of our own, their JSON, and daily inventories with MD5s.

The bucket is a mapping of keys to bytes; `write` puts it into a folder (a local mirror), `fakes.s3` serves it. What an
inventory lists is what the bucket holds when it is made.
"""

import csv
import gzip
import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BUCKET = "pmc-oa-opendata"
INVENTORIES = f"inventory-reports/{BUCKET}/metadata"
LICENCES = {
    "CC BY": "https://creativecommons.org/licenses/by/4.0/",
    "CC BY-NC": "https://creativecommons.org/licenses/by-nc/4.0/",
    "CC0": "https://creativecommons.org/publicdomain/zero/1.0/",
}


@dataclass(frozen=True, kw_only=True)
class Article:
    """What the fake says of one article version; `sentence` makes its text its own."""

    sentence: str = ""
    licence: str | None = "CC BY"
    retracted: bool = False
    historical_ocr: bool = False
    title: str = ""
    citation: str = "Fake J Med. 2021 Mar 4;1(1):1-2."
    article_type: str = "research-article"
    language: str = "en"
    mesh: tuple[str, ...] = ()
    links: str = ""


@dataclass
class Bucket:
    """Keys and bytes; `put` adds an article version, `inventory` a day's report."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def put(self, number: int, version: int = 1, *, md5: str = "", **facts: Any) -> str:
        """Add or replace PMC<number>.<version> and return that name; `md5` is told in place of the true one."""
        article, name = Article(**facts), f"PMC{number}.{version}"
        xml = jats(number, article)
        told: dict[str, Any] = {
            "pmcid": f"PMC{number}",
            "version": version,
            "pmid": 30000000 + number,
            "doi": f"10.5555/fake.{number}",
            "mid": None,
            "title": article.title or f"Trial {number}",
            "citation": article.citation,
            "is_pmc_openaccess": True,
            "is_manuscript": article.licence == "TDM",
            "is_historical_ocr": article.historical_ocr,
            "is_retracted": article.retracted,
            "license_code": article.licence,
            "xml_url": f"s3://{BUCKET}/{name}/{name}.xml?md5={md5 or _md5(xml)}",
            "text_url": f"s3://{BUCKET}/{name}/{name}.txt?md5={_md5(b'')}",
        }
        self.objects[f"{name}/{name}.xml"] = xml
        self.objects[f"{name}/{name}.json"] = self.objects[f"metadata/{name}.json"] = json.dumps(told).encode()
        return name

    def remove(self, name: str) -> None:
        """Take an article version away."""
        self.objects = {key: body for key, body in self.objects.items() if f"{name}." not in key}

    def inventory(self, date: str, shards: int = 2) -> str:
        """List all objects in gzipped CSV files and a manifest; return the inventory's name."""
        name, files = f"{date}T01-00Z", []
        keys = [key for key in sorted(self.objects) if not key.startswith("inventory-reports/")]
        for shard in range(shards):
            text = io.StringIO()
            writer = csv.writer(text, quoting=csv.QUOTE_ALL)
            for key in keys[shard::shards]:
                writer.writerow([BUCKET, key, "2026-01-01T00:00:00.000Z", _md5(self.objects[key])])
            body = gzip.compress(text.getvalue().encode(), mtime=0)
            path = f"{INVENTORIES}/data/{_md5(body)}.csv.gz"
            self.objects[path] = body
            files.append({"key": path, "size": len(body), "MD5checksum": _md5(body)})
        manifest = {
            "sourceBucket": BUCKET,
            "version": "2016-11-30",
            "fileFormat": "CSV",
            "fileSchema": "Bucket, Key, LastModifiedDate, ETag",
            "files": files,
        }
        self.objects[f"{INVENTORIES}/{name}/manifest.json"] = json.dumps(manifest).encode()
        return name

    def write(self, folder: Path) -> None:
        """Write what is new or changed into a folder that mirrors the bucket, and remove what is gone."""
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            if path.relative_to(folder).as_posix() not in self.objects:
                path.unlink()
        for key, body in self.objects.items():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(body)


def jats(number: int, article: Article) -> bytes:
    """Return a small whole article with front matter, a section and a table."""
    licence = LICENCES.get(article.licence or "", "")
    permissions = (
        f'<permissions><license xlink:href="{licence}"><license-p/></license></permissions>' if licence else ""
    )
    headings = "".join(f"<kwd>{heading}</kwd>" for heading in article.mesh)
    mesh = f'<kwd-group kwd-group-type="MESH">{headings}</kwd-group>' if article.mesh else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="{article.article_type}" xml:lang="{article.language}">
<front><journal-meta><journal-title-group><journal-title>Fake Journal of Medicine</journal-title></journal-title-group>
</journal-meta><article-meta><article-id pub-id-type="pmcid">PMC{number}</article-id>
<article-id pub-id-type="doi">10.5555/fake.{number}</article-id>
<title-group><article-title>{article.title or f"Trial {number}"}</article-title></title-group>
<pub-date><year>2021</year></pub-date>{permissions}{article.links}
<abstract><p>We gave {number} mg of a drug once daily and saw who was well in {number % 9 + 2} weeks.</p></abstract>
{mesh}</article-meta></front>
<body><sec><title>Results</title><p>{article.sentence or f"Cohort {number} was seen {number % 7 + 1} times."}</p>
<table-wrap><table><tr><th>arm</th><th>dose</th></tr><tr><td>one</td><td>{number}.5 mg</td></tr></table></table-wrap>
</sec></body></article>""".encode()


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
