"""The pages of the form site, as strings."""

from __future__ import annotations

from html import escape

VIEW_STATE = "dDwtMTYyNDI3Mjs7Pi8rPVZpZXcgU3RhdGU="

_STYLE = """body{font:16px sans-serif;max-width:40em;margin:2em auto}label,legend{display:block;margin-top:.8em}
.error{color:#a00}.hidden{display:none}"""


def page(title: str, body: str) -> str:
    """A whole page; it holds an empty alert box, as many do."""
    return f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>{_STYLE}</style></head><body><header><nav><a href="/">Example CA</a></nav></header>
<main><h1>{title}</h1><div role="alert" class="error hidden"></div>{body}</main>
<footer><label for="news">Newsletter</label><input id="news" name="news" type="search"></footer></body></html>"""


def form(name: str, action: str, token: str, fault: str | None) -> str | None:
    """The first page of a form, or None if there is no such form."""
    makers = {"report": _report, "app": _app, "wizard": _wizard, "state": _state, "upload": _upload}
    if name not in makers:
        return None
    return page("Report a certificate problem", makers[name](escape(action), token, fault))


def thanks(reference: str) -> str:
    """The confirmation page."""
    return page("Report received", f"<p>Thank you for your report. Your reference number is <b>{reference}</b>.</p>")


def rejection(words: str, *, marked: bool) -> str:
    """A page that says no, with status 200."""
    if marked:
        return page("Report a certificate problem", f'<p role="alert" class="error">{escape(words)}</p>')
    return page("Report a certificate problem", f"<p>{escape(words)}</p>")


def problem(words: str) -> str:
    """A server's error page."""
    return page(words, f"<p>{words}</p>")


def bare() -> str:
    """A page with words alone."""
    return "<!DOCTYPE html><title>Reports</title><h1>Write to us</h1><p>We have no form."


def hostile(action: str) -> str:
    """A form whose labels are made to break out of strings, patterns, selectors and YAML."""
    label = escape("Email \"}\u2028\n  evil: # 'x' \\ / [1] >> (new) $& {name} *.?+")
    return page(
        "Report",
        f"""<form method="post" action="{action}"><label for="a">{label}</label><input id="a" name="a" required>
<label for="c">Un\u0085clear \u202e: - &amp; *a</label><input id="c" name="c">
<label for="b">text" ]: &amp;amp; *</label><textarea id="b" name="b"></textarea>
<fieldset><legend>kind: "/"</legend><label><input type="radio" name="k" value="1"> a/b 'c' "d"</label></fieldset>
<button>"Send" / now</button></form>""",
    )


def login() -> str:
    """The page of a portal that only lets customers in."""
    return page(
        "Customer portal",
        """<form method="post" action="/session"><label for="user">User name</label><input id="user" name="user">
<label for="pass">Password</label><input id="pass" type="password" name="pass"><button>Log in</button></form>""",
    )


def wizard_second(first: dict[str, str]) -> str:
    """The second page of the wizard, which carries over the first one's answers."""
    carried = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in first.items()
    )
    return page(
        "Report a certificate problem, step 2 of 2",
        f"""<form method="post" action="/wizard/2">{carried}{_person()}{_message()}
<button type="submit">Send report</button></form>""",
    )


def _person() -> str:
    return """<label for="name">Your name <span>*</span></label><input id="name" name="name" required>
<label for="email">Email address *</label><input id="email" name="email" type="email" required>
<label for="phone">Phone</label><input id="phone" name="phone" type="tel" pattern="[+0-9 ]*"
title="digits, spaces and +">"""


def _message() -> str:
    return """<label for="subject">Subject</label><input id="subject" name="subject">
<label for="text">Description of the problem *</label><textarea id="text" name="text" required rows="8"></textarea>"""


def _serial(fault: str | None) -> str:
    label, name = ("Certificate identifier", "identifier") if fault == "renamed" else ("Serial number", "serial")
    return f"""<label for="{name}">{label} *</label><input id="{name}" name="{name}" required
pattern="[0-9A-Fa-f:]{{8,60}}" title="hexadecimal digits">"""


def _report(action: str, token: str, fault: str | None) -> str:
    added = captcha = ""
    if fault == "added":
        added = """<label for="relationship">Relationship to the certificate *</label>
<input id="relationship" name="relationship" required>"""
    if fault == "captcha":
        captcha = '<div class="g-recaptcha" data-sitekey="6Lc"></div>'
    return f"""<form method="post" action="{action}">{_person()}
<label for="topic">Topic *</label><select id="topic" name="topic" required><option value="">Please choose</option>
<option value="general">General enquiry</option><option value="cpr">Certificate problem report</option></select>
<fieldset><legend>Type of certificate</legend><label><input type="radio" name="kind" value="tls"> TLS</label>
<label><input type="radio" name="kind" value="smime"> S/MIME</label></fieldset>
{_serial(fault)}{added}{_message()}
<label><input type="checkbox" name="consent" required> I agree to the processing of my data</label>
{captcha}<button type="submit">Send report</button></form>"""


def _state(action: str, token: str, fault: str | None) -> str:
    return f"""<form method="get" action="/search"><input name="q" aria-label="Search"></form>
<form method="post" action="{action}" id="cpr">
<input type="hidden" name="__VIEWSTATE" value="{VIEW_STATE}"><input type="hidden" name="csrf_token" value="{token}">
{_person()}{_serial(fault)}{_message()}
<select name="topic" aria-label="Topic"><option value="general">General</option>
<option value="cpr" selected>Problem report</option></select>
<button type="submit" name="send" value="yes">Send report</button></form>"""


def _upload(action: str, token: str, fault: str | None) -> str:
    return f"""<form method="post" action="{action}" enctype="multipart/form-data">{_person()}{_message()}
<label for="evidence">Evidence</label><input id="evidence" name="evidence" type="file" multiple>
<button type="submit">Send report</button></form>"""


def _wizard(action: str, token: str, fault: str | None) -> str:
    return f"""<form method="post" action="{action}"><fieldset><legend>What is the matter?</legend>
<label><input type="radio" name="matter" value="key" required> A private key is compromised</label>
<label><input type="radio" name="matter" value="other"> Another problem with a certificate</label></fieldset>
<button type="submit">Continue</button></form>"""


def _app(action: str, token: str, fault: str | None) -> str:
    more = (_serial(fault) + _person() + _message()).replace("\n", " ")
    return f"""<div id="root">Loading</div><template id="more">{more}</template>
<script nonce="form">
setTimeout(() => {{
  root.innerHTML = `<form novalidate><label for="topic">How can we help? *</label><select id="topic" name="topic">
    <option>Please choose</option><option>Sales</option><option>Certificate problem report</option></select>
    <div id="rest"></div><p role="alert" id="words"></p><button>Send report</button></form>`;
  topic.onchange = () => rest.replaceChildren(
    ...(topic.selectedIndex == 2 ? [more.content.cloneNode(true)] : []));
  const form = root.firstChild;
  form.onsubmit = async event => {{
    event.preventDefault();
    const bad = form.querySelector(":invalid:not(fieldset)");
    if (bad) {{ words.textContent = "Please fill in: " + bad.labels[0].textContent.replace(" *", ""); return; }}
    const answer = await fetch("{action}", {{method: "POST", body: new FormData(form)}});
    const text = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main p");
    if (text.className == "error") words.textContent = text.textContent; else root.replaceChildren(text);
  }};
}}, 30);
</script>"""
