"""A browser is looked for before anything is asked of a site, and all that is missing is said at once."""

import shutil
from pathlib import Path

import pytest

from pipelines.engine.errors import ConfigError
from sources.web import browser
from sources.web.browser import find_chromium


@pytest.mark.parametrize(
    ("playwright", "names", "user", "missing"),
    [
        (True, {"chromium": "/usr/bin/chromium", "google-chrome": "/opt/chrome"}, 1000, []),
        (True, {"google-chrome": "/opt/chrome"}, 1000, []),
        (False, {"chromium": "/usr/bin/chromium"}, 1000, ["extra `render`"]),
        (True, {}, 1000, ["chromium, chromium-browser, google-chrome"]),
        (True, {"chromium": "/usr/bin/chromium"}, 0, ["other than root"]),
        (False, {}, 0, ["extra `render`", "chromium-browser", "other than root"]),
    ],
)
def test_what_is_missing_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, playwright: bool, names: dict[str, str], user: int, missing: list[str]
) -> None:
    monkeypatch.setattr(browser, "find_spec", lambda name: object() if playwright and name == "playwright" else None)
    monkeypatch.setattr(shutil, "which", names.get)
    monkeypatch.setattr("os.geteuid", lambda: user)
    if not missing:
        assert Path(find_chromium()).is_absolute()
        return
    with pytest.raises(ConfigError) as caught:
        find_chromium()
    assert [word for word in missing if word in str(caught.value)] == missing
    assert str(caught.value).count(";") == len(missing) - 1
