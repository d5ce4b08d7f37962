"""What happens in the soak, each a function of the world: it lasts some seconds and leaves nothing behind."""

from __future__ import annotations

import resource
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage

import httpx
from imapclient.exceptions import IMAPClientError
from soak.languages import YAML, mail
from soak.verdict import events
from soak.world import World


def killed(world: World) -> None:
    """kill -9."""
    world.kill()


def frozen(world: World) -> None:
    """SIGSTOP for some seconds, as a machine that is suspended."""
    world.signal(signal.SIGSTOP)
    time.sleep(world.rng.uniform(0.5, 4.0))
    world.signal(signal.SIGCONT)


def clock_set(world: World) -> None:
    """The clock jumps, and is right again later."""
    world.step_clock(world.rng.choice([-86400.0, -3600.0, -600.0, -2.0, 2.0, 90.0, 600.0, 3600.0, 86400.0]))
    time.sleep(world.rng.uniform(1.0, 6.0))
    world.step_clock(0.0)


def disk_full(world: World) -> None:
    """No file can grow."""
    pid = world.running.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (64, before[1]))
    time.sleep(world.rng.uniform(1.0, 6.0))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def reload_storm(world: World) -> None:
    """Good and bad files in turns, by signal and by request."""
    for _ in range(world.rng.randint(3, 20)):
        good = world.rng.random() < 0.5
        bad = YAML.case(world.rng) if world.rng.random() < 0.5 else world.good_text.replace("20s", "-1s").encode()
        world.path.write_bytes(world.good_text.encode() if good else bad)
        if world.rng.random() < 0.7:
            world.signal(signal.SIGHUP)
        else:
            _asked(world, "POST", "/-/reload")
        time.sleep(world.rng.uniform(0.0, 0.3))
    world.path.write_text(world.good_text, encoding="utf-8")


def forged(world: World) -> None:
    """Marks that nobody made, and copies of one that is on its way."""
    messages = []
    marks = [str(event["body"]["mark"]) for event in events(world.folder, "scheduled")[-20:]]
    for number in range(world.rng.randint(10, 60)):
        mark = world.rng.choice(marks) if marks and number % 3 else "".join(world.rng.choices("abcdefghij234567", k=40))
        if number % 3 == 2:
            mark = mark[:-1] + ("a" if mark[-1] != "a" else "b")
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "stranger@evil.test", "desk@ca.test", f"re {mark}"
        message["Message-ID"], message["X-Soak"] = f"<{mark}.{world.foreign}@evil.test>", "forged"
        message.set_content(f"{mark}\n")
        world.foreign += 1
        messages.append(message.as_bytes())
    _deliver(world, messages)


def hostile_mail(world: World) -> None:
    """Messages that break parsers, and strangers' messages in heaps."""
    language = mail("a" * 40)
    messages = [b"X-Soak: large\r\nSubject: x\r\n\r\n" + b"x" * 70 * (1 << 14)]
    for _ in range(world.rng.randint(5, 40)):
        raw = language.case(world.rng).replace(b"\0", b"").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        messages.append(b"X-Soak: hostile\r\n" + raw)
    _deliver(world, messages)


def _deliver(world: World, messages: list[bytes]) -> None:
    """Put messages where they are looked for; without those that Dovecot does not take, and none while it is away."""
    with suppress(IMAPClientError, OSError), world.ca.session("desk") as client:
        for raw in messages:
            with suppress(IMAPClientError):
                client.append(world.rng.choice(["CPR", "INBOX", "General"]), raw)


def held(world: World) -> None:
    """The mail system keeps what it took for some seconds."""
    world.ca.hold()
    time.sleep(world.rng.uniform(1.0, 5.0))
    world.ca.release()


def web_abused(world: World) -> None:
    """Connections that are held, slow heads, foreign pages, noise; and an honest scrape meanwhile."""
    host, port = world.address.removeprefix("http://").split(":")
    held_open = []
    for number in range(world.rng.randint(50, 400)):
        with suppress(OSError):
            connection = socket.create_connection((host, int(port)), timeout=5)
            held_open.append(connection)
            connection.sendall(
                [b"", b"GET /metrics HTTP/1.1\r\nHost: ", world.rng.randbytes(40), b"\x16\x03\x01"][number % 4]
            )
    for headers in ({"Host": "evil.test"}, {"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        status = _asked(world, "POST", "/-/reload", headers)
        assert status in (403, None), f"a stranger's page got {status}"
    assert _asked(world, "GET", "/metrics") in (200, None)
    for connection in held_open:
        connection.close()


def _asked(world: World, method: str, path: str, headers: dict[str, str] | None = None) -> int | None:
    """The status of an answer; None if there is none, for the canary may be frozen or ending."""
    try:
        return httpx.request(method, world.address + path, headers=headers, timeout=20).status_code
    except httpx.TransportError:
        return None


def mail_server_restarted(world: World) -> None:
    """Dovecot goes and comes."""
    world.ca.dovecot.restart()


Happening = Callable[[World], None]
ALL: dict[Happening, int] = {
    killed: 3,
    frozen: 3,
    clock_set: 3,
    disk_full: 2,
    reload_storm: 3,
    forged: 3,
    hostile_mail: 3,
    held: 2,
    web_abused: 3,
    mail_server_restarted: 1,
}
"""What may happen, and how often beside the others."""
