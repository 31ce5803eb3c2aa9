"""Wikitext to HTML by the tree of mwparserfromhell: headings, lists, tables, links, formulae, captions of pictures.

Every visible word and number is kept; references go to a list of their own, categories too, and templates are told
apart by `wikitext_templates`. The result is HTML as a page would have it, so that tables, superscripts and signs are
treated once (`html_table`, `html_inline`). Not here: pages and envelopes (`mediawiki`).
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from html import escape, unescape

import mwparserfromhell
from mwparserfromhell import nodes
from mwparserfromhell.wikicode import Wikicode

from sources.parse.wikitext_lines import ASIDE, MARK, Lines
from sources.parse.wikitext_links import caption_of, cited_work, kind_of, shown_title
from sources.parse.wikitext_templates import write_template

_MAGIC = re.compile(r"__[A-Z]+__")
_INLINE = frozenset({
    "b", "i", "sub", "sup", "small", "big", "span", "u", "s", "del", "strike", "ins", "em", "strong", "code", "tt",
    "kbd", "var", "cite", "q", "abbr", "font", "br", "bdi", "samp", "dfn", "mark", "time", "data", "wbr",
})  # fmt: skip
_BLOCKS = frozenset({"blockquote", "div", "p", "center", "ul", "ol", "dl", "li", "dt", "dd", "section", "table"})
_TRANSPARENT = frozenset({"noinclude", "onlyinclude", "poem", "translate", "section"})
_VOID = frozenset({"br", "wbr"})
_FORMULAE = frozenset({"math", "ce", "chem"})
_LITERAL = frozenset({"pre", "syntaxhighlight", "source"})


@dataclass(slots=True)
class Rendered:
    """A page as HTML, and what was set apart from its text."""

    html: str = ""
    categories: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    furniture: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)


def render(text: str) -> Rendered:
    """Return the HTML of a page's wikitext."""
    page = Rendered()
    code = mwparserfromhell.parse(text.replace("\r\n", "\n").replace(MARK, " ").replace(ASIDE, " "))
    page.html = _Renderer(page).blocks(code)
    return page


