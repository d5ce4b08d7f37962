"""The scripts that read a page in the browser. They only look: nothing on it is changed, but for :data:`WITHOUT` and
:data:`OPEN`."""

from __future__ import annotations

from canary.channels.forms.naming import NAMING

WITHOUT = "delete window.PaymentRequest"
"""Before any script of a page or frame: by this the browser itself asks whom the page names, and nobody can stop it."""

OPEN = """Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow,
  {apply: (attach, host, [how]) => Reflect.apply(attach, host, [{...how, mode: "open"}])})"""
"""Likewise: a visitor sees what is in a closed shadow root, and could fill it in."""

_COMMON = (
    NAMING
    + r"""
const sources = () => [...document.querySelectorAll("script[src], iframe[src], img[src]")].map(e => e.src)
  .concat([...document.querySelectorAll("[data-sitekey], [class*=captcha]")].map(e => e.className + ""))
  .slice(0, 500).map(source => source.slice(0, 1000));
const ERRORS = ".error, .errors, .errorlist, .alert-danger, .invalid-feedback, .field-validation-error, "
  + ".validation-summary-errors";
const ALERTS = "[role=alert], [aria-live=assertive], " + ERRORS;
const errorWords = marks => {
  const found = [];
  for (const e of all(marks)) if (shown(e) && line(e.innerText)) found.push(line(e.innerText));
  for (const e of all("[aria-invalid=true]")) if (shown(e)) {
    const why = byIds(e, e.getAttribute("aria-errormessage") || e.getAttribute("aria-describedby"));
    found.push(nameOf(e) + ": " + (why || e.validationMessage || "invalid"));
  }
  const held = document.activeElement;
  if (held?.willValidate && held.matches(":invalid")) found.push(nameOf(held) + ": " + held.validationMessage);
  return [...new Set(found.map(cut))].slice(0, 500);
};
"""
)

FACTS = (
    """() => {"""
    + _COMMON
    + r"""
const forms = all("form"), formOf = e => forms.indexOf(e.form || within(e, "form"));
const fields = new Map(), leftEmpty = [];
const popups = all(CONTROLS).filter(e => kindOf(e) === "combobox").map(popupOf);
for (const e of all(CONTROLS)) {
  const kind = kindOf(e);
  if (["submit", "button", "image", "reset"].includes(kind) || popups.includes(e)) continue;
  const required = e.required || e.getAttribute("aria-required") === "true"
    || /\*\s*$/.test(e.labels?.[0]?.innerText);
  const trap = trapOf(e), label = cut(nameOf(e));
  if (trap && kind !== "file") {
    if (shown(e) || !isBox(e)) leftEmpty.push({label, why: trap});
    continue;
  }
  if (!there(e)) continue;
  const members = kind === "radio" ? membersOf(e) : [e], group = members[0];
  if (fields.has(group)) { fields.get(group).options.push(label); continue; }
  fields.set(group, {
    label: kind === "radio" ? cut(groupRanksOf(e).flat().map(bare).find(Boolean) || label) : label,
    kind, required, multiple: !!e.multiple, form: formOf(e),
    name: cut(sentAs(e)[0] || ""), options: kind === "radio" ? [label]
      : optionsOf(e).slice(0, 1000).map(option => cut(optionText(option))),
  });
}
const buttons = all("button, [role=button], " + PRESSED)
  .filter(e => shown(e) && kindOf(e) !== "combobox" && !e.matches("button[role]:not([role=button])"))
  .map(e => ({label: cut(bare(e.getAttribute("aria-label") || e.innerText || e.value || e.alt || e.title
    || (e.type === "submit" ? "Submit" : ""))), form: formOf(e)}));
const closed = all("*").filter(e => e.localName.includes("-") && !e.shadowRoot && !e.childElementCount && seen(e)
  && !line(e.textContent)).map(e => "<" + cut(e.localName) + ">");
const main = document.querySelector("main, [role=main], #content, article") || document.body;
const errors = errorWords(ALERTS);
for (const e of document.querySelectorAll("form :invalid:not(fieldset)"))
  if (e.form?.contains(document.activeElement)) errors.push(nameOf(e) + ": " + e.validationMessage);
return {
  text: (main?.innerText || "").slice(0, 20000), errors: [...new Set(errors.map(cut))].slice(0, 20),
  fields: [...fields.values()].slice(0, 200), left_empty: leftEmpty.slice(0, 50),
  buttons: buttons.slice(0, 50), sources: sources(),
  closed: [...new Set(closed)].slice(0, 10),
};
}"""
)
"""The page as :class:`canary.channels.forms.page.PageFacts` wants it."""

