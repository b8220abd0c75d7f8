"""`komet tell LNTRACE` against a server that is played by hand: pages of traffic, losses, repeats, a hostile server."""

import json
import os
import subprocess

import pytest

from test_tell import KOMET, make_server, tell  # noqa: F401 (make_server is the fixture `serve`)
from wire_server import ANSWER, field, frame

OPENED, RECEIVED, SENT, CLOSED = 1, 2, 3, 4
STARTDT_ACT, STARTDT_CON = bytes.fromhex("680407000000"), bytes.fromhex("68040b000000")
POINT = bytes.fromhex("680e0000000001010300010064000001")  # 100 on, in the standard order
NOW_MS = 1_700_000_000_000
PARTNER = "10.0.0.1:2404"
OWN = "10.0.0.9:4711"


def connection(number=1, line="L.RTU", sinaut=False, local=b"\x0a\0\0\x09", remote=b"\x0a\0\0\x01"):
    return field(1, number) + field(2, line) + field(3, local) + field(4, 4711) + field(5, remote) + field(6, 2404) + field(
        7, int(sinaut))


def record(kind, octets=b"", received=0, sent=0, number=1, first=False, reason=""):
    """The first of a page has its absolute time and sequence number (1); the others follow at once."""
    return (field(1, number) + field(2, kind) + field(3, 2 * NOW_MS if first else 0) + field(4, received) + field(5, sent) +
            field(6, octets) + field(7, reason) + field(8, 1))


def page(records, connections=(connection(),), lost=0, dropped=0, instance=1, run=7):
    return (b"".join(field(2, one) for one in connections) + b"".join(field(3, one) for one in records) + field(5, lost) +
            field(6, dropped) + field(7, "SELF.KOM") + field(8, instance) + field(9, run))


def tracing(*pages, end=True):
    """A script: greets, and answers one question with these pages of traffic."""

    def script(console):
        console.welcome()
        number, _, _ = console.take_ask()
        for one in pages:
            console.send(frame(ANSWER, field(1, number) + field(6, one)))
        if end:
            console.answer(number, end=True)
            console.wait_for_end()

    return script


def usual(**more):
    return page([record(OPENED, first=True), record(SENT, STARTDT_ACT), record(RECEIVED, STARTDT_CON + POINT[:5], sent=6),
                 record(RECEIVED, POINT[5:], received=11, sent=6), record(CLOSED, received=22, sent=6, reason="peer-closed")],
                **more)


def test_frames_as_lines(serve):
    done = tell(serve(tracing(usual())), "LNTRACE", "L.RTU")
    assert done.returncode == 0 and done.stderr == ""
    at = "2023-11-14T22:13:20.000"
    assert done.stdout.splitlines() == [
        f"L.RTU,1 opened {at}Z {OWN} -> {PARTNER}",
        f"L.RTU,1 sent {at}000Z {OWN} -> {PARTNER} U STARTDT act",
        f"L.RTU,1 received {at}000Z {PARTNER} -> {OWN} U STARTDT con",
        f"L.RTU,1 received {at}000Z {PARTNER} -> {OWN} I 0 0 M_SP_NA_1 spontaneous CA 1: 100=on",
        f"L.RTU,1 closed {at}Z {OWN} -> {PARTNER} peer-closed",
    ]


def test_frames_as_json_have_what_dump_has(serve, tmp_path):
    server = serve(tracing(usual()))
    lines = [json.loads(line) for line in tell(server, "-o", "json", "LNTRACE", "L.RTU").stdout.splitlines()]
    path = tmp_path / "x.pcap"
    assert tell(serve(tracing(usual())), "LNTRACE", "L.RTU", "SAVE", str(path)).returncode == 0
    dump = subprocess.run([KOMET, "dump", "--json", str(path)], capture_output=True, text=True, timeout=60, check=True)
    whose = {"line": "L.RTU", "process": "SELF.KOM", "instance": 1}
    frames = [line for line in lines if "event" not in line]
    assert [{**whose, "direction": frame["direction"], **line}
            for frame, line in zip(frames, map(json.loads, dump.stdout.splitlines()))] == frames
    assert lines[0] == {**whose, "event": "opened", "time": "2023-11-14T22:13:20.000Z", "source": OWN, "destination": PARTNER,
                        "reason": None}
    assert lines[-1]["event"] == "closed" and lines[-1]["reason"] == "peer-closed"


def test_the_order_of_the_line(serve):
    point = bytearray(POINT)
    point[10:12], point[12:15] = b"\x00\x01", b"\x00\x00\x64"
    one = page([record(RECEIVED, bytes(point), first=True)], connections=(connection(sinaut=True),))
    assert "CA 1: 100=on" in tell(serve(tracing(one)), "LNTRACE", "L.RTU").stdout


@pytest.mark.parametrize("words, octets", [("HEX", "68 04 07 00 00 00"), ("DEC", "104 4 7 0 0 0")])
def test_octets(serve, words, octets):
    one = page([record(SENT, STARTDT_ACT, first=True)])
    done = tell(serve(tracing(one)), "LNTRACE", "L.RTU", words)
    assert done.stdout.endswith(f"{OWN} -> {PARTNER} {octets}\n")
    done = tell(serve(tracing(one)), "-o", "json", "LNTRACE", "L.RTU", words)
    assert json.loads(done.stdout)["octets"] == octets


