"""Forms as people make them, one page a kind, and a site that takes what they send."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from servers.answering import Answering

PERSON = """<label for=n>Your name</label><input id=n name=name><br><label for=e>Email</label>
<input id=e name=email type=email><br><label for=d>Description</label><textarea id=d name=text></textarea><br>"""
_SEND = "<button>Send report</button>"
_DOWN = "<style>.off{position:absolute;left:-9999px}.thin{height:0;overflow:hidden}.none{display:none}</style>"


def _form(extra: str, *, before: str = "", after: str = "", person: str = PERSON) -> str:
    """A page with a form of a person, a text, and more."""
    return (
        f"<!doctype html><meta charset=utf-8><title>Report</title>{before}<main><h1>Report a certificate</h1>"
        f"<form method=post>{person}{extra}{_SEND}</form></main>{after}"
    )


_PICKS = """<script>addEventListener("click", e => {
  const option = e.target.closest("[role=option]"), box = e.target.closest("[role=combobox], [aria-haspopup=listbox]");
  if (box) document.getElementById(box.dataset.list).hidden = false;
  if (!option) return;
  document.getElementById("topic").value = option.textContent;
  const list = option.closest("[role=listbox]");
  if (list.dataset.drop) list.hidden = true;
});</script><input type=hidden name=topic id=topic>"""
_OPTIONS = "<li role=option>Certificate problem</li><li role=option>Other</li>"

PAGES: dict[str, str] = {
    # A second field, or button, of the same name, elsewhere on the page.
    "newsletter": _form(
        "",
        after="<footer><form action=/news><label for=e2>Email</label><input id=e2 name=em><button>Subscribe</button>",
    ),
    "search above": _form(
        "",
        before="<header><form action=/find><input name=q aria-label=Description><button>Send report</button></form>"
        "<label>Email <input name=login></label></header>",
    ),
    "without forms": f"""<!doctype html><meta charset=utf-8><div id=r><p>Report</p>{PERSON}<button>Send</button></div>
<footer><label>Email <input name=em></label><button>Send</button></footer><script>
document.querySelector("#r button").onclick = async () => {{
  const body = new URLSearchParams();
  for (const field of document.querySelectorAll("#r input, #r textarea")) body.set(field.name, field.value);
  document.body.innerHTML = await (await fetch("", {{method: "POST", body}})).text();
}}</script>""",
    "for telephones": _form("", before=f"<div class=none>{PERSON.replace('id=', 'id=m')}{_SEND}</div>{_DOWN}"),
    # Fields that nothing is the label of.
    "table": _form(
        "",
        person="<table><tr><td>Your name<td><input name=name><tr><td>E-mail:<td><input name=email>"
        "<tr><td>Description *<td><textarea name=text></textarea></table>",
    ),
    "column heads": _form(
        "",
        person="<table><tr><th>Your name<th>E-mail<tr><td><input name=name><td><input name=email></table>"
        "<dl><dt>Description<dd><textarea name=text></textarea></dl>",
    ),
    "placeholders": _form(
        "",
        person="<input name=name placeholder='Your name *'><input name=email title='E-mail'>"
        "<div><label>Description</label><div><textarea name=text></textarea></div></div>",
    ),
    "names alone": _form("", person="<input name=name><br><input name=email><br><textarea name=text></textarea>"),
    "words before": _form(
        "",
        person="<p>Your name<br><input name=name></p><b>E-mail</b>: <input name=email> Description"
        "<textarea name=text></textarea>",
    ),
    # Boxes that are drawn.
    "box not displayed": _form(
        "<style>#k{display:none}</style><input type=checkbox name=ok id=k required><label for=k>"
        "<span style='display:inline-block;width:20px;height:20px;background:#ccc'></span> I agree</label>"
    ),
    "box under its drawing": _form(
        "<label style='position:relative;display:block;padding-left:30px'><input type=checkbox name=ok required "
        "style='position:absolute;opacity:0;left:0'><i style='position:absolute;left:0;top:0;width:20px;height:20px;"
        "background:#ccc'></i>I agree to <a href=/terms>the terms</a></label>"
    ),
    "box of one pixel": _form(
        "<input type=checkbox name=ok id=k required style='position:absolute;width:1px;height:1px;overflow:hidden;"
        "clip:rect(0 0 0 0)'><label for=k>I agree</label>"
    ),
    "box that is none": _form(
        "<input type=hidden name=ok><div role=checkbox aria-checked=false aria-required=true tabindex=0 onclick='"
        'this.setAttribute("aria-checked", true); this.previousSibling.value = "on"\'>I agree</div>'
    ),
    # Lists that are drawn.
    "combobox": _form(
        "<div id=l>Topic</div><div role=combobox aria-labelledby=l aria-haspopup=listbox tabindex=0 data-list=lb>"
        f"Select…</div><ul role=listbox id=lb data-drop=1 hidden>{_OPTIONS}</ul>{_PICKS}"
    ),
    "button with a list": _form(
        "<label id=l>Topic *</label><button type=button aria-labelledby=l aria-haspopup=listbox aria-controls=lb "
        f"data-list=lb>Select</button>{_PICKS}",
        after=f"<div role=listbox id=lb data-drop=1 hidden>{_OPTIONS}</div><div role=listbox>{_OPTIONS}</div>",
    ),
    "list made when opened": _form(
        "<label for=c>Topic</label><input id=c role=combobox aria-controls=lb data-list=lb readonly>"
        f"<div role=listbox id=lb data-drop=1 hidden></div>{_PICKS}<script>document.getElementById('c').onclick = "
        f"() => document.getElementById('lb').innerHTML = '{_OPTIONS}'</script>"
    ),
    "list that is there": _form(f"<p id=l>Topic</p><ul role=listbox aria-labelledby=l>{_OPTIONS}</ul>{_PICKS}"),
    "list behind a drawn one": _form(
        "<label for=s>Topic</label><select id=s name=topic required style=display:none><option value=''>Choose</option>"
        "<option>Certificate problem </option><option>Other</option></select><div>Choose ▾</div>"
    ),
    "list of proposals": _form(
        "<label>Topic <input name=topic list=o required></label><datalist id=o><option value=Other>"
        "<option value='Certificate problem'></datalist>"
    ),
    # Radio buttons that nothing is the legend of.
    "radios after words": _form(
        "<p>Topic</p><div><label><input type=radio name=topic value=other required> General enquiry</label><br>"
        "<label><input type=radio name=topic value='Certificate problem'> Certificate problem</label></div>"
    ),
    "radios in a row": _form(
        "<table><tr><td>Topic<td><input type=radio name=topic value=other required>Other "
        "<input type=radio name=topic value='Certificate problem'>Certificate problem</table>"
    ),
    "radios without words": _form(
        "<hr><div><input type=radio name=topic value=other id=r1 required><label for=r1>Other</label>"
        "<input type=radio name=topic value='Certificate problem' id=r2><label for=r2>Certificate problem</label>",
        person=f"<div>{PERSON}</div>",
    ),
    "radios that are none": _form(
        "<input type=hidden name=topic><div role=radiogroup aria-label=Topic><div role=radio aria-checked=false>Other"
        "</div><div role=radio aria-checked=false>Certificate problem</div></div><script>onclick = e => { if ("
        "e.target.role !== 'radio') return; e.target.setAttribute('aria-checked', 'true'); "
        "document.getElementsByName('topic')[0].value = e.target.textContent }</script>"
    ),
    # Traps for robots.
    "trap off the screen": _form(
        f"{_DOWN}<div class=off aria-hidden=true><label for=hp>Company e-mail (leave this empty)</label>"
        "<input id=hp name=extra tabindex=-1 autocomplete=off></div>"
    ),
    "trap not displayed": _form(f"{_DOWN}<p class=none><label>Website <input name=extra></label></p>"),
    "trap in no height": _form(f"{_DOWN}<div class=thin><label>Phone <input name=extra></label></div>"),
    "trap in plain sight": _form("<label>Organisation (bitte leer lassen) <input name=extra></label>"),
    "trap by name": _form("<label>Phone <input id=honeypot name=extra></label>"),
    "trap that no key leads to": _form("<label>Subject <input name=extra tabindex=-1 autocomplete=off></label>"),
    "trap that is clear": _form("<div style=opacity:0><label>Phone <input name=extra></label></div>"),
    # Marks at a label.
    "marks": _form(
        "<label>Kind of problem…<select name=topic required><option>Choose<option>Certificate problem</select></label>",
        person="<label>* Your name: <input name=name required></label><label>Email (Pflichtfeld)*<input name=email>"
        "</label><label>Description (required) :<textarea name=text></textarea></label>",
    ),
    # In a shadow root.
    "shadow": f"""<!doctype html><meta charset=utf-8><h1>Report</h1><x-form></x-form><script>