BEFORE = (
    """button => {"""
    + _COMMON
    + r"""
const own = button.getAttribute("formaction"), form = button.form || button.closest("form");
return {
  origin: performance.timeOrigin, errors: errorWords(ALERTS), sources: sources(),
  target: new URL(own ?? form?.getAttribute("action") ?? "", document.baseURI).href,
};
}"""
)
"""What stood on the page before the last click, and where the form goes."""

NEWS = (
    """({known, old}) => {"""
    + _COMMON
    + r"""
const MOST = 200000, HELD = "input:not([type=hidden], [type=password], [type=radio], [type=checkbox]), textarea";
const away = (box, fixed) => box.width > 0 && (box.right + scrollX <= 0 || box.bottom + scrollY <= 0
  || fixed && (box.left >= innerWidth || box.top >= innerHeight));
const lines = () => {
  const found = [];
  let now = "", size = 0;
  const end = () => { if (line(now)) found.push(cut(line(now))); now = ""; };
  const visit = (node, visible) => {
    if (size > MOST) return;
    if (node.nodeType === Node.TEXT_NODE && visible) { size += node.data.length; now += node.data; }
    if (node.nodeType !== Node.ELEMENT_NODE || node.matches(SILENT)) return;
    const style = getComputedStyle(node), flows = /^(inline|contents)/.test(style.display);
    if (style.display === "none" || style.opacity === "0") return;
    visible = style.visibility === "visible";
    if (!flows) {
      if (!node.checkVisibility() || away(node.getBoundingClientRect(), style.position === "fixed")) return;
      if (style.overflow !== "visible" && node.offsetWidth * node.offsetHeight === 0) return;
    }
    if (!flows || node.tagName === "BR") end();
    if (node.tagName === "IMG") now += " " + node.alt + " ";
    else if (node.matches(HELD)) { end(); now = visible ? node.value.slice(0, MOST) : ""; end(); }
    else if (node.tagName !== "SELECT")
      for (const inner of node.shadowRoot?.childNodes || (node.tagName === "SLOT" && node.assignedNodes().length
        ? node.assignedNodes() : node.childNodes)) visit(inner, visible);
    if (!flows) end();
  };
  if (document.body && innerWidth > 4 && innerHeight > 4) visit(document.body, true);
  end();
  return found;
};
const standing = lines(), told = new Set(known), heard = new Set(old ? errorWords(ALERTS) : []);
if (old) for (const one of standing) told.add(one);
let state = "";
const news = () => {
  const fresh = lines().filter(one => !told.has(one)), alerts = errorWords(ALERTS).filter(one => !heard.has(one));
  const errors = alerts.length ? errorWords(ERRORS).filter(one => alerts.includes(one)) : [];
  const stands = {
    failed: location.protocol === "chrome-error:", complete: document.readyState === "complete",
    leaving: !!document.querySelector("meta[http-equiv=refresh i]"), origin: performance.timeOrigin,
  };
  const before = state;
  state = JSON.stringify(stands);
  if (state === before && !fresh.length && !alerts.length) return;
  for (const one of fresh) told.add(one);
  for (const one of alerts) heard.add(one);
  return {lines: [...new Set(fresh)].slice(0, 200), errors, alerts, ...stands};
};
return {standing, next: async () => {
  for (;;) {
    const began = performance.now(), found = news();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, Math.max(10, 4 * (performance.now() - began))));
  }
}};
}"""
)
"""Tells, with every ``next()``, what is shown that was not ``known`` (nor there already, if what is there is ``old``),
as soon as it is: the lines that a visitor sees, and the words of alerts, some of which are sure to be errors. A new
document ends the wait with an error."""
