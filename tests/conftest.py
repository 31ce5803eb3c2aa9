"""The conservation law, always on: every manifest that any test publishes is checked when the test ends.

Hypothesis measures no time here: on a busy machine a test that does nothing wrong can be slow.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from pipelines.engine.hashing import digest
from pipelines.engine.law import account_faults, chain_faults
from pipelines.engine.manifest import Manifest
from pipelines.engine.storage import Storage

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def conservation(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Manifest]]:
    """Watch the manifests of this process by digest, and fail the test whose records or tokens went missing.

    Manifests that were only read count as inputs of the published ones: some tests read forged ones on purpose.
    """
    published: dict[str, Manifest] = {}
    known: dict[str, Manifest] = {}
    publish, read = Storage.publish_sealed, Storage.read_sealed

    def keep(seen: dict[str, Manifest], path: str, body: dict[str, Any] | None) -> dict[str, Any] | None:
        if body is not None and path.rpartition("/")[2].startswith("manifest-") and "stage" in body:
            seen.setdefault(digest(body), Manifest.from_json(body))
        return body

    def watch_publish(self: Storage, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        return keep(published, path, publish(self, path, body))

    monkeypatch.setattr(Storage, "publish_sealed", watch_publish)
    monkeypatch.setattr(Storage, "read_sealed", lambda self, path: keep(known, path, read(self, path)))
    yield published
    known.update(published)
    faults = [fault for one in published.values() for fault in (*account_faults(one), *chain_faults(one, known))]
    assert not faults, "\n".join(faults)
