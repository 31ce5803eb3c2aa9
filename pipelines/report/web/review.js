// Verdicts of a reviewer on the documents of the page: given in a form under each, kept by the server that sent the page.
(() => {
  const known = JSON.parse(document.getElementById("known").textContent);
  const name = document.getElementById("reviewer");
  let verdicts = new Map();
  const state = (one) => (verdicts.has(one.id) ? verdicts.get(one.id).verdict : "to do");
  const page = browse({ state, below: (one) => [form(one)] });
  for (const word of ["to do", "accepted", "corrected", "rejected"])
    document.getElementById("by-state").append(element("option", word, { value: word }));
  document.getElementById("by-state").addEventListener("change", page.list);
  name.addEventListener("change", mine);

  async function mine() {
    const told = await fetch(`verdicts?reviewer=${encodeURIComponent(name.value.trim())}`);
    verdicts = new Map(told.ok ? (await told.json()).map((one) => [one.document, one]) : []);
    progress();
    page.list();
  }

  function progress() {
    const done = page.documents.filter((one) => verdicts.has(one.id)).length;
    document.getElementById("progress").textContent = name.value.trim()
      ? `${done} of ${page.documents.length} documents judged by ${name.value.trim()}` : "Say who you are first.";
  }

  function field(label, input) {
    const made = element("label", label);
    made.append(input);
    return made;
  }

  function choice(id, options, chosen, many) {
    const made = element("select", null, many ? { id, multiple: "", size: "5" } : { id });
    for (const [value, told] of options) {
      const option = element("option", told, { value });
      option.selected = chosen.includes(value);
      made.append(option);
    }
    return made;
  }

  function form(one) {
    const before = verdicts.get(one.id) || { corrections: {} };
    const changed = before.corrections || {};
    const made = element("form", null, { id: "verdict", "aria-label": "Verdict" });
    const plain = {};
    for (const key of ["title", "language", "published"])
      plain[key] = element("input", null, { id: `correct-${key}`, value: changed[key] ?? one[key] ?? "" });
    const labels = {};
    for (const [axis, names] of Object.entries(known.labels)) {
      const has = one.slices.filter((slice) => slice.startsWith(`${axis}:`)).map((slice) => slice.slice(axis.length + 1));
      labels[axis] = choice(`correct-${axis}`, names.map((each) => [each, each]), changed[axis] || has, true);
      labels[axis].dataset.was = JSON.stringify(has.sort());
    }
    const reason = choice("reason", [["", "choose why"], ...Object.entries(known.reasons)], [before.reason || ""], false);
    const note = element("textarea", before.note || "", { id: "note", rows: "2", maxlength: "2000" });
    const told = element("p", verdicts.has(one.id) ? `Judged: ${before.verdict}` : "", { id: "told", role: "status" });
    const fold = element("details");
    fold.append(element("summary", "Correct what is known about it"));
    const fields = element("div", null, { class: "corrections" });
    for (const [key, input] of Object.entries(plain)) fields.append(field(key, input));
    for (const [axis, input] of Object.entries(labels)) fields.append(field(axis, input));
    fold.append(fields, element("p", "Neither text nor licence can be corrected: reject what is wrong in them.", { class: "note" }));
    if (before.verdict === "corrected") fold.open = true;

    const corrections = () => {
      const found = {};
      for (const [key, input] of Object.entries(plain))
        if (input.value.trim() && input.value.trim() !== (one[key] ?? "")) found[key] = input.value.trim();
      for (const [axis, input] of Object.entries(labels)) {
        const chosen = [...input.selectedOptions].map((option) => option.value).sort();
        if (JSON.stringify(chosen) !== input.dataset.was) found[axis] = chosen;
      }
      return found;
    };
    const send = async (verdict) => {
      const body = { document: one.id, verdict, note: note.value.trim(), reviewer: name.value.trim(), corrections: {} };
      if (verdict === "rejected") body.reason = reason.value;
      if (verdict === "corrected") body.corrections = corrections();
      try {
        const answer = await fetch("verdicts", {
          method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
        });
        const text = await answer.text();
        if (!answer.ok) { told.textContent = `Not stored: ${text}`; told.className = "warning"; return; }
        verdicts.set(one.id, JSON.parse(text));
        progress();
        page.list();
        document.getElementById("told").textContent = `Stored: ${verdict}`;
      } catch (error) { told.textContent = `Not stored: ${error}`; told.className = "warning"; }
    };
    const buttons = element("div", null, { class: "buttons" });
    for (const [verdict, words] of [["accepted", "Accept"], ["corrected", "Accept as corrected"], ["rejected", "Reject"]]) {
      const button = element("button", words, { type: "button", id: verdict, class: verdict });
      button.addEventListener("click", () => send(verdict));
      buttons.append(button);
    }
    made.addEventListener("submit", (event) => event.preventDefault());
    made.append(element("h4", "Your verdict"), fold, field("Why it is rejected", reason), field("Note", note), buttons, told);
    return made;
  }

  progress();
})();
