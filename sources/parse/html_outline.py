"""The elements that stand above the blocks of a page, and how much of a page stands in each.

Choosing main text asks again and again what share of the text an element holds. A page has far more elements than
elements with text below them, so the latter are listed once, parents first, and every sum is one pass over that list.
The outline stays right when the tree is changed later. Not here: what the shares mean (`html_gaps`, `html_vote`).
"""

from collections.abc import Iterable, Iterator, Sequence

from lxml import etree

from sources.parse.html_blocks import Block

INNER = frozenset({
    "p", "li", "ul", "ol", "menu", "dir", "dl", "dt", "dd", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6",
    "figure", "figcaption", "caption", "summary", "table", "tbody", "thead", "tfoot", "tr",
})  # fmt: skip


class Outline:
    """The elements from `root` down to the parents of `blocks`, as they stood when it was made."""

    def __init__(self, root: etree._Element, blocks: Sequence[Block]) -> None:
        self.root = root
        self._tables = {block.parent for block in blocks if block.kind == "table"}
        self.parents: dict[etree._Element, etree._Element] = {}
        """The parent of every element but the root, in an order that has parents before children."""
        for block in blocks:
            chain, element = [], block.parent
            while element is not root and element not in self.parents:
                chain.append(element)
                above = element.getparent()
                element = root if above is None else above
            for inner in reversed(chain):
                self.parents[inner] = element
                element = inner

    def sums(self, weighted: Iterable[tuple[Block, int]]) -> dict[etree._Element, int]:
        """Return for each element the sum of the weights of the blocks in it, at any depth; no entry is 0."""
        sums: dict[etree._Element, int] = {}
        for block, weight in weighted:
            sums[block.parent] = sums.get(block.parent, 0) + weight
        for element, parent in reversed(self.parents.items()):
            if element in sums:
                sums[parent] = sums.get(parent, 0) + sums[element]
        return sums

    def below(self, top: etree._Element) -> set[etree._Element]:
        """Return `top` and the elements of the outline in it."""
        inside = {top}
        for element, parent in self.parents.items():
            if parent in inside:
                inside.add(element)
        return inside

    def above(self, element: etree._Element) -> Iterator[etree._Element]:
        """Yield the elements around `element`, from the innermost to the root."""
        while (parent := self.parents.get(element)) is not None:
            yield parent
            element = parent

    def region(self, sums: dict[etree._Element, int], share: float) -> etree._Element:
        """Return the smallest element with `share` of the sum at the root that is no part of a list or table."""
        region, least = self.root, share * sums.get(self.root, 0)
        for element, parent in self.parents.items():
            if parent is region and sums.get(element, 0) >= least > 0:
                region = element
        while region is not self.root and (region.tag in INNER or region in self._tables):
            region = self.parents[region]
        return region
