"""What all posted results of a trial share: groups of participants, tables with a column for each, limits, comments.

Groups repeat under every measure, so a description is told where it first occurs. Not here: what a table counts.
"""

from sources.parse.jats_block import hanging
from sources.parse.jats_table import pipe_table
from sources.parse.trial_fields import Node, cell, text

Told = set[tuple[str, str]]
"""Titles and descriptions of groups that stand in the text already."""


def described(groups: list[Node], told: Told) -> list[str]:
    """Return the groups whose description is not told yet, as one list, and note them in `told`."""
    lines = []
    for group in groups:
        title, description = text(group, "title"), text(group, "description")
        if description and (title, description) not in told:
            told.add((title, description))
            lines.append(hanging("-", [f"**{title}**: {description}" if title else description]))
    return ["\n".join(lines)] if lines else []


def group_table(groups: list[Node], body: list[list[str]], corner: str = "") -> list[str]:
    """Return a table with a column for each group after the first, none for no rows."""
    head = [corner, *(text(group, "title") or text(group, "id") for group in groups)]
    table = pipe_table([list(map(cell, head))], [list(map(cell, row)) for row in body]) if body else ""
    return [table] if table else []


def limits(lower: str, upper: str) -> str:
    """Return both limits, or the one that there is by its name."""
    if lower and upper:
        return f"{lower} to {upper}"
    return f"lower limit {lower}" if lower else f"upper limit {upper}" if upper else ""


def noted(node: Node, name: str = "comment") -> str:
    """Return a comment in square brackets after a blank, empty when there is none."""
    return f" [{comment}]" if (comment := text(node, name)) else ""
