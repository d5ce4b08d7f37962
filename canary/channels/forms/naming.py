"""What the controls of a page are called, for who sees it: one script, by which a form is both read and filled in, so
that what ``form inspect`` calls a field is what a step finds it by.

A control has names of several ranks: what a screen reader says of it, its placeholder, its title, the words that stand
before it (or the column's head above it), the name that it is sent under. The best rank that fits counts, and what a
visitor sees comes before what no visitor does. Open shadow roots belong to the page.
"""

from __future__ import annotations

import json

MARKS = (
    "required", "optional", "mandatory", "erforderlich", "pflichtfeld", "pflicht", "freiwillig", "obligatoire",
    "requis", "facultatif", "optionnel", "obligatorio", "opcional", "obligatório", "obbligatorio", "facoltativo",
    "wymagane", "opcjonalne", "nieobowiązkowe", "kötelező", "nem kötelező", "povinné", "nepovinné", "verplicht",
    "optioneel", "obligatorisk", "påkrævet", "valgfri", "valfritt", "必填", "选填", "必須", "任意", "필수", "선택",
)  # fmt: skip
"""The words which say, in brackets behind a label, that a field must be filled in or need not be."""

_LEAVE_EMPTY = (
    r"leave (this |it )?(field )?(empty|blank|alone)", r"(do not|don.t|never) (fill|enter|type|change)",
    r"(if you are|if you.re) (a )?human", r"(leer|frei) lassen", r"nicht (ausfüllen|verändern)",
    r"laisse[rz]? .{0,20}vide", r"ne pas remplir", r"dej(e|ar?) .{0,20}(vacío|en blanco)", r"lasciare? .{0,20}vuoto",
    r"deixe .{0,20}(vazio|em branco)",
    r"pozostaw .{0,20}puste", r"nie wypełnia", r"hagyja .{0,20}üresen", r"ne töltse ki", r"leeg laten", r"请勿填写",
    r"留空", r"空欄", r"비워",
)  # fmt: skip
_TRAP_NAMES = (
    r"honey", r"bot[-_ ]?(field|trap|check|catcher)", r"(spam|robot|hidden)[-_ ]?(trap|check|field)", r"_gotcha",
    r"^(hp|hpt|hny|pot|trap)([-_]|\d|$)", r"[-_](hp|hpt|trap)$", r"leave[-_ ]?(this[-_ ]?)?(empty|blank)",
    r"anti[-_]?(spam|bot)", r"fax[-_]?only", r"ohnohoney", r"^winnie",
)  # fmt: skip

A_MARK = rf"(?:\s|[*:：…•]|\.\.\.|[(\[（](?:{'|'.join(MARKS)})[)\]）])"
"""What may stand behind a label and belongs to no name, for Python and JavaScript."""

_WORDS = f"""
const A_MARK = {json.dumps(A_MARK)};
const MARK = new RegExp("^[\\\\s*•]+|" + A_MARK + "+$", "giu");
const LEAVE_EMPTY = /{"|".join(_LEAVE_EMPTY)}/iu, TRAP_NAMES = /{"|".join(_TRAP_NAMES)}/iu;
"""

