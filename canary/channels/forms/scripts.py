"""The scripts that read a page in the browser. They only look: nothing on it is changed, but for :data:`WITHOUT`."""

from __future__ import annotations

from canary.channels.forms.naming import NAMING

WITHOUT = "delete window.PaymentRequest"
"""Before any script of a page or frame: by this the browser itself asks whom the page names, and nobody can stop it."""

_COMMON = (
    NAMING
    + r"""
const sources = () => [...document.querySelectorAll("script[src], iframe[src], img[src]")].map(e => e.src)
  .concat([...document.querySelectorAll("[data-sitekey], [class*=captcha]")].map(e => e.className + ""))
  .slice(0, 500).map(source => source.slice(0, 1000));
const errorWords = () => {
  const found = [];
  const marks = "[role=alert], [aria-live=assertive], .error, .errors, .errorlist, .alert-danger, .invalid-feedback, "
    + ".field-validation-error, .validation-summary-errors";
  for (const e of document.querySelectorAll(marks)) if (shown(e) && line(e.innerText)) found.push(line(e.innerText));
  for (const e of document.querySelectorAll("[aria-invalid=true]")) if (shown(e)) {
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
  && !line(e.textContent) && customElements.get(e.localName)).map(e => "<" + cut(e.localName) + ">");
const main = document.querySelector("main, [role=main], #content, article") || document.body;
const errors = errorWords();
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
  origin: performance.timeOrigin, errors: errorWords(), sources: sources(),
  target: new URL(own ?? form?.getAttribute("action") ?? "", document.baseURI).href,
};
}"""
)
"""What stood on the page before the last click, and where the form goes."""

ANSWER = (
    """async ({wanted, origin, errors}) => {"""
    + _COMMON
    + r"""
const answer = () => {
  if (location.protocol === "chrome-error:") return {failed: true};
  const text = document.body?.innerText || "";
  if (line(text).toLowerCase().includes(wanted)) return {confirmed: true, text: text.slice(0, 20000)};
  const status = performance.getEntriesByType("navigation")[0]?.responseStatus || 0;
  const old = performance.timeOrigin === origin, fresh = !old && document.readyState === "complete";
  if (fresh && (status >= 400 || performance.now() > 3000)) return {confirmed: false, status};
  if ((old || fresh) && errorWords().some(words => !errors.includes(words))) return {confirmed: false, status};
};
for (;;) {
  const found = answer();
  if (found) return found;
  await new Promise(resolve => setTimeout(resolve, 10));
}
}"""
)
"""Waits for the page's answer to the last click: confirmed, or refused (an HTTP error, words of an error that were not
there before, or a new page that stays without the confirmation for three seconds). A new page ends the wait with an
error: it must be asked again."""
