"""Every command there is: where it is, and the line of help that stands for it (its docstring begins so)."""

from __future__ import annotations

from collections.abc import Mapping

from canary.cli.lazy import Command, CommandGroup

_FORM = {
    "inspect": Command("form:inspect", "Load a page and print a ready configuration block for the form on it"),
}
_EVIDENCE = {
    "key": Command("evidence:key", "Print the public key (vkey) of the log, and every one that it had before"),
    "rotate-key": Command("evidence:rotate_key", "Have a new key sign, vouched for by the old one"),
    "status": Command("evidence:status", "Show what is signed, time-stamped, cosigned and checked"),
    "check": Command("evidence:check", "Hash the whole ledger again, and compare with all that was signed"),
}
_AUDIT = {
    "report": Command("report:report", "Write a report of a period", extra="audit"),
    "commit": Command("commit:commit", "Bind to the log of a period and to the list of its probes"),
    "sample": Command("sample:sample", "Draw a sample from every probe that was scheduled in the period"),
    "bundle": Command("bundle:bundle", "Write the evidence of a sample of probes as one zip file"),
    "open": Command(
        "opening_sealed:open_sealed", "Open personal addresses and accounts, which the evidence tells sealed"
    ),
    "verify": Command("verify:verify", "Check a bundle"),
    "verify-log": Command("verify_log:verify_log", "Check the whole ledger"),
}
_PROBES = {
    "list": Command("probes:list_", "List the newest probes: where each went, and why"),
    "show": Command("probes:show", "Show every event of one probe, in order, and the files that were kept of it"),
}
_EXCEPTIONS = {
    "list": Command("exceptions:list_", "List the exceptions of a period, oldest first, with their notes"),
    "show": Command("exceptions:show", "Show one exception from the last good probe before it to the first after it"),
    "annotate": Command("exceptions:annotate", "Add a remedy note to an exception"),
}
_RETENTION = {
    "run": Command(
        "retention:run", "Show what is older than the configuration's section retention keeps it, then forget it"
    ),
}

COMMANDS: Mapping[str, Command | CommandGroup] = {
    "demo": Command("demo:demo", "Watch the canary notice seven faults that real CAs had", extra="demo"),
    "check": Command("check:check", "Validate the configuration, then connect"),
    "run": Command("run:run", "Probe every channel on schedule, and serve /metrics, /-/healthy and /-/ready"),
    "probe": Command("probe:probe", "Send one probe now and follow it"),
    "status": Command("status:status", "Show each channel's state, last good probe, and the results of the last day"),
    "pause": Command("control:pause", "Send no probes, to one channel or to all, until resumed"),
    "resume": Command("control:resume", "Take back a pause"),
    "stop-all": Command("control:stop_all", "Throw the kill switch"),
    "silence": Command("silence:silence", "Record that an alert was silenced, by whom, until when and why"),
    "rotate-key": Command("control:rotate_key", "Make marks under a new key from the next start on"),
    "variants": Command("variants:variants", "List the variants of synthetic report"),
    "schema": Command("schema:schema", "Print the JSON Schema of the configuration file"),
    "form": CommandGroup("Work with web forms", _FORM),
    "evidence": CommandGroup("The evidence log: keys, state, self-check", _EVIDENCE),
    "audit": CommandGroup("Evidence for an auditor: reports, samples, bundles", _AUDIT),
    "probes": CommandGroup("Single probes: the newest of a channel, and all that is known of one", _PROBES),
    "exceptions": CommandGroup("Exceptions: consecutive failed probes of a channel", _EXCEPTIONS),
    "retention": CommandGroup("How long evidence is kept", _RETENTION),
}