NAMING = (
    _WORDS
    + r"""
const line = text => (text || "").replace(/\s+/g, " ").trim();
const cut = text => text.slice(0, 1000);
const bare = text => cut(line(text)).replace(MARK, "") || cut(line(text));
const SILENT = "script, style, template, noscript, title";
const CONTROLS = "input:not([type=hidden]), select, textarea, [contenteditable=''], [contenteditable=true], "
  + "[role=textbox], [role=combobox], [role=listbox], [aria-haspopup=listbox], [role=checkbox], [role=switch], "
  + "[role=radio]";
const PRESSED = "input[type=submit], input[type=button], input[type=image], input[type=reset]";
const roots = () => {
  const found = [document];
  for (const root of found) for (const e of root.querySelectorAll("*")) if (e.shadowRoot) found.push(e.shadowRoot);
  return found;
};
const all = selector => roots().flatMap(root => [...root.querySelectorAll(selector)]);
const above = e => e.assignedSlot || e.parentElement || e.getRootNode().host || null;
const within = (e, selector) => { for (; e; e = above(e)) if (e.matches(selector)) return e; return null; };
const shown = e => e.checkVisibility({visibilityProperty: true});
const seen = e => {
  if (!e.checkVisibility({visibilityProperty: true, opacityProperty: true})) return false;
  const box = e.getBoundingClientRect();
  if (box.right + scrollX <= 0 || box.bottom + scrollY <= 0 || box.width * box.height <= 1) return false;
  for (let up = e; up; up = above(up)) {
    if (up.getAttribute("aria-hidden") === "true") return false;
    const size = up.getBoundingClientRect(), style = getComputedStyle(up);
    if (style.overflow === "hidden" && style.display !== "inline"
      && (size.width <= 1 || size.height <= 1)) return false;
  }
  return true;
};
const there = e => seen(e) || [...(e.labels || [])].some(seen);
const byIds = (e, ids) => line((ids || "").split(/\s+/).map(id => {
  const found = id && (e.getRootNode().getElementById?.(id) || document.getElementById(id));
  return found ? found.textContent : "";
}).join(" "));
const ownText = e => {
  const copy = e.cloneNode(true);
  copy.querySelectorAll("input, select, textarea, option, [role=listbox], [role=combobox], script, style")
    .forEach(part => part.remove());
  return line(copy.textContent);
};
const spoken = e => [e.getAttribute("aria-label"), byIds(e, e.getAttribute("aria-labelledby")),
  ...[...(e.labels || [])].map(ownText)].map(line).filter(Boolean);
const textOf = node => line(node.nodeType === Node.TEXT_NODE ? node.data
  : node.matches?.(SILENT) || !shown(node) ? "" : node.innerText);
const isControl = node => node.nodeType === Node.ELEMENT_NODE
  && (node.matches(CONTROLS + ", button, " + PRESSED) || !!node.querySelector(CONTROLS + ", button, " + PRESSED));
const labels = (node, e) => [...(e.labels || [])].includes(node);
const END = "tr, form, body, main, fieldset, section, article, dialog, [role=radiogroup], [role=group]";
const beside = (e, side) => {
  for (let node = e, level = 0; node && level < 5; node = node.parentElement, level++) {
    if (level && node.matches(END)) return "";
    for (let next = node[side]; next; next = next[side]) {
      if (labels(next, e)) continue;
      if (isControl(next)) return "";
      const text = textOf(next);
      if (cut(text).replace(MARK, "")) return text.length <= 200 ? bare(text) : "";
    }
  }
  return "";
};
const before = e => beside(e, "previousSibling");
const head = e => {
  const cell = e.closest("td"), row = cell?.parentElement, table = cell?.closest("table");
  for (let at = row ? row.rowIndex - 1 : -1; at >= 0; at--) {
    const over = table.rows[at].cells[cell.cellIndex];
    if (over && !isControl(over)) return bare(textOf(over));
  }
  return "";
};
const kindOf = e => {
  const role = e.getAttribute("role");
  if (e.tagName === "SELECT") return "select";
  if (e.tagName === "INPUT" && ["checkbox", "radio", "file"].includes(e.type)) return e.type;
  if (role === "combobox" || e.getAttribute("aria-haspopup") === "listbox") return "combobox";
  if (role === "switch") return "checkbox";
  if (["listbox", "checkbox", "radio"].includes(role)) return role;
  if (e.tagName === "INPUT") return e.list ? "datalist" : e.type;
  return "textarea";
};
const isBox = e => ["checkbox", "radio"].includes(kindOf(e));
const sentAs = e => [e.getAttribute("name") || "", e.id || ""].filter(Boolean);
const ranksOf = e => isBox(e)
  ? [[...spoken(e), ...(e.tagName === "INPUT" ? [] : [line(e.innerText)])], [e.title],
    [beside(e, "nextSibling"), before(e)], sentAs(e), [e.value || ""]]
  : [spoken(e), [e.placeholder || ""], [e.title], [before(e), head(e)], sentAs(e)];
const nameOf = e => bare(ranksOf(e).flat().find(name => bare(name)) || "");
const membersOf = e => {
  const around = e.tagName !== "INPUT" && within(e, "[role=radiogroup], [role=group]");
  if (around) return all("[role=" + e.getAttribute("role") + "]").filter(other => around.contains(other));
  if (e.tagName !== "INPUT" || !e.name) return [e];
  return [...e.getRootNode().querySelectorAll("input")]
    .filter(other => other.type === e.type && other.name === e.name && other.form === e.form);
};
const groupRanksOf = e => {
  const members = membersOf(e), first = members[0];
  const legend = within(e, "fieldset, [role=radiogroup], [role=group]");
  const whole = legend && [...legend.querySelectorAll(CONTROLS)].every(other => members.includes(other));
  const title = legend ? [legend.getAttribute("aria-label"), byIds(legend, legend.getAttribute("aria-labelledby")),
    legend.querySelector("legend")?.innerText].map(line).filter(Boolean) : [];
  return [whole || kindOf(e) === "radio" ? title : [], [before(first.closest("label") || first)],
    [legend && whole ? before(legend) : ""], [e.getAttribute("name") || ""],
    members.map(nameOf)];
};
const optionText = e => line(e.getAttribute("aria-label") || e.text || e.innerText || e.textContent || e.value);
const OPTIONS = "[role=option], [role=menuitem], [role=menuitemradio], [role=treeitem]";
const popupOf = e => {
  const ids = (e.getAttribute("aria-controls") || e.getAttribute("aria-owns") || "").split(/\s+/);
  const named = ids.map(id => id && (e.getRootNode().getElementById?.(id) || document.getElementById(id)));
  return named.find(Boolean) || (e.matches("[role=listbox]") ? e : null) || e.querySelector("[role=listbox]")
    || e.parentElement?.querySelector("[role=listbox]") || null;
};
const optionsOf = e => {
  const kind = kindOf(e);
  if (kind === "select") return [...e.options];
  if (kind === "datalist") return [...e.list.options];
  if (kind !== "combobox" && kind !== "listbox") return [];
  const popup = popupOf(e);
  const found = popup ? [...popup.querySelectorAll(OPTIONS)] : all(OPTIONS).filter(shown);
  return found.length ? found : popup ? [...popup.querySelectorAll("li")] : [];
};
const trapOf = e => {
  const names = [...ranksOf(e).flat(), e.getAttribute("autocomplete")].map(line);
  if (names.some(name => LEAVE_EMPTY.test(name)) || LEAVE_EMPTY.test(byIds(e, e.getAttribute("aria-describedby"))))
    return "it says to leave it empty";
  if (sentAs(e).some(name => TRAP_NAMES.test(name))) return "it is named as a trap for robots";
  if (!there(e)) return "no visitor sees it";
  const off = ["off", "nope", "new-password"].includes(e.getAttribute("autocomplete"));
  return e.tabIndex < 0 && off && !e.closest("[inert]") && e.tagName === "INPUT" ? "no key leads to it" : "";
};
"""
)
"""Functions on controls, for a script that has them before its own; nothing in it costs more than the page is long,
for a control."""

