"""Documents in a git repository at one commit, listed by GitHub's tree API or one shaped like it.

Follows `GET /repos/{owner}/{repo}/git/trees/{sha}?recursive=1`. The commit is pinned by its full hash, so the same
source file always names the same bytes. A tree too large for one answer (`truncated`) is listed again level by level,
sub-trees in turn whole. Symbolic links and submodules are no documents. Not here: commits, tags, large-file storage.
"""

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, Field

from pipelines.engine.settings import BYTES, Settings
from sources.connectors.address import WebAddress, absolute, encoded
from sources.connectors.answer import at, json_of, listed, text_at
from sources.connectors.facts import facts
from sources.connectors.follow import index, item, step_of
from sources.connectors.pattern import Pattern, reachable, wanted
from sources.parse.part import Fault
from sources.web.link import Link

MAX_DEPTH = 30
_FILES = frozenset({"100644", "100755"})
_HASH = frozenset("0123456789abcdef")


def _template(raw: str) -> str:
    if "{path}" not in raw or absolute(raw.replace("{", "").replace("}", ""), "") is None:
        raise ValueError(f"{raw!r} must be an https address with {{path}} in it")
    return raw


class Options(Settings):
    """Which files of which commit."""

    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$"), BYTES]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$"), BYTES]
    """The full hash; a branch or tag would name other bytes tomorrow."""
    include: Annotated[tuple[Pattern, ...], Field(min_length=1), BYTES]
    """Patterns of paths, such as input/pagecontent/*.md."""
    exclude: Annotated[tuple[Pattern, ...], BYTES] = ()
    api: Annotated[WebAddress, BYTES] = "https://api.github.com"
    raw: Annotated[str, AfterValidator(_template), BYTES] = (
        "https://raw.githubusercontent.com/{repository}/{commit}/{path}"
    )


def start(options: dict[str, Any]) -> list[Link]:
    """Return the tree of the commit."""
    chosen = Options.model_validate(options)
    return [index(_tree(chosen, chosen.commit, whole=True), "whole/")]


def expand(body: bytes, key: str, options: dict[str, Any]) -> Iterator[Link | Fault]:
    """Yield the files wanted, and the sub-trees that must be listed apart. Raises Unreadable: structure_changed."""
    chosen = Options.model_validate(options["connector"])
    answer = json_of(body)
    entries = listed(answer, "tree")
    step, depth = step_of(options)
    kind, _, folder = step.partition("/")
    is_whole = kind != "level"
    if is_whole and at(answer, "truncated") is True:
        sha = text_at(answer, "sha")
        if depth < MAX_DEPTH and len(sha) in (40, 64) and set(sha) <= _HASH:
            yield index(_tree(chosen, sha, whole=False), f"level/{folder}", depth)
        else:
            yield Fault(reason="too_deep", detail=f"a tree cut short {depth} levels down")
        return
    for position, entry in enumerate(entries):
        yield from _entry(entry, chosen, folder, (position, depth, is_whole))


def _entry(entry: Any, chosen: Options, folder: str, place: tuple[int, int, bool]) -> Iterator[Link | Fault]:
    position, depth, is_whole = place
    path, kind = folder + text_at(entry, "path"), text_at(entry, "type")
    if kind == "blob" and text_at(entry, "mode") in _FILES and wanted(path, chosen.include, chosen.exclude):
        filled = chosen.raw.replace("{repository}", chosen.repository).replace("{commit}", chosen.commit)
        url = absolute(filled.replace("{path}", quote(path)), "")
        if url is None or {"", ".", ".."} & set(path.split("/")):
            yield Fault(reason="bad_link", detail="the path makes no web address", name=str(position))
        else:
            yield item(url, facts({"key": path, "version": chosen.commit}))
    elif kind == "tree" and not is_whole and reachable(f"{path}/", chosen.include):
        yield index(_tree(chosen, text_at(entry, "sha"), whole=True), f"whole/{path}/", depth + 1)


def _tree(chosen: Options, sha: str, *, whole: bool) -> str:
    url = f"{chosen.api.rstrip('/')}/repos/{chosen.repository}/git/trees/{encoded(sha)}"
    return f"{url}?recursive=1" if whole else url
