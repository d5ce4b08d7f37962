"""The Debian programs that the tests drive: what is missing, and how to install it.

Run it as a program: ``python tests/servers/debian.py`` says what is missing (exit status 1 if anything is),
``python tests/servers/debian.py --install`` installs it; both only of the packages named after that, if any are. Needs
nothing but the standard library.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def _library(name: str) -> tuple[str, ...]:
    """Where Debian keeps a shared library, by machine."""
    return tuple(f"/usr/lib/{machine}-linux-gnu/{name}" for machine in ("x86_64", "aarch64"))


BESIDE = Path("/opt/cpr-canary-tests")
"""Where those are unpacked that Debian installs only in place of another one that is needed, too."""
UNPACKED = ("cyrus-imapd", "courier-imap")
"""Debian has one IMAP server at a time. What they depend on is installed with ``cyrus-common`` and ``courier-base``."""

PACKAGES: dict[str, tuple[str, ...]] = {
    "postfix": ("/usr/sbin/postfix",),
    "dovecot-core": ("/usr/sbin/dovecot",),
    "dovecot-imapd": ("/usr/lib/dovecot/imap",),
    "dovecot-lmtpd": ("/usr/lib/dovecot/lmtp",),
    "dovecot-sieve": ("/usr/bin/sievec",),
    "rspamd": ("/usr/bin/rspamd",),
    "opendkim": ("/usr/sbin/opendkim",),
    "dnsmasq-base": ("/usr/sbin/dnsmasq",),
    "unbound": ("/usr/sbin/unbound",),
    "opendmarc": ("/usr/sbin/opendmarc",),
    "cyrus-common": ("/usr/lib/cyrus/bin/master",),
    "cyrus-imapd": (f"{BESIDE}/cyrus-imapd/usr/lib/cyrus/bin/imapd",),
    "courier-base": ("/usr/bin/maildirmake.courier",),
    "courier-imap": (f"{BESIDE}/courier-imap/usr/bin/imapd",),
    "mailman3": ("/usr/lib/mailman3/bin/mailman",),
    "request-tracker5": ("/usr/share/request-tracker5/lib/RT.pm",),
    "rt5-standalone": ("/usr/share/perl5/Starlet.pm",),
    "rt5-db-sqlite": _library("perl5/5.36/DBD/SQLite.pm"),
    "rt5-clients": ("/usr/bin/rt-mailgate-5",),
    "redmine": ("/usr/share/redmine/config.ru",),
    "redmine-sqlite": ("/usr/share/doc/redmine-sqlite/copyright",),
    "dbconfig-no-thanks": ("/usr/share/doc/dbconfig-no-thanks/copyright",),  # makes no database while it is installed
    "chromium": ("/usr/bin/chromium", "/usr/bin/google-chrome"),
    "fonts-dejavu-core": ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",),
    "libatomic1": ("/usr/lib/x86_64-linux-gnu/libatomic.so.1", "/usr/lib/aarch64-linux-gnu/libatomic.so.1"),
    "libpango-1.0-0": _library("libpango-1.0.so.0"),  # it, and the next three: PDF by weasyprint
    "libpangoft2-1.0-0": _library("libpangoft2-1.0.so.0"),
    "libharfbuzz0b": _library("libharfbuzz.so.0"),
    "libharfbuzz-subset0": _library("libharfbuzz-subset.so.0"),
    "poppler-utils": ("/usr/bin/pdftoppm",),
    "prometheus": ("/usr/bin/promtool",),
    "prometheus-alertmanager": ("/usr/bin/prometheus-alertmanager",),
    "softhsm2": ("/usr/bin/softhsm2-util",),
    "openssl": ("/usr/bin/openssl",),
    "faketime": ("/usr/bin/faketime",),
    "prometheus-mailexporter": ("/usr/bin/mailexporter",),
    "systemd": ("/usr/bin/systemd-analyze",),
    "nginx": ("/usr/sbin/nginx",),
    "libnginx-mod-http-js": ("/usr/lib/nginx/modules/ngx_http_js_module.so",),
}
"""Package -> the files that show it is there; any one of them will do."""

POLICY = Path("/usr/sbin/policy-rc.d")


def missing(wanted: Iterable[str] = PACKAGES) -> list[str]:
    """The packages of which no file is there, in the order of ``wanted``. Raises KeyError for one not in the table."""
    return [package for package in wanted if not any(Path(file).exists() for file in PACKAGES[package])]


def install_commands(packages: list[str]) -> list[list[str]]:
    """The commands that install these packages without asking and without their recommendations."""
    installed = [package for package in packages if package not in UNPACKED]
    unpacked = [package for package in packages if package in UNPACKED]
    apt = ["apt-get", "-y", "-o", "DPkg::Lock::Timeout=600"]
    commands = [[*apt, "install", "--no-install-recommends", *installed]] if installed else []
    for package in unpacked:
        folder = f"{BESIDE}/{package}"
        unpack = f"mkdir -p {folder} && cd {folder} && apt-get download {package} && dpkg-deb -x {package}_*.deb ."
        commands.append(["sh", "-c", unpack])
    return commands


def explain(packages: list[str]) -> str:
    """What is missing, and the exact lines that install it as root."""
    lacking = "\n".join(f"  {package}: none of {', '.join(PACKAGES[package])}" for package in packages)
    lines = [shlex.join(command) for command in install_commands(packages)]
    lines = ["apt-get update", *(f"DEBIAN_FRONTEND=noninteractive {line}" for line in lines)]
    return f"The tests need these Debian packages:\n{lacking}\nInstall them as root:\n  " + " && ".join(lines)


@contextmanager
def no_daemons() -> Iterator[None]:
    """Keep Debian from starting the daemons it installs: the tests start their own, privately."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink()


def install(packages: list[str]) -> str | None:
    """Install the packages; the reason if that was not possible."""
    if os.geteuid() != 0:
        return "this is not root"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with no_daemons():
        for command in (["apt-get", "-o", "DPkg::Lock::Timeout=600", "update"], *install_commands(packages)):
            try:
                done = subprocess.run(command, env=environment, check=False)
            except FileNotFoundError:
                return "there is no apt-get: this is no Debian"
            if done.returncode != 0:
                return f"`{' '.join(command)}` ended with status {done.returncode}; is there a network?"
    return None


def main(arguments: list[str]) -> int:
    """Say or install what is missing; 0 if everything is there in the end."""
    wanted = [argument for argument in arguments if argument != "--install"] or PACKAGES
    packages = missing(wanted)
    reason = install(packages) if packages and "--install" in arguments else None
    if packages := missing(wanted):
        sys.stderr.write(f"{explain(packages)}\n" + (f"It could not be installed: {reason}.\n" if reason else ""))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
