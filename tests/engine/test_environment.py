"""The environment is part of what decides bytes: complete by the project's own declaration. Tier: push."""

from importlib.metadata import version

from pipelines.engine.environment import environment


def test_every_declared_dependency_counts_and_no_extra_does() -> None:
    found = environment()
    assert found["pyarrow"] == version("pyarrow")
    assert found["trafilatura"] == version("trafilatura")
    assert {"python", "unicode", "medmix"} <= found.keys()
    assert "pytest" not in found
