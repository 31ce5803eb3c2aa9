"use strict";
// Filters a list of documents and shows one: what its source said beside what is kept, changed words marked.
// `more` may bring `below(one)`, elements under the facts of a document; `state(one)`, a word for the list, which is
// filtered by #by-state; whatever the page tells is set as text, never as markup.
function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function browse(more = {}) {
  const documents = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  const filters = { source: "by-source", kind: "by-kind", language: "by-language", slices: "by-slice", made: "by-made" };
  const valuesOf = (one, field) => (Array.isArray(one[field]) ? one[field] : [one[field] || "unknown"]);

  for (const [field, id] of Object.entries(filters)) {
    const counts = new Map();
    for (const one of documents) for (const value of valuesOf(one, field)) counts.set(value, (counts.get(value) || 0) + 1);
    by(id).append(element("option", `all (${documents.length})`, { value: "" }));
    for (const value of [...counts.keys()].sort()) by(id).append(element("option", `${value} (${counts.get(value)})`, { value }));
    by(id).addEventListener("change", list);
  }
  by("search").addEventListener("input", list);
  by("by-edited").addEventListener("change", list);

  const haystack = documents.map((one) =>
    [one.title, one.key, one.url, one.id, ...one.marks.map((mark) => mark[1])].join(" ").toLowerCase());
  const edited = (one) => one.marks.some((mark) => mark[0] !== "=");

  function matches(one, at) {
    const words = by("search").value.trim().toLowerCase();
    if (words && !haystack[at].includes(words)) return false;
    if (by("by-edited").checked && !edited(one)) return false;
    if (more.state && by("by-state").value && more.state(one) !== by("by-state").value) return false;
    return Object.entries(filters).every(([field, id]) => !by(id).value || valuesOf(one, field).includes(by(id).value));
  }

  let shown = null;

  function list() {
    const found = documents.filter(matches);
    by("count").textContent = `${found.length} of ${documents.length} documents`;
    by("list").replaceChildren(...found.map((one) => {
      const item = element("li");
      const button = element("button", one.title || one.key, { type: "button", "data-id": one.id });
      button.append(element("small", `${one.source} · ${one.kind} · ${one.language || "unknown"} · ${one.licence}`));
      if (more.state) button.append(element("small", more.state(one), { class: `state ${more.state(one).split(" ")[0]}` }));
      button.addEventListener("click", () => show(one, true));
      item.append(button);
      return item;
    }));
    if (found.length) show(found.includes(shown) ? shown : found[0], false);
    else by("document").replaceChildren(element("p", "No document matches these filters."));
  }

  function show(one, moved) {
    shown = one;
    for (const button of by("list").querySelectorAll("button"))
      button.setAttribute("aria-current", String(button.dataset.id === one.id));
    const parts = [element("h3", one.title || one.key), facts(one), ...words(one), ...(more.below ? more.below(one) : [])];
    by("document").replaceChildren(...parts);
    if (moved && matchMedia("(max-width: 44rem)").matches) by("document").scrollIntoView({ block: "start" });
  }

  function facts(one) {
    const told = {
      Source: one.source, Key: one.key, Id: one.id, URL: one.url, Published: one.published, Retrieved: one.retrieved,
      Release: one.release, Licence: one.licence, Evidence: one.evidence, Attribution: one.attribution,
      Teacher: one.teacher, Parents: (one.parents || []).join(", "), Slices: one.slices.join(", "),
      Edits: one.edits.join("; "), "Tokens (est.)": one.tokens,
    };
    const made = element("dl");
    for (const [name, value] of Object.entries(told))
      if (value !== null && value !== undefined && value !== "") made.append(element("dt", name), element("dd", value));
    return made;
  }

  function words(one) {
    const note = one.whole ? [] : [element("p", `Shown: the beginning of ${one.chars.toLocaleString("en")} characters.`, { class: "note" })];
    if (!edited(one)) {
      const told = one.compared ? "Kept as its source gave it" : "Kept text";
      return [...note, side(told, one.marks, "")];
    }
    const pair = element("div", null, { class: "pair" });
    pair.append(side("As its source gave it", one.marks, "+"), side("As it is kept", one.marks, "-"));
    return [...note, pair];
  }

  function side(title, marks, without) {
    const made = element("div");
    const box = element("div", null, { class: "words" });
    for (const [sign, text] of marks)
      if (sign !== without) box.append(sign === "=" ? text : element(sign === "-" ? "del" : "ins", text));
    made.append(element("h4", title), box);
    return made;
  }

  list();
  return { documents, list };
}
