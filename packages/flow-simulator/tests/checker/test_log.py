from pathlib import Path

from flow_simulator.checker import Answered, Log, Posting, read_logs


def posting(serial: int, at_ns: int) -> Posting:
    message = {"type": "delete-nodes", "ids": ["\u2028", "a\nb"]}
    return Posting(writer="w", serial=serial, flow="f", messages=(message,), at_ns=at_ns)


def test_entries_come_back_in_the_order_of_time(tmp_path: Path) -> None:
    first, second, third = (
        posting(1, 10),
        Answered(writer="w", serial=1, at_ns=20, status=200),
        posting(2, 30),
    )
    with Log(tmp_path / "one") as one, Log(tmp_path / "two") as two:
        one.write(third)
        two.write(first)
        two.write(second)
    assert read_logs([tmp_path / "one", tmp_path / "two"]) == [first, second, third]
    assert two.entries == [first, second]


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    for serial in (1, 2):
        with Log(tmp_path / "log") as log:
            log.write(posting(serial, serial))
    assert [entry.at_ns for entry in read_logs([tmp_path / "log"])] == [1, 2]


def test_half_a_line_at_the_end_is_left_out(tmp_path: Path) -> None:
    with Log(tmp_path / "log") as log:
        log.write(posting(1, 1))
    whole = (tmp_path / "log").read_bytes()
    (tmp_path / "log").write_bytes(whole + whole[:20])
    assert len(read_logs([tmp_path / "log"])) == 1


def test_an_entry_is_in_the_file_before_the_log_is_closed(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    log.write(posting(1, 1))
    assert len(read_logs([tmp_path / "log"])) == 1
    log.close()
