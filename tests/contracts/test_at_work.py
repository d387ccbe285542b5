"""A committer is at work between two commands of a caller who asks again at once."""

from infrastructure.runtime.at_work import REST_SECONDS, AtWork


def test_nobody_is_at_work_before_anything_was_written() -> None:
    assert not AtWork(lambda: False, lambda: 100.0)()


def test_whoever_is_answered_is_at_work_until_he_rests() -> None:
    times = iter((100.0, 100.0 + REST_SECONDS / 2, 100.0 + 2 * REST_SECONDS))
    at_work = AtWork(lambda: False, lambda: next(times))
    at_work.written()
    assert at_work()
    assert not at_work()


def test_while_commands_wait_somebody_is_at_work_however_long_ago_anything_was_written() -> None:
    assert AtWork(lambda: True, lambda: 100.0)()
