"""Who a push is taken to come from: what surroundings, push options and the hook of a client say."""

from pathlib import Path

import pytest

from signalbox.client import Refused
from signalbox.git_guard.pusher import Pusher, key_of, pusher_of, pusher_of_push
from signalbox.hook.memory import memory_of

ONE, TWO = "sess_" + "0" * 25 + "1", "sess_" + "0" * 25 + "2"


def test_the_surroundings_name_a_session_its_life_and_a_token() -> None:
    known = {"SIGNALBOX_SESSION": ONE, "SIGNALBOX_INCARNATION": "3", "SIGNALBOX_TOKEN": "17"}
    assert pusher_of(known) == Pusher(ONE, 3, "17")
    assert pusher_of({**known, "SIGNALBOX_INCARNATION": ""}) == Pusher(ONE, 1, "17")
    for lacking in ("SIGNALBOX_SESSION", "SIGNALBOX_TOKEN"):
        with pytest.raises(Refused, match="nobody says"):
            pusher_of({**known, lacking: ""})
    with pytest.raises(Refused, match="is not SESSION/INCARNATION/TOKEN"):
        pusher_of({**known, "SIGNALBOX_TOKEN": "17; rm"})


def test_an_option_of_the_push_counts_before_its_surroundings() -> None:
    option = Pusher(TWO, 2, "9").option
    known = {"SIGNALBOX_SESSION": ONE, "SIGNALBOX_TOKEN": "17", "GIT_PUSH_OPTION_COUNT": "2"}
    given = {**known, "GIT_PUSH_OPTION_0": "ci.skip", "GIT_PUSH_OPTION_1": option}
    assert pusher_of_push(given) == Pusher(TWO, 2, "9")
    assert pusher_of_push(known) == Pusher(ONE, 1, "17")
    with pytest.raises(Refused, match="two sessions"):
        pusher_of_push({**given, "GIT_PUSH_OPTION_0": Pusher(ONE, 1, "1").option})
    with pytest.raises(Refused) as refused:
        pusher_of_push({"GIT_PUSH_OPTION_COUNT": "x"})
    assert "--push-option" in refused.value.next


def test_a_client_with_a_hook_pushes_as_the_session_that_the_hook_keeps(tmp_path: Path) -> None:
    known = {"SIGNALBOX_HOOK_CACHE": str(tmp_path), "CLAUDE_CODE_SESSION_ID": "abc"}
    with pytest.raises(Refused):
        pusher_of(known)
    memory = memory_of(str(tmp_path), "claude", "abc", "")
    memory.begin(ONE, 2)
    memory.keep("9", ["exclusive path:r//a"])
    memory.keep("12", ["exclusive path:r//b"])
    assert memory.save()
    assert pusher_of(known) == Pusher(ONE, 2, "12")
    own = {"SIGNALBOX_SESSION": TWO, "SIGNALBOX_TOKEN": "5"}
    assert pusher_of({**known, **own}) == Pusher(TWO, 1, "5")


def test_a_host_that_should_tell_the_pusher_has_to() -> None:
    assert key_of({}, None) == ""
    assert key_of({"WHO": "key_x"}, "WHO") == "key_x"
    with pytest.raises(Refused, match="does not tell who pushes"):
        key_of({}, "WHO")
