"""Clean-up takes away what is ours and verified, and never anything else."""

from __future__ import annotations

import json

import pytest
from queues.conftest import Watch, forge, looked, plain_server
from queues.mails import mail, raw
from queues.recording_intake import RecordingIntake
from queues.tap import Tap
from servers.ca_site import CaSite, User
from servers.polling import until


@pytest.mark.parametrize("how", ["delete", "move"])
@pytest.mark.parametrize("capability", [b"", b" UIDPLUS", b" MOVE"])
def test_only_our_own_verified_messages_are_cleaned_up(
    site: CaSite, intake: RecordingIntake, desk: User, watch: Watch, how: str, capability: bytes
) -> None:
    mark, in_body, odd = intake.probe(), intake.probe(), intake.probe()
    ours = raw(mail(f"About {mark}"))
    hidden = raw(mail(body=f"only here {in_body}\n"))
    answer = raw(mail(f"Re: About {mark}", body="we look into it", In_Reply_To=f"<{mark}@persona.test>"))
    forged = raw(mail(f"About {forge(odd)}"))
    strangers = [raw(mail("A real report")), raw(mail("Deleted by its reader, not yet expunged"))]
    for message in (ours, hidden, answer, forged, *strangers):
        site.deliver("desk", message, "CPR")
    with site.session("desk") as client:
        client.create_folder("Done")
        client.select_folder("CPR")
        validity = client.folder_status("CPR", ["UIDVALIDITY"])[b"UIDVALIDITY"]
        client.delete_messages([6])
    for uid in range(1, 7):  # even if the intake offered everything
        intake.offer("desk/CPR", json.dumps({"folder": "CPR", "uidvalidity": validity, "uid": uid}))
    intake.offer("desk/CPR", json.dumps({"folder": "CPR", "uidvalidity": validity + 1, "uid": 5}))
    settings = {"clean_up": how} | ({"clean_up_to": "Done"} if how == "move" else {})
    with Tap(site.imap, replace=(capability or b"\0", b" XXXX")) as tap:
        watch(desk, server=plain_server(site, desk, tap), **settings)

        def remaining() -> list[bytes]:
            return [text for _, flags, text in site.messages("desk", "CPR") if text in strangers or _is_kept(flags)]

        until(lambda: remaining() == [answer, forged, *strangers], "ours gone, and nobody else's")
    moved = [text for _, _, text in site.messages("desk", "Done")]
    assert moved == ([ours, hidden] if how == "move" else [])


def _is_kept(flags: tuple[bytes, ...]) -> bool:
    return b"\\Deleted" not in flags


def test_clean_up_is_off_unless_asked_for(site: CaSite, intake: RecordingIntake, desk: User, watch: Watch) -> None:
    mark = intake.probe()
    site.deliver("desk", raw(mail(f"About {mark}")), "CPR")
    first = watch(desk)
    [found] = until(intake.found, "the report")
    first.stop()
    intake.offer("desk/CPR", found.where)
    watch(desk)
    looked(intake, "cpr")
    assert len(site.messages("desk", "CPR")) == 1
