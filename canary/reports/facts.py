"""Invented facts for the reports: names under .example and .test, documentation addresses (RFC 5737), random hashes.

Nothing here may be true of anybody: no serial number is ever made up, since it could exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from canary.reports.prose import load

_FIRST = load("names")["first"][0]
_SECOND = load("names")["second"][0]
_SUB = ["", "", "", "www.", "shop.", "mail.", "api.", "portal.", "login.", "cdn.", "vpn.", "support.", "my."]
_FORM = ["Ltd", "GmbH", "SA", "Inc", "BV", "Oy", "AB", "Kft", "AS", "LLC", "Cooperative", "& Sons", "SpA", "Group"]
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_INVENTED_CA = ["Quillmark", "Brisselholm", "Vantorre", "Oskavel", "Lumbrane", "Terrowick", "Fennagard", "Zelmora"]
_NETS = ["192.0.2", "198.51.100", "203.0.113"]
_LINTS = [
    "e_subject_dn_encoding_order", "e_basic_constraints_not_critical", "w_subject_common_name_included",
    "e_sub_cert_aia_missing", "e_ext_san_contains_reserved_name", "w_ext_policy_map_not_critical",
    "e_rsa_mod_less_than_2048_bits", "e_utf8string_too_long", "e_validity_time_not_positive",
    "e_sub_cert_locality_name_must_appear", "w_sub_cert_aia_contains_internal_names", "e_ext_key_usage_without_bits",
    "e_organizational_unit_name_max_length", "e_dnsname_underscore_in_sld", "e_extra_subject_common_names",
]  # fmt: skip
_OCSP = [
    "Responder Error: unauthorized (6)", "Responder Error: trylater (3)", "Responder Error: internalerror (2)",
    "{host}: ERROR: No Status found.", "Response verify OK\n{host}: unknown",
    "Response Verify Failure\nOCSP_basic_verify: signer certificate not found", "Error querying OCSP responder",
    "WARNING: Status times invalid.\n{host}: good\n\tstatus expired",
]  # fmt: skip


class Facts(dict[str, str]):
    """The facts of one report: each is made when a text first asks for it, and stays the same from then on."""

    def __init__(self, rng: Random, known: dict[str, str]) -> None:
        super().__init__(known)
        self.rng = rng

    def __missing__(self, name: str) -> str:
        value = self[name] = _MAKERS[name](self)
        return value


def domain(rng: Random) -> str:
    """A domain that belongs to nobody (RFC 2606)."""
    ending = rng.choice(["example", "example", "test"])
    return f"{rng.choice(_FIRST)}{rng.choice(['', '', '-'])}{rng.choice(_SECOND)}.{ending}"


def host(rng: Random) -> str:
    """A host in such a domain."""
    return rng.choice(_SUB) + domain(rng)


def digest(rng: Random) -> str:
    """64 random hexadecimal digits, shaped like a SHA-256."""
    return f"{rng.getrandbits(256):064x}"


def _organisation(rng: Random) -> str:
    return f"{rng.choice(_FIRST).title()} {rng.choice(_SECOND).title()} {rng.choice(_FORM)}"


def _ca(rng: Random) -> str:
    use = rng.choice(["TLS", "Server", "Web", "Issuing", "SSL", "Secure Server", "EV", "OV"])
    return f"{rng.choice(_INVENTED_CA)} {use} CA {rng.choice(['R', 'G', 'E', ''])}{rng.randint(1, 9)}"


def _link(rng: Random) -> str:
    site = rng.choice(["certsearch", "ctview", "log-search", "certs", "ct"]) + rng.choice(["", "", "-eu", "-web", "2"])
    query = rng.choice(["?q=", "?sha256=", "cert/", "?spkisha256=", "view/"])
    return f"https://{site}.example/{query}{digest(rng)}"


def _url(facts: Facts) -> str:
    path = numbered(facts.rng, ["login", "secure", "account/verify", "parcel", "pay", "update", "session", "id"])
    return f"https://{facts['host']}/{path}"


def numbered(rng: Random, words: Sequence[str]) -> str:
    """A word with a number behind it, as paths and products have."""
    return f"{rng.choice(words)}{rng.choice(['', '', str(rng.randint(2, 99))])}"


def _lint(facts: Facts) -> str:
    rng = facts.rng
    found = rng.sample(_LINTS, rng.randint(1, 4))
    style = rng.choice(
        ["{lint}: {level}", "{level:<6}{lint}", '"{lint}": {{"result": "{level}"}}', "- {lint} ({level})"]
    )
    return "\n".join(style.format(lint=lint, level="error" if lint[0] == "e" else "warn") for lint in found)


def _ocsp(facts: Facts) -> str:
    rng = facts.rng
    issuer = rng.choice(["issuer.pem", "ca.pem", "chain.pem", "int.crt"])
    prompt = rng.choice(["$ ", "# ", "% ", ""])
    order = [
        f"-issuer {issuer}",
        f"-cert {rng.choice(['cert.pem', 'server.crt', 'leaf.pem'])}",
        f"-url http://ocsp.{domain(rng)}",
    ]
    rng.shuffle(order)
    answer = rng.choice(_OCSP).format(host=facts["host"])
    return f"{prompt}openssl ocsp {' '.join(order)}{rng.choice(['', ' -no_nonce', ' -text'])}\n{answer}"


def _crl(facts: Facts) -> str:
    rng = facts.rng
    name, issuer = (
        f"{numbered(rng, ['ca', 'r', 'issuing', 'tls', 'sub'])}.crl",
        rng.choice(["issuer.pem", "ca.pem", "int.pem"]),
    )
    url = f"http://crl.{domain(rng)}/{name}"
    return rng.choice(
        [
            f"curl -s {url} | openssl crl -inform DER -noout -CAfile {issuer}",
            f"wget {url} && openssl crl -in {name} -inform der -CAfile {issuer} -noout\nverify failure",
            f"$ openssl crl -in {name} -CAfile {issuer} -noout\nverify failure",
        ]
    )


def _pair(facts: Facts) -> str:
    rng = facts.rng
    words = rng.choice([("original", "replacement"), ("old", "new"), ("1)", "2)"), ("first", "second"), ("A", "B")])
    return "\n".join(f"{word} {facts['host']} {digest(rng)}" for word in words)


def _batch(facts: Facts) -> str:
    rng = facts.rng
    gap = rng.choice([" ", "\t", "; ", ", ", "  "])
    return "\n".join(f"{host(rng)}{gap}{digest(rng)}" for _ in range(int(facts["count"])))


def _log(facts: Facts) -> str:
    """A monitor's log of about ``size`` bytes; 8 kB, with the HTML beside it, make the 18 kB that once tripped a filter."""
    rng = facts.rng
    states = ["good", "good", "good", "unknown", "timeout", "trylater", "stale", "revoked?", "no answer", "slow"]
    lines, length, second = [], 0, 0
    while length < int(facts.get("size", "8000")):
        second += rng.randint(2, 300)
        line = f"{second:>6} {rng.choice(_NETS)}.{rng.randint(1, 254)} {host(rng)} {rng.choice(states)} {rng.randint(8, 2900)} ms"
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)