customElements.define("x-form", class extends HTMLElement {{ connectedCallback() {{
  const root = this.attachShadow({{mode: "open"}});
  root.innerHTML = `<form>{PERSON}<button>Send report</button></form>`;
  root.querySelector("form").onsubmit = async event => {{
    event.preventDefault();
    const body = new URLSearchParams(new FormData(event.target));
    document.body.innerHTML = await (await fetch("", {{method: "POST", body}})).text();
  }};
}}}});</script>""",
    # A form of several pages.
    "two steps": _form(
        "<script>document.querySelector('form').onsubmit = e => { if (document.getElementById('b').hidden) {"
        "document.getElementById('a').remove(); document.getElementById('b').hidden = false;"
        "document.querySelector('form > button').textContent = 'Send report'; return false } };"
        "document.querySelector('form > button').textContent = 'Next'</script>",
        person='<div id=a><label>Your name <input required oninput=\'document.getElementsByName("name")[0].value = '
        "value'></label></div><input type=hidden name=name><div id=b hidden><label>Email <input name=email></label>"
        "<label>What happened? <textarea name=text></textarea></label></div>",
    ).replace("<button>Send report</button>", "<button>Next</button>"),
}
PAGES["closed shadow"] = PAGES["shadow"].replace('"open"', '"closed"')
"""By its name, a page with the fields ``name``, ``email``, ``text``, and maybe ``topic``, ``ok`` or ``extra``; of
``topic``, right is "Certificate problem"."""


class KindsSite(Answering):
    """Shows pages by their names, and thanks for whatever is posted."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self._pages = {name.replace(" ", "-"): page for name, page in pages.items()}
        self.taken: list[dict[str, str]] = []

    def url(self, page: str) -> str:
        """The address of a page."""
        return f"{self.address}/{page.replace(' ', '-')}"

    def answer(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        """The page, or thanks."""
        if body:
            self.taken.append(dict(parse_qsl(body.decode(), keep_blank_values=True)))
            return 200, "text/html", b"<p>Thank you, your report is filed.</p>"
        page = self._pages.get(path.strip("/"))
        return (200, "text/html", page.encode()) if page else (404, "text/html", b"<h1>Not Found</h1>")
