"""Certificates for the fixture web: one authority made for the test, and leaves that are right or wrong on purpose.

Keys live in memory and in one temporary file per leaf while it is loaded, because `ssl` reads paths only. Nothing here
is trusted by anything but the client context that the same authority hands out.
"""

import ssl
from datetime import UTC, datetime
from functools import cache
from typing import Literal

import trustme

CertificateFault = Literal["expired", "not_yet_valid", "wrong_name", "self_signed"]


class Authority:
    """Signs the certificates of one fixture web."""

    def __init__(self) -> None:
        self._ca, self._stranger = trustme.CA(), trustme.CA()
        self.pem = self._ca.cert_pem.bytes().decode("ascii")

    def server_context(self, host: str, fault: CertificateFault | None = None) -> ssl.SSLContext:
        """Return a server's context for `host`, its certificate broken as `fault` says."""
        signer = self._stranger if fault == "self_signed" else self._ca
        identity = "elsewhere.invalid" if fault == "wrong_name" else host
        not_before = datetime(2099, 1, 1, tzinfo=UTC) if fault == "not_yet_valid" else datetime(2000, 1, 1, tzinfo=UTC)
        not_after = datetime(2001, 1, 1, tzinfo=UTC) if fault == "expired" else datetime(2120, 1, 1, tzinfo=UTC)
        leaf = signer.issue_cert(identity, not_before=not_before, not_after=not_after)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        return context


@cache
def authority() -> Authority:
    """Return the authority of this test process; making keys costs some milliseconds."""
    return Authority()
