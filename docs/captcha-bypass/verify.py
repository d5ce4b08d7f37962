"""Whether a request is the CPR Canary's, and goes by the CAPTCHA. For the CA's side: Python 3.8 or later, nothing else.

One Verifier for the whole process; several processes share no memory, so that each takes a header once. In Django:

    verifier = Verifier(open("/etc/cpr-canary-bypass.key").read().strip())
    by = verifier.lets_by(request.headers.get(HEADER, ""), request.method, request.get_host(), request.path)

Only the CAPTCHA is left out for it; everything else (validation, mail, ticket) stays as it is for everybody.
"""

import hmac
import re
import threading
import time

HEADER = "CPR-Canary-Bypass"
_FORM = re.compile(r"v1\.([0-9]{1,12})\.([0-9a-f]{16})\.([0-9a-f]{64})")


class Verifier:
    """Takes each signed header once, for its own request, and until it expires."""

    def __init__(self, key: str, longest: float = 300.0) -> None:
        """``longest`` is how many seconds a header may be ahead of our clock: more was never agreed."""
        if len(key) < 32:
            raise ValueError("the key is too short; want 32 characters at least")
        self._key, self._longest = key.encode(), longest
        self._used: dict = {}
        self._lock = threading.Lock()

    def lets_by(self, header: str, method: str, host: str, path: str, now: float = 0.0) -> bool:
        """``host`` is the Host header; ``path`` is as it was sent, percent signs included, without ``?`` and the rest."""
        found = _FORM.fullmatch(header)
        if found is None:
            return False
        expires, nonce, mac = found.groups()
        said = "\n".join(["v1", expires, nonce, method.upper(), host.lower(), path])
        own = hmac.new(self._key, said.encode("utf-8", "replace"), "sha256").hexdigest()
        now = now or time.time()
        if not hmac.compare_digest(own, mac) or not now <= int(expires) <= now + self._longest:
            return False
        with self._lock:  # what is kept was signed by the key, so nobody else can fill it up
            self._used = {known: until for known, until in self._used.items() if until >= now}
            fresh = nonce not in self._used
            self._used[nonce] = int(expires)
        return fresh