class _Renderer:
    """Renders nodes to lines of HTML, and puts finished blocks aside for the pass over lines."""

    def __init__(self, page: Rendered) -> None:
        self._page = page
        self._aside: list[str] = []

    def blocks(self, code: Wikicode | None) -> str:
        """Return code as HTML blocks."""
        return Lines(self._aside).run(self.lines(code))

    def lines(self, code: Wikicode | None) -> str:
        """Return code as lines with marks for lists and for blocks put aside."""
        return "".join(self._node(node) for node in code.nodes) if code else ""

    def put_aside(self, html: str) -> str:
        """Return the mark that stands for a finished block."""
        self._aside.append(html)
        return f"\n{ASIDE}{len(self._aside) - 1}{ASIDE}\n"

    def _node(self, node: nodes.Node) -> str:
        if isinstance(node, nodes.Text):
            return escape(_MAGIC.sub("", str(node.value)), quote=False)
        if isinstance(node, nodes.Tag):
            return self._tag(node)
        if isinstance(node, nodes.Template):
            return self._template(node)
        if isinstance(node, nodes.Wikilink):
            return self._link(node)
        if isinstance(node, nodes.HTMLEntity):
            return escape(node.normalize() or str(node), quote=False)
        if isinstance(node, nodes.Heading):
            words = self.lines(node.title).replace("\n", " ").strip()
            return self.put_aside(f"<h{node.level}>{words}</h{node.level}>") if words else ""
        if isinstance(node, nodes.ExternalLink):
            return self.lines(node.title) if node.title else "" if node.brackets else escape(str(node.url))
        if isinstance(node, nodes.Argument):
            return self.lines(node.default)
        return ""  # a comment

    def _tag(self, node: nodes.Tag) -> str:
        name = str(node.tag).strip().lower()
        if node.wiki_markup in ("*", "#", ":", ";"):
            return f"{MARK}{node.wiki_markup}"
        if name == "ref":
            words = _plain(self.lines(node.contents)) or cited_work(node.contents)
            self._page.references += [words] if words else []
            return ""
        if name == "table":
            return self.put_aside(self._table(node))
        if name in _INLINE:
            return f"<{name}>" if name in _VOID else f"<{name}>{self.lines(node.contents)}</{name}>"
        if name in _FORMULAE:
            words = escape(str(node.contents).strip(), quote=False)
            return f"${words}$" if name == "math" else words
        return self._block_tag(name, node)

    def _block_tag(self, name: str, node: nodes.Tag) -> str:
        if name == "nowiki":
            return escape(unescape(str(node.contents)), quote=False)
        if name == "hr":
            return "\n\n"
        if name in _LITERAL:
            words = unescape(str(node.contents)) if name == "pre" else str(node.contents)
            return self.put_aside(f"<pre>{escape(words, quote=False)}</pre>")
        if name == "gallery":
            return self.put_aside(self._gallery(str(node.contents)))
        if name in _TRANSPARENT:
            words = self.lines(node.contents)
            return words.replace("\n", "<br>\n") if name == "poem" else words
        if name in _BLOCKS:
            return self.put_aside(f"<{name}>{self.blocks(node.contents)}</{name}>")
        self._page.furniture[f"<{name}>"] += 1
        return ""

    def _template(self, node: nodes.Template) -> str:
        name = str(node.name)
        fields = {str(p.name).strip(): self._value(p.value) for p in node.params}
        written = write_template(re.sub(r"<!--.*?-->", "", name, flags=re.DOTALL), fields)
        label = " ".join(name.split())[:60]
        if written.fate == "furniture":
            self._page.furniture[label] += 1
        elif written.fate == "unknown":
            self._page.unknown[label] += 1
        return self.put_aside(written.html) if "<ul>" in written.html else written.html

    def _value(self, code: Wikicode) -> str:
        """Return a parameter on one line, or as blocks when it holds lists or tables."""
        lines = self.lines(code).strip()
        if MARK in lines or ASIDE in lines:
            return Lines(self._aside).run(lines)
        return lines.replace("\n\n", "<br>").replace("\n", " ")

    def _link(self, node: nodes.Wikilink) -> str:
        kind = kind_of(node)
        if kind == "file":
            caption = caption_of(node.text)
            words = self.lines(caption).strip() if caption is not None else ""
            return self.put_aside(f"<p>{words}</p>") if words else ""
        if kind == "category":
            self._page.categories.append(" ".join(str(node.title).partition(":")[2].split()))
            return ""
        if kind == "language":
            return ""
        return self.lines(node.text) if str(node.text or "").strip() else escape(shown_title(node), quote=False)

    def _gallery(self, contents: str) -> str:
        captions = [line.partition("|")[2] for line in contents.split("\n")]
        said = [self.lines(mwparserfromhell.parse(caption)).strip() for caption in captions]
        return "<ul>" + "".join(f"<li>{words}</li>" for words in said if words) + "</ul>"

    def _table(self, node: nodes.Tag) -> str:
        """Return a table with captions, rows and spans; cells before the first row sign make a row of their own."""
        captions: list[str] = []
        rows: list[str] = []
        loose = ""
        for child in node.contents.nodes if node.contents else []:
            name = str(child.tag).strip().lower() if isinstance(child, nodes.Tag) else ""
            if name == "td" and str(child).lstrip().startswith("|+"):  # the tree takes a caption for a cell
                captions.append(self.lines(child.contents).lstrip().removeprefix("+"))
            elif name in ("td", "th"):
                loose += self._cell(name, child)
            elif name == "tr":
                rows.append(self._row(child))
            elif name in ("thead", "tbody", "tfoot"):
                rows += [self._row(row) for row in child.contents.nodes if isinstance(row, nodes.Tag)]
            else:  # a caption in HTML, and whatever stands outside the cells: better above the table than lost
                captions.append(self.lines(child.contents) if name == "caption" else self._node(child))
        said = " ".join(" ".join(captions).split())
        first = f"<tr>{loose}</tr>" if loose else ""
        return f"<table>{f'<caption>{said}</caption>' if said else ''}{first}{''.join(rows)}</table>"

    def _row(self, row: nodes.Tag) -> str:
        cells = [cell for cell in row.contents.nodes if isinstance(cell, nodes.Tag)] if row.contents else []
        return f"<tr>{''.join(self._cell(str(cell.tag).strip().lower(), cell) for cell in cells)}</tr>"

    def _cell(self, name: str, cell: nodes.Tag) -> str:
        if name not in ("td", "th"):
            return ""
        spans = ""
        for attribute in cell.attributes:
            key, value = str(attribute.name).strip().lower(), str(attribute.value or "").strip()
            if key in ("colspan", "rowspan") and value.isdigit():
                spans += f' {key}="{value}"'
        return f"<{name}{spans}>{self.blocks(cell.contents)}</{name}>"


def _plain(html: str) -> str:
    """Return a reference as one line of text."""
    return " ".join(re.sub(f"<[^>]*>|{ASIDE}\\d+{ASIDE}|{MARK}", " ", html).split())
