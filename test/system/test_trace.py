"""LNTRACE on real processes: what was on the wire, live and as a capture file, and nothing is slower for it."""

import collections
import json
import shutil
import signal
import subprocess

import pytest

from komet_site import KOMET, PATIENCE_S, Process, free_port, wait_for
from wire import Wire

LOAD_SECONDS = 8


def load_points(count):
    """Each toggles every 100 ms."""
    return f"""ca: 1
events: 200000
points:
  - {{ioa: 1001, type: 30, count: {count}, toggle: {{period: 100 ms}}, for: {LOAD_SECONDS} s}}
"""


def load_tags(count):
    return "".join(f"M.T{n:04d},Di,{1001 + n},,,\n" for n in range(count))


class Trace(Process):
    """A `komet tell LNTRACE` that goes on; what it prints is in its file."""

    def __init__(self, site, *words):
        super().__init__(f"tell{len(site.processes)}", site.folder, ["tell", "-s", site.server_address, "-o", "json", "LNTRACE", *words])
        site.processes.append(self)

    def frames(self):
        """Whole lines only: the last one may still be on its way."""
        lines = self.text().split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("{")]


def traced(site, *words):
    done = site.run_tell("LNTRACE", *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def asdus(frames):
    return [(frame["direction"], frame["asdu"]["name"], frame["asdu"]["cot"]) for frame in frames if "asdu" in frame]


def test_a_live_trace_shows_an_interrogation(site):
    trace = Trace(site, "L.RTU")
    memory = wait_for(trace.frames, "what is in memory")
    assert memory[0]["event"] == "opened" and memory[0]["line"] == "L.RTU" and memory[0]["instance"] == 1
    assert memory[1]["function"] == "STARTDT act" and memory[1]["direction"] == "sent"
    before = len(trace.frames())
    assert site.tell("INTERROGATE", "B.RTU")["result"] == "done"
    wanted = [("sent", "C_IC_NA_1", 6), ("received", "C_IC_NA_1", 7), ("received", "M_ME_NC_1", 20),
              ("received", "C_IC_NA_1", 10)]

    def has_interrogation():
        seen = iter(asdus(trace.frames()[before:]))
        return all(one in seen for one in wanted)

    wait_for(has_interrogation, "the interrogation in the trace")
    assert site.tell("LNTRACE", "L.RTU", "OFF")["result"] == "done"
    assert trace.popen.wait(PATIENCE_S) == 0


def test_on_shows_only_what_comes_and_for_ends_it(site):
    frames = traced(site, "L.RTU", "ON", "FOR", "1")
    assert frames and not any(frame.get("event") == "opened" for frame in frames)
    assert all(frame["line"] == "L.RTU" for frame in frames)


def test_a_trace_goes_on_over_a_change_of_role(site):
    trace = Trace(site, "L.*", "ON")
    wait_for(trace.frames, "traffic of instance 1")
    site.tell("SET_ACT_INST", "SELF.KOM", "2")
    wait_for(lambda: {frame["instance"] for frame in trace.frames()} == {1, 2}, "traffic of instance 2")

    def closed():
        return [(frame["instance"], frame["reason"]) for frame in trace.frames() if frame.get("event") == "closed"]

    wait_for(closed, "the end of the first connection")
    assert closed() == [(1, "became-passive")]
    trace.signal(signal.SIGINT)
    assert trace.popen.wait(PATIENCE_S) == 0


def test_a_trace_goes_on_when_the_server_was_away(site):
    trace = Trace(site, "L.RTU,1")
    wait_for(trace.frames, "the first frames")
    server = next(process for process in site.processes if process.name == "server")
    server.signal(signal.SIGKILL)
    server.popen.wait(PATIENCE_S)
    wait_for(lambda: "lost" in trace.text(), "the console notices")
    site.start_server()
    wait_for(lambda: site.active() is not None, "an instance is active again")
    if site.active() == 2:
        site.tell("SET_ACT_INST", "SELF.KOM", "1")

    def numbers():
        return [frame["ns"] for frame in trace.frames() if frame.get("direction") == "received" and "ns" in frame]

    wait_for(lambda: numbers().count(0) == 2, "the second connection")
    events = [frame["event"] for frame in trace.frames() if "event" in frame]
    assert events == ["opened", "closed", "opened"]  # each once, though the memory came twice
    first = numbers()[:numbers().index(0, 1)]
    assert first == list(range(len(first)))


# ---- the capture file ----


def tshark(path, *fields):
    """Rows of fields, of packets with octets."""
    run = subprocess.run(["tshark", "-r", str(path), "-Y", "tcp.len > 0", "-o", "tcp.check_checksum:TRUE", "-T", "fields",
                          *(part for field in fields for part in ("-e", field))],
                         capture_output=True, text=True, timeout=60, check=True)
    return [line.split("\t") for line in run.stdout.splitlines()]


def dumped(path):
    run = subprocess.run([KOMET, "dump", "--json", str(path)], capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def without(frame, *members):
    return {name: value for name, value in frame.items() if name not in members}


@pytest.fixture(name="wired")
def site_behind_a_wire(new_site):
    """As the site of the other tests; every octet between instances and station is seen by the test."""
    site = new_site()
    station = free_port()
    site.start("station", "sim", "rtu.sim.yaml", "--listen", f"127.0.0.1:{station}")
    site.wire = Wire(site.station_port, station)
    site.start_server()
    site.start_kom(1)
    wait_for(lambda: site.active() == 1, "instance 1 is active")
    site.start_kom(2)
    wait_for(lambda: site.instance(2), "instance 2 is connected")
    wait_for(lambda: site.value("M.U")["status"] == "Valid", "the first value")
    yield site
    site.wire.end()


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_the_capture_file_has_exactly_the_octets(wired):
    site = wired
    assert site.tell("SET", "M.P.SET", "42.5")["result"] == "done"
    for number, instance in ((2, 2), (3, 1)):
        site.tell("SET_ACT_INST", "SELF.KOM", str(instance))
        wait_for(lambda count=number: len(site.wire.connections) == count, f"connection {number}")
        # Until the instance has read something on it.
        wait_for(lambda: site.tell("LINE", "L.RTU")[0]["connections"][0]["state"] == "started", f"data on connection {number}")
    site.tell("SET_ACT_INST", "SELF.KOM", "2")
    wait_for(lambda: len(site.wire.connections) == 4, "a fourth connection")
    path = site.folder / "line.pcap"
    saved = site.tell("LNTRACE", "L.RTU,1", "SAVE", str(path))
    assert saved["missing"] == 0 and saved["file"] == str(path)

    ended = [site.wire.connections[0], site.wire.connections[2]]  # of instance 1
    rows = tshark(path, "tcp.stream", "tcp.srcport", "tcp.payload", "tcp.checksum.status", "frame.protocols")
    streams = collections.defaultdict(bytearray)
    for stream, port, payload, checksum, protocols in rows:
        assert checksum == "1" and "iec60870_104" in protocols
        streams[int(stream), int(port) == 2404] += bytes.fromhex(payload)
    assert len(streams) == 4
    for number, kept in enumerate(ended):
        assert streams[number, False] == kept.sent, f"connection {number}: sent"
        # What was on its way when we ended the connection, nobody has read.
        received = streams[number, True]
        assert kept.received[:len(received)] == received and len(received) > 0, f"connection {number}: received"
        assert len(kept.received) - len(received) < 512
    assert saved["octets"] == sum(len(octets) for octets in streams.values())
    assert not tshark_complains(path)

    frames = [frame for frame in traced(site, "L.RTU,1", "LAST") if "event" not in frame]
    ports = {str(site.station_port): "2404"}
    for frame in frames:
        for end in ("source", "destination"):
            host, port = frame[end].rsplit(":", 1)
            frame[end] = f"{host}:{ports.get(port, port)}"
    assert [without(frame, "line", "process", "instance", "direction") for frame in frames] == dumped(path)


def tshark_complains(path):
    run = subprocess.run(["tshark", "-r", str(path), "-Y", "tcp.analysis.flags || _ws.malformed || ip.checksum.status == 0"],
                         capture_output=True, text=True, timeout=60, check=True)
    return run.stdout


def test_hex_has_exactly_the_octets(wired):
    site = wired
    site.tell("SET_ACT_INST", "SELF.KOM", "2")
    wait_for(lambda: len(site.wire.connections) == 2, "a second connection")
    frames = [frame for frame in traced(site, "L.RTU,1", "HEX", "FOR", "1") if "event" not in frame]
    kept = site.wire.connections[0]
    for direction in ("sent", "received"):
        octets = b"".join(bytes.fromhex(frame["octets"]) for frame in frames if frame["direction"] == direction)
        assert getattr(kept, direction)[:len(octets)] == octets
        assert len(getattr(kept, direction)) - len(octets) < 512
    assert all(frame["octets"].startswith("68 ") for frame in frames)


def test_a_live_capture_has_what_came(site):
    path = site.folder / "live.pcap"
    trace = Trace(site, "L.RTU", "ON", "SAVE", str(path), "FOR", "60")
    wait_for(lambda: path.exists() and path.stat().st_size > 500, "packets in the file")
    trace.signal(signal.SIGINT)
    assert trace.popen.wait(PATIENCE_S) == 0
    summary = trace.frames()[-1]
    assert summary["file"] == str(path) and summary["packets"] > 0
    frames = dumped(path)
    assert len(frames) >= summary["packets"] and not any("error" in frame for frame in frames)


# ---- under load ----


def start_loaded(new_site, count, *kom_options):
    site = new_site(points=load_points(count), tags=load_tags(count))
    site.expected = count * LOAD_SECONDS * 10
    site.start_server()
    site.start("kom1", "kom", "-W", "SELF.KOM,1", "-S", site.server_address, *kom_options)
    wait_for(lambda: site.active() == 1, "instance 1 is active")
    site.start_station("--log", "truth.csv")
    return site


def events_of(path):
    if not path.exists():
        return 0
    with open(path, encoding="ascii") as file:
        return sum(1 for _ in file) - 1


def assert_all_stored(site):
    """Every event of the station once, whatever the traces did."""
    wait_for(lambda: events_of(site.folder / "truth.csv") >= site.expected, "all events were generated", seconds=60)
    generated = events_of(site.folder / "truth.csv")

    def stored():
        events = [event for event in site.tell("EVENTS") if event["cot"] == 3]
        assert len(events) <= generated
        return len(events) == generated

    wait_for(stored, f"{generated} events in the journal", seconds=60)


def resident_kib(process):
    with open(f"/proc/{process.popen.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def test_the_memory_is_bounded_and_the_oldest_makes_room(new_site):
    site = start_loaded(new_site, 1500, "--trace-memory", "1")  # 15,000 events/s
    kom = next(process for process in site.processes if process.name == "kom1")
    path = site.folder / "last.pcap"

    def dropped():
        done = site.run_tell("LNTRACE", "L.RTU", "SAVE", str(path))
        return "made room for newer ones" in done.stderr and json.loads(done.stdout)

    first = wait_for(dropped, "the memory is full", seconds=60)
    before = resident_kib(kom)
    assert_all_stored(site)
    last = dropped()
    assert last["first"] > first["first"]
    assert 100_000 < last["octets"] < 1 << 20
    assert resident_kib(kom) - before < 4096
    frames = dumped(path)
    assert len(frames) > 1000
    assert not any("error" in frame for frame in frames[1:])  # the first may be cut


def test_a_console_that_is_killed_or_does_not_read_disturbs_nothing(new_site):
    site = start_loaded(new_site, 200)  # 2,000 events/s
    epoch = site.instance(1)["epoch"]
    killed, stopped = Trace(site, "L.RTU"), Trace(site, "L.RTU", "ON")
    wait_for(lambda: len(killed.frames()) > 100 and len(stopped.frames()) > 100, "both traces show frames")
    killed.signal(signal.SIGKILL)
    stopped.signal(signal.SIGSTOP)
    assert_all_stored(site)
    instance = site.instance(1)
    assert instance["role"] == "active" and instance["epoch"] == epoch
    shown = len(stopped.frames())
    stopped.signal(signal.SIGCONT)
    wait_for(lambda: len(stopped.frames()) > shown, "the one that was stopped goes on")
    stopped.signal(signal.SIGTERM)
    assert stopped.popen.wait(PATIENCE_S) == 0