FINDER = (
    "(() => {"
    + NAMING
    + r"""
const ROLES = {
  button: "button, summary, [role=button], " + PRESSED, link: "a[href], area[href], [role=link]", tab: "[role=tab]",
  radio: "input[type=radio], [role=radio]", checkbox: "input[type=checkbox], [role=checkbox], [role=switch]",
  menuitem: "[role=menuitem], [role=menuitemradio], [role=menuitemcheckbox]", option: "[role=option], option",
};
const LOOSE = {button: "a, [onclick], [tabindex]", link: "a, [onclick], [tabindex]"};
const LISTS = ["select", "combobox", "listbox", "datalist"];
const NOT_TYPED = ["checkbox", "radio", "file", "select", "listbox"];
const roleFits = (e, what) => ROLES[what].includes("[role=" + e.getAttribute("role") + "]");
const plainText = e => {
  const copy = e.cloneNode(true);
  copy.querySelectorAll("[aria-hidden=true], [hidden], script, style").forEach(part => part.remove());
  copy.querySelectorAll("img[alt]").forEach(image => image.replaceWith(image.alt));
  return line(copy.textContent);
};
const pressRanks = e => [[...spoken(e), line(e.innerText), plainText(e), e.matches("input") ? e.value : "", e.alt || "",
  e.type === "submit" && e.tagName === "INPUT" && !e.hasAttribute("value") ? "Submit" : ""], [e.title], sentAs(e)];
const fitting = (elements, ranks, wanted) => {
  const named = elements.map(e => [e, ranks(e), there(e)]);
  for (const visible of [true, false])
    for (let rank = 0; rank < 5; rank++) {
      const found = named.filter(([, names, sees]) => sees === visible
        && (names[rank] || []).some(name => name && wanted.test(name))).map(([e]) => e);
      if (found.length) return found;
    }
  return [];
};
const patternOf = written => new RegExp(written.replace("@", A_MARK), "iu");
const formOf = e => e.form || within(e, "form");
const nearest = (found, others) => {
  if (found.length < 2 || !others.length) return found;
  const patterns = others.map(patternOf);
  const named = e => isBox(e) ? [...ranksOf(e), ...groupRanksOf(e)].flat() : ranksOf(e).flat();
  const near = all(CONTROLS).filter(there).map(e => [e, named(e)])
    .map(([e, names]) => [e, patterns.filter(one => names.some(name => name && one.test(name)))])
    .filter(([, fits]) => fits.length);
  const most = (kept, score) => {
    const scores = kept.map(score), top = Math.max(...scores);
    return kept.filter((_, at) => scores[at] === top);
  };
  const number = scope => new Set(near.filter(([e]) => scope(e)).flatMap(([, fits]) => fits)).size;
  const kept = most(found, e => formOf(e) ? number(other => formOf(other) === formOf(e)) : 0);
  if (kept.length < 2 || kept.some(e => formOf(e) && formOf(e) === formOf(kept[0]) && e !== kept[0])) return kept;
  return most(kept, e => {
    const inside = (around, other) => { for (; other; other = above(other)) if (other === around) return true; };
    let up = e, depth = 0;
    const total = number(() => true);
    while (up && number(other => other !== e && inside(up, other)) < total) up = above(up);
    for (; up; up = above(up)) depth++;
    return depth;
  });
};
const find = ({what, label, option, others}) => {
  const wanted = patternOf(label);
  if (ROLES[what]) {
    const ranks = what === "radio" || what === "checkbox" ? ranksOf : pressRanks;
    const strict = all(ROLES[what]).filter(e => !e.getAttribute("role") || roleFits(e, what));
    const found = fitting(strict, ranks, wanted);
    return nearest(found.length ? found : fitting(all(LOOSE[what] || "nothing"), ranks, wanted), others);
  }
  const controls = all(CONTROLS), chosen = patternOf(option);
  const like = kinds => fitting(controls.filter(e => kinds(kindOf(e))), ranksOf, wanted);
  const lists = () => like(kind => LISTS.includes(kind));
  switch (what) {
    case "fill": return nearest(like(kind => !NOT_TYPED.includes(kind)), others);
    case "upload": return nearest(like(kind => kind === "file"), others);
    case "check": return nearest(like(kind => kind === "checkbox" || kind === "radio"), others);
    case "offered": return lists().slice(0, 1).flatMap(optionsOf).filter(e => shown(e) && chosen.test(optionText(e)));
  }
  const found = lists();
  if (found.length) return nearest(found, others);
  const boxes = controls.filter(e => isBox(e) && ranksOf(e).flat().some(name => name && chosen.test(name)));
  return nearest(fitting(boxes, groupRanksOf, wanted), others);
};
const asked = selector => find(JSON.parse(decodeURIComponent(selector)));
return {queryAll: (_, selector) => asked(selector), query: (_, selector) => asked(selector)[0] || null};
})()"""
)
"""An engine for Playwright's selectors: the elements that a step may mean; more than one if it is not known which."""
