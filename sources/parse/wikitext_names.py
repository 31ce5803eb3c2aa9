"""Names of wikitext's templates: signs, wrappers, lists, boxes, and the furniture of a wiki.

English names, lower case; other wikis' templates are unknown, so their parameters are kept. A name is furniture only
when its template shows nothing of the matter: citations, navigation, maintenance, pronunciation. Not here: what is
written (`wikitext_templates`).
"""

import re

SIGNS = {
    "=": "=", "!": "|", "pipe": "|", "nbsp": "\xa0", "spaces": "\xa0", "ndash": "–", "snd": " – ", "spnd": " – ",
    "spaced ndash": " – ", "–": "–", "mdash": "—", "spaced en dash": " – ", "em dash": "—", "en dash": "–",
    "ge": "≥", "le": "≤", "gt": "&gt;", "lt": "&lt;", "pm": "±", "plus-minus": "±", "times": "×", "dot": " · ",
    "·": " · ", "middot": " · ", "bullet": " • ", "•": " • ", "minus": "−", "approx": "≈", "degree": "°", "deg": "°",
    "mu": "µ", "micro": "µ", "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "sqrt": "√", "thinsp": "\u2009",
    "hairsp": "\u200a", "zwsp": "", "shy": "", "'": "'", "apostrophe": "'", "check": "✓", "yes": "Yes", "no": "No",
    "n/a": "N/A", "increase": "↑", "decrease": "↓", "steady": "→", "up": "↑", "down": "↓", "half": "½", "nbs": "\xa0",
    "tick": "✓", "yes check": "✓", "yes-tick": "✓", "ya": "✓", "aye": "✓", "cross": "✗", "x mark": "✗", "xmark": "✗",
    "no-cross": "✗", "nay": "✗", "na": "N/A",
}  # fmt: skip
"""Templates that stand for a sign."""
ANSWERS = frozenset({"yes", "no", "n/a", "na"})
"""Signs in whose place stands what their template is given."""
BEFORE = frozenset({
    "ge", "le", "gt", "lt", "pm", "plus-minus", "times", "minus", "approx", "sqrt", "increase", "decrease", "steady",
    "up", "down",
})  # fmt: skip
"""Signs that stand before what their template is given."""
FIRST = frozenset({
    "abbr", "angbr", "annotated link", "as of", "big", "blockquote", "blue", "bold", "center", "code", "cquote",
    "em", "font color", "ill", "interlanguage link", "italics", "linktext", "longitem", "math", "mono", "mvar",
    "no wrap", "nobold", "nobr", "noitalic", "not a typo", "nowrap", "overline", "plain text", "quote", "red",
    "resize", "sc", "serif", "sic", "small", "small caps", "smaller", "strong", "tmath", "tooltip", "typo",
    "underline", "vanchor", "var", "visible anchor",
})  # fmt: skip
"""Templates that show their first parameter."""
SECOND = frozenset({
    "background color", "color", "colour", "lang", "transl", "transliteration", "wikt-lang",
})  # fmt: skip
"""Templates that show their second parameter: languages and colours."""
LISTS = frozenset({
    "blist", "bulleted list", "collapsible list", "comma separated entries", "cslist", "flat list", "flatlist",
    "hlist", "indented plainlist", "numbered list", "ordered list", "plain list", "plainlist", "ubl", "ublist",
    "unbulleted list",
})  # fmt: skip
"""Templates that show their positional parameters as a list."""
BOXES = (
    "infobox", "drugbox", "chembox", "taxobox", "speciesbox", "automatic taxobox", "medical condition (new)",
    "enzyme",
)  # fmt: skip
"""Beginnings of the names of boxes of facts."""
PICTURES = re.compile(
    r"(?:image|img|picture|photo|logo)s?(?:[_ -]\w+|size|name|file|alt|width|\d+)*|(?:width|alt|upright|file)\d*"
    r"|verif\w*|watched\w*|\w*style",
    re.IGNORECASE,
)
"""Fields of a box that say how something is shown."""
_FURNITURE = (
    r"cit(?:e|ation)\b.*", r"harv.*", r"sfn.*", r"ref(?:list|begin|end|n|improve.*| .*)?", r"r", r"rp",
    r"notelist.*", r"reference.*", r"nav(?:box|bar|boxes).*", r"portal.*", r"commons.*", r"authority control.*",
    r"defaultsort.*", r"short description.*", r"(?:good|featured) article", r"use (?:dmy|mdy|.* english).*",
    r"pp(?:-.*)?", r"cn", r"fact", r"clarify.*", r"when", r"who\??", r"by whom", r"which", r"where", r"how", r"why",
    r"vague", r"dubious.*", r"update.*", r"more (?:medical )?citations.*", r"unreferenced.*", r"medical citations.*",
    r".*[- ]stub", r"stub", r"about", r"for", r"hatnote.*", r"distinguish.*", r"redirect.*", r"other uses.*",
    r"main(?: articles?)?", r"see also.*", r"further(?: .*)?", r"details", r"broader.*", r"toc.*", r"wiktionary.*",
    r"sister.*", r"wikisource.*", r"wikiquote.*", r"wikidata.*", r"medical resources.*", r"clear.*",
    r"clr", r"-", r"col-.*", r"div col.*", r"columns.*", r"coord", r"webarchive", r"dead link.*", r"cbignore",
    r"self-?pub.*", r"page needed.*", r"pmid", r"pmc", r"doi", r"isbn", r"issn", r"anchor.*", r"multiple issues",
    r"expand.*", r"cleanup.*", r"pov.*", r"tone", r"essay.*", r"lead.*", r"copy ?edit.*", r"orphan.*", r"merge.*",
    r"move.*", r"dmy.*", r"mdy.*", r"user.*", r"infobox mapframe", r"spoken wikipedia.*", r"selfref", r"bots",
    r"nobots", r"italic title", r"lowercase title", r"displaytitle.*", r"notoc", r"featured.*",
    r".*(?:sidebar|navigation|topics|footer)", r"open access", r"free access", r"registration required",
    r"subscription required", r"ipa.*", r"respell.*", r"audio.*", r"listen", r"pronunciation.*", r"px2",
    r"failed verification.*", r"primary source.*", r"better source.*", r"medrs", r"nonspecific", r"uw.*",
)  # fmt: skip
FURNITURE = re.compile("|".join(_FURNITURE), re.IGNORECASE | re.DOTALL)
"""Whole names of templates that say nothing of the matter."""