def test_what_is_missing_is_told(serve):
    pages = [page([record(SENT, STARTDT_ACT, first=True)], dropped=17),
             page([record(SENT, STARTDT_ACT, sent=106, first=True) + field(8, 2)], lost=4, dropped=21)]
    done = tell(serve(tracing(*pages)), "-o", "json", "LNTRACE", "L.RTU")
    assert done.returncode == 0
    frames = [json.loads(line) for line in done.stdout.splitlines()]
    assert [frame.get("error", "") for frame in frames] == ["", "gap: 100 octets are missing in the trace", ""]
    assert done.stderr.splitlines() == [
        "komet tell: SELF.KOM,1: 17 older records of its traffic made room for newer ones",
        "komet tell: SELF.KOM,1: more traffic than this trace can take: records are left out",
        "komet tell: SELF.KOM,1: 4 records were left out",
    ]


def test_after_a_lost_connection_nothing_comes_twice(serve):
    again = page([record(OPENED, first=True), record(SENT, STARTDT_ACT), record(RECEIVED, STARTDT_CON, sent=6),
                  record(RECEIVED, POINT, received=6, sent=6)])
    done = tell(serve(tracing(page([record(OPENED, first=True), record(SENT, STARTDT_ACT)]), end=False), tracing(again)),
                "-o", "json", "LNTRACE", "L.RTU")
    assert done.returncode == 0 and "trying again" in done.stderr
    assert [frame.get("function") or frame.get("format") or frame["event"]
            for frame in map(json.loads, done.stdout.splitlines())] == ["opened", "STARTDT act", "STARTDT con", "I"]


def test_another_run_is_not_taken_for_the_same(serve):
    pages = [usual(run=7), usual(run=8), usual(instance=2)]
    done = tell(serve(tracing(*pages)), "-o", "json", "LNTRACE", "L.RTU")
    assert [frame["instance"] for frame in map(json.loads, done.stdout.splitlines())] == [1] * 10 + [2] * 5


def test_a_capture_without_traffic(serve, tmp_path):
    path = tmp_path / "none.pcap"
    done = tell(serve(tracing()), "-o", "json", "LNTRACE", "L.RTU", "SAVE", str(path))
    assert json.loads(done.stdout) == {"file": str(path), "packets": 0, "octets": 0, "missing": 0, "first": None, "last": None}
    assert path.stat().st_size == 24


def test_a_file_that_cannot_be_written(serve, tmp_path):
    done = tell(serve(tracing(usual())), "LNTRACE", "L.RTU", "SAVE", str(tmp_path / "no" / "x.pcap"))
    assert done.returncode == 1 and "No such file" in done.stderr
    if os.path.exists("/dev/full"):
        done = tell(serve(tracing(usual())), "LNTRACE", "L.RTU", "SAVE", "/dev/full")
        assert done.returncode == 1 and "No space left" in done.stderr


def test_there_is_no_csv(serve):
    server = serve(tracing(usual()))
    done = tell(server, "-o", "csv", "LNTRACE", "L.RTU")
    assert done.returncode == 2 and "json" in done.stderr
    assert server.connections == 0


@pytest.mark.parametrize("bad", [
    page([record(SENT, STARTDT_ACT, number=2, first=True)]),  # of a connection that is not in the page
    page([record(9, first=True)]),
    page([record(SENT, first=True)]),
    page([record(OPENED, STARTDT_ACT, first=True)]),
    page([record(SENT, bytes(70000), first=True)]),
], ids=["unknown connection", "unknown kind", "without octets", "with octets", "too long"])
def test_traffic_that_cannot_be(serve, bad):
    done = tell(serve(tracing(bad, end=False)), "LNTRACE", "L.RTU")
    assert done.returncode == 1 and "is it a Komet server?" in done.stderr


def test_names_are_harmless(serve):
    done = tell(serve(tracing(usual(connections=(connection(line="L.\x1b[2J\""),)))), "LNTRACE", "*")
    assert "\x1b" not in done.stdout and "\\x1b" in done.stdout
    done = tell(serve(tracing(usual(connections=(connection(line="L.\x1b[2J\""),)))), "-o", "json", "LNTRACE", "*")
    assert json.loads(done.stdout.splitlines()[0])["line"] == 'L.\x1b[2J"'


def test_addresses_of_both_families_and_none(serve):
    six = bytes.fromhex("20010db8000000000000000000000001")
    connections = (connection(1, local=six, remote=six), connection(2, local=b"", remote=b""))
    done = tell(serve(tracing(page([record(OPENED, first=True), record(OPENED, number=2)], connections=connections))),
                "LNTRACE", "*")
    assert "[2001:db8::1]:4711 -> [2001:db8::1]:2404" in done.stdout and "0.0.0.0:4711 -> 0.0.0.0:2404" in done.stdout
