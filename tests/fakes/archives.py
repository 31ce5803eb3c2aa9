"""Small archives of every kind, and a reader that parts items from faults."""

import io
import tarfile
import zipfile
from pathlib import Path

from sources.archive import Item, Limits, open_items
from sources.parse.part import Fault

MEMBERS = [(f"a/PMC{n}.xml", (f"<article>{n} dose &lt; 5 mg " + "xyz "[n % 4] * (n * 37)).encode()) for n in range(12)]


def tar_bytes(members: list[tuple[str, bytes]], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for name, body in members:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


def zip_bytes(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, body in members:
            archive.writestr(zipfile.ZipInfo(name), body, method)
    return out.getvalue()


def streamed_zip_bytes(members: list[tuple[str, bytes]]) -> bytes:
    """A zip written to a pipe: sizes and CRC follow the data."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, body in members:
            archive.writestr(name, body)
    return pipe.data


def warc_record(number: int, body: bytes, kind: str = "response", headers: str = "", http: str = "") -> bytes:
    block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=ISO-8859-1\r\n{http}\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number}>\r\n"
        f"WARC-Date: 2020-01-0{number}T00:00:00Z\r\n"
        f"WARC-Target-URI: https://example.org/{number}\r\n{headers}Content-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def read(path: Path, data: bytes, container: str = "auto", **limits: int) -> tuple[list[Item], list[Fault]]:
    path.write_bytes(data)
    found = list(open_items(path, path.name, container, Limits(**limits)))
    return [f for f in found if isinstance(f, Item)], [f for f in found if isinstance(f, Fault)]