_MAKERS: dict[str, Callable[[Facts], str]] = {
    "host": lambda facts: host(facts.rng),
    "other": lambda facts: host(facts.rng),
    "third": lambda facts: host(facts.rng),
    "org": lambda facts: _organisation(facts.rng),
    "ca": lambda facts: _ca(facts.rng),
    "root": lambda facts: (
        f"{facts.rng.choice(_INVENTED_CA)} Root {facts.rng.choice(['CA', 'X', 'R'])}{facts.rng.randint(1, 9)}"
    ),
    "sha": lambda facts: digest(facts.rng),
    "spki": lambda facts: digest(facts.rng),
    "short": lambda facts: facts["spki"][:10],
    "link": lambda facts: _link(facts.rng),
    "links": lambda facts: "\n".join(_link(facts.rng) for _ in range(facts.rng.randint(1, 4))),
    "weekday": lambda facts: facts.rng.choice(_WEEKDAYS),
    "count": lambda facts: str(facts.rng.randint(12, 40)),
    "batchno": lambda facts: str(facts.rng.randint(2, 9)),
    "ip": lambda facts: f"{facts.rng.choice(_NETS)}.{facts.rng.randint(1, 254)}",
    "url": _url,
    "mailbox": lambda facts: (
        f"{facts.rng.choice(['accounts', 'office', 'ceo', 'billing', 'board'])}@{domain(facts.rng)}"
    ),
    "product": lambda facts: numbered(
        facts.rng, [f"{facts.rng.choice(_FIRST)}{end}" for end in ("view", "chat", "pdf", "zip", "meet")]
    ),
    "lint": _lint,
    "ocsp": _ocsp,
    "crl": _crl,
    "pair": _pair,
    "batch": _batch,
    "log": _log,
}
