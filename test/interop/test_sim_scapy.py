"""`komet sim` against a controlling station made of scapy's IEC 104 layer over a plain socket.

KOMET  the program; without it build/komet
"""

import csv
import datetime
import fcntl
import json
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import termios

import pytest
import scapy.contrib.scada.iec104 as iec104
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap, wrpcap

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "test" / "system"))

from komet_site import KOMET, PATIENCE_S, Process, free_port, wait_for  # noqa: E402

MODULUS = 32768  # of N(S) and N(R)
CAPTURES = PROJECT / "test" / "data" / "captures"

QUIET = """ca: 1
points:
  - {ioa: 1001, type: 30, count: 3, constant: 1}
  - {ioa: 1101, type: 30, constant: 0}
  - {ioa: 2001, type: 31, constant: 2}
  - {ioa: 3001, type: 36, constant: 12.5}
  - {ioa: 4001, type: 37, constant: 77}
  - {ioa: 5001, type: 45, follows: 1101}
"""
TOGGLING = """ca: 1
points:
  - {ioa: 1001, type: 30, count: 4, toggle: {period: 100 ms}, for: 2 s}
"""
TOGGLES = 80


class Station:
    """A running `komet sim`."""

    def __init__(self, folder, *arguments):
        self.port = free_port()
        self.process = Process(f"sim-{self.port}", folder, ["sim", *arguments, "--listen", f"127.0.0.1:{self.port}"])
        wait_for(lambda: "listening on" in self.text() or not self.process.runs(), "the station listens")
        assert self.process.runs(), self.text()

    def text(self):
        return self.process.text()

    def stop(self, number=signal.SIGTERM):
        """Ends it; returns its exit status."""
        self.process.signal(number)
        return self.process.popen.wait(PATIENCE_S)


class Centre:
    """A controlling station. It acknowledges only by its own I formats and by `acknowledge`."""

    def __init__(self, port, start=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.buffer = b""
        self.sent = self.received = self.acknowledged = 0
        self.asdus = []  # octets of all I formats that came
        if start:
            self.send(iec104.IEC104_U_Message(startdt_act=1))
            assert self.next().startdt_con == 1

    def send(self, apdu):
        self.socket.sendall(bytes(apdu))

    def send_i(self, cot, io, ca=1, acknowledge=True):
        """Sends one information object; its frame acknowledges what came, unless it must not."""
        if acknowledge:
            self.acknowledged = self.received
        self.send(iec104.IEC104_I_Message_SingleIOA(
            tx_seq_num=self.sent % MODULUS, rx_seq_num=self.acknowledged % MODULUS, cot=cot, origin_address=3,
            common_asdu_address=ca, io=[io]))
        self.sent += 1

    def acknowledge(self, count=None):
        self.acknowledged = self.received if count is None else count
        self.send(iec104.IEC104_S_Message(rx_seq_num=self.acknowledged % MODULUS))

    def octets(self, size):
        while len(self.buffer) < size:
            more = self.socket.recv(65536)
            assert more, "the station closed the connection"
            self.buffer += more
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def next_octets(self):
        head = self.octets(2)
        assert head[0] == 0x68
        return head + self.octets(head[1])

    def next(self):
        """The next APDU that is no S format, as scapy reads it; N(S) is checked."""
        while True:
            octets = self.next_octets()
            apdu = iec104.iec104_decode(octets)
            if isinstance(apdu, iec104.IEC104_I_Message):
                assert apdu.tx_seq_num == self.received % MODULUS
                assert apdu.rx_seq_num <= self.sent  # no test sends a whole round
                self.received += 1
                self.asdus.append(octets[6:])
            if not isinstance(apdu, iec104.IEC104_S_Message):
                return apdu

    def test(self):
        """TESTFR there and back: all that was sent before has been taken. Returns the I formats that came meanwhile."""
        self.send(iec104.IEC104_U_Message(testfr_act=1))
        meanwhile = []
        while True:
            apdu = self.next()
            if isinstance(apdu, iec104.IEC104_U_Message):
                assert apdu.testfr_con == 1
                return meanwhile
            meanwhile.append(apdu)

    def until(self, last):
        """I formats up to and with the one that `last` says yes to."""
        frames = [self.next()]
        while not last(frames[-1]):
            frames.append(self.next())
        return frames

    def interrogate(self, qoi=20, ca=1):
        self.send_i(iec104.IEC104_COT_ACT, iec104.IEC104_IO_C_IC_NA_1_IOA(information_object_address=0, qoi=qoi), ca)
        return self.until(lambda frame: frame.type_id == 100 and frame.cot == iec104.IEC104_COT_ACTTERM)

    def command(self, value, ioa=5001, **more):
        self.send_i(iec104.IEC104_COT_ACT, iec104.IEC104_IO_C_SC_NA_1_IOA(information_object_address=ioa, scs=value),
                    **more)

    def close(self):
        self.socket.close()


def objects(frames):
    """(address, object) of all objects of I formats, sequences resolved."""
    found = []
    for frame in frames:
        for index, io in enumerate(frame.io):
            if frame.sq:
                found.append((frame.information_object_address + index, io))
            else:
                found.append((io.information_object_address, io))
    return found


def time_ms(io):
    moment = datetime.datetime(2000 + io.year, io.month, io.day_of_month, io.hours, io.minutes,
                               tzinfo=datetime.timezone.utc)
    return round(moment.timestamp() * 1000) + io.sec_milli


def events(frames):
    """(address, value, time) of the spontaneous single points of I formats."""
    return [(ioa, io.spi_value, time_ms(io)) for ioa, io in
            objects(f for f in frames if f.type_id == 30 and f.cot == iec104.IEC104_COT_SPONT)]


def recorded(path):
    with open(path, newline="", encoding="ascii") as file:
        return [(int(row["ioa"]), int(row["value"]), int(row["time_ms"])) for row in csv.DictReader(file)]


@pytest.fixture(name="start")
def make_stations(tmp_path):
    """A function that starts a station from YAML text or, with text None, from options alone."""
    stations = []

    def start(text, *options):
        if text is not None:
            (tmp_path / "rtu.yaml").write_text(text)
            options = ("rtu.yaml", *options)
        stations.append(Station(tmp_path, *options))
        return stations[-1]

    yield start
    for station in stations:
        station.process.end()
        print(station.text())


@pytest.fixture(name="centre_of")
def make_centres():
    centres = []

    def connect(station, **more):
        centres.append(Centre(station.port, **more))
        return centres[-1]

    yield connect
    for centre in centres:
        centre.close()


# ---- a station of its own ----


def test_a_station_interrogation(start, centre_of):
    centre = centre_of(start(QUIET))
    frames = centre.interrogate()
    assert [frames[0].cot, frames[-1].cot] == [iec104.IEC104_COT_ACTCON, iec104.IEC104_COT_ACTTERM]
    for mirror in (frames[0], frames[-1]):
        assert mirror.type_id == 100 and mirror.ack == 0 and mirror.origin_address == 3
        assert mirror.common_asdu_address == 1 and mirror.io[0].qoi == 20
    values = frames[1:-1]
    assert all(f.cot == iec104.IEC104_COT_INROGEN and f.common_asdu_address == 1 for f in values)
    assert {f.type_id for f in values} == {1, 3, 13}  # without time tags, and no counters
    found = {ioa: next(getattr(io, name) for name in ("spi_value", "dpi_value", "scaled_value")
                       if hasattr(io, name)) for ioa, io in objects(values)}
    assert found == {1001: 1, 1002: 1, 1003: 1, 1101: 0, 2001: 2, 3001: 12.5}
    assert len(objects(values)) == len(found)


def test_an_unknown_qualifier_is_confirmed_negatively(start, centre_of):
    centre = centre_of(start(QUIET))
    centre.send_i(iec104.IEC104_COT_ACT, iec104.IEC104_IO_C_IC_NA_1_IOA(information_object_address=0, qoi=77))
    answer = centre.next()
    assert (answer.type_id, answer.cot, answer.ack, answer.io[0].qoi) == (100, iec104.IEC104_COT_ACTCON, 1, 77)


def test_events_arrive_as_they_are_recorded(start, centre_of, tmp_path):
    record = tmp_path / "events.csv"
    station = start(TOGGLING, "--log", str(record))
    assert record.read_text().startswith("ioa,type,value,time_ms\n")
    wait_for(lambda: recorded(record), "an event while nobody is connected")
    centre = centre_of(station)
    arrived = []
    while len(arrived) < TOGGLES:
        frame = centre.next()
        assert frame.type_id == 30 and frame.cot == iec104.IEC104_COT_SPONT
        arrived += events([frame])
        if centre.received - centre.acknowledged >= 8:
            centre.acknowledge()
    centre.acknowledge()
    assert arrived == recorded(record)
    assert {ioa for ioa, _, _ in arrived} == {1001, 1002, 1003, 1004}
    for ioa in (1001, 1002, 1003, 1004):
        own = [(value, time) for address, value, time in arrived if address == ioa]
        assert [value for value, _ in own] == [1, 0] * (TOGGLES // 8)
        gaps = {later - earlier for (_, earlier), (_, later) in zip(own, own[1:])}
        assert gaps <= {99, 100, 101}  # the pattern's own time, to the millisecond of a tag
    assert not centre.test()
    assert station.stop() == 0
    assert f"{TOGGLES} events, of which {TOGGLES} acknowledged and 0 lost" in station.text()


def test_speed_makes_patterns_faster(start, centre_of, tmp_path):
    record = tmp_path / "events.csv"
    slow = TOGGLING.replace("100 ms", "100 s").replace("2 s", "2000 s")
    station = start(slow, "--speed=1000", f"--log={record}")
    wait_for(lambda: len(recorded(record)) == TOGGLES, "all events", seconds=PATIENCE_S)
    centre = centre_of(station)
    arrived = []
    while len(arrived) < TOGGLES:
        arrived += events([centre.next()])
    assert arrived == recorded(record)


def test_a_command_is_confirmed_executed_and_seen(start, centre_of):
    centre = centre_of(start(QUIET))
    for value in (1, 0):
        centre.command(value)
        frames = [centre.next() for _ in range(3)]
        assert frames[0].type_id == 45 and frames[0].cot == iec104.IEC104_COT_ACTCON
        by_type = {f.type_id: f for f in frames[1:]}
        assert by_type[45].cot == iec104.IEC104_COT_ACTTERM
        for mirror in (frames[0], by_type[45]):
            assert mirror.ack == 0 and mirror.origin_address == 3
            assert mirror.io[0].information_object_address == 5001 and mirror.io[0].scs == value
        assert [(ioa, state) for ioa, state, _ in events([by_type[30]])] == [(1101, value)]
    assert dict((ioa, io) for ioa, io in objects(centre.interrogate()[1:-1]))[1101].spi_value == 0


def test_what_the_station_has_not_is_mirrored_negatively(start, centre_of):
    centre = centre_of(start(QUIET))
    centre.command(1, ca=77)
    centre.command(1, ioa=999)
    centre.command(1, ioa=1101)  # a point, and no command
    centre.send_i(iec104.IEC104_COT_ACT, iec104.IEC104_IO_C_DC_NA_1_IOA(information_object_address=5001, dcs=1))
    centre.send_i(iec104.IEC104_COT_ACT, iec104.IEC104_IO_P_AC_NA_1_IOA(information_object_address=1001, qpa=1))
    centre.send_i(iec104.IEC104_COT_SPONT, iec104.IEC104_IO_C_SC_NA_1_IOA(information_object_address=5001, scs=1))
    activation_con = iec104.IEC104_COT_ACTCON  # there are parameters to activate, but the station has none
    expected = [(45, 46, 77, 5001), (45, 47, 1, 999), (45, 47, 1, 1101), (46, 47, 1, 5001),
                (113, activation_con, 1, 1001), (45, 45, 1, 5001)]
    for type_id, cot, ca, ioa in expected:
        answer = centre.next()
        assert (answer.type_id, answer.cot, answer.ack) == (type_id, cot, 1)
        assert (answer.common_asdu_address, answer.io[0].information_object_address) == (ca, ioa)
    assert not centre.test()  # nothing was executed


def test_select_before_execute(start, centre_of):
    centre = centre_of(start(QUIET.replace("follows: 1101", "follows: 1101, select: required") + "select_time: 60 s\n"))

    def answers(select, value, count):
        io = iec104.IEC104_IO_C_SC_NA_1_IOA(information_object_address=5001, scs=value, s_or_e=select)
        centre.send_i(iec104.IEC104_COT_ACT, io)
        frames = [centre.next() for _ in range(count)]
        assert all(frame.io[0].s_or_e == select for frame in frames if frame.type_id == 45)
        return [(frame.type_id, frame.cot, frame.ack) for frame in frames]

    confirmed, refused = (45, iec104.IEC104_COT_ACTCON, 0), (45, iec104.IEC104_COT_ACTCON, 1)
    assert answers(0, 1, 1) == [refused]  # not selected
    assert answers(1, 1, 1) == [confirmed]
    assert answers(1, 1, 1) == [refused]  # selected already
    assert answers(0, 0, 1) == [refused]  # not what was selected, and it is not selected any more
    assert answers(0, 1, 1) == [refused]
    assert answers(1, 1, 1) == [confirmed]
    done = answers(0, 1, 3)
    assert done[0] == confirmed and (45, iec104.IEC104_COT_ACTTERM, 0) in done
    assert (30, iec104.IEC104_COT_SPONT, 0) in done
    assert answers(0, 1, 1) == [refused]  # used up


def test_groups_limits_and_the_end_of_initialization(start, centre_of):
    centre = centre_of(start("end_of_initialization: yes\nlimit_set_points: yes\npoints:\n"
                             "  - {ioa: 1, type: 30, count: 2, groups: [2, 16]}\n  - {ioa: 3, type: 36}\n"
                             "  - {ioa: 4, type: 50, follows: 3, minimum: -5, maximum: 5}\n"))
    first = centre.next()
    assert (first.type_id, first.cot) == (70, iec104.IEC104_COT_INIT)
    for group, addresses in ((2, [1, 2]), (16, [1, 2]), (3, [])):
        values = centre.interrogate(qoi=20 + group)[1:-1]
        assert all(frame.cot == 20 + group for frame in values)
        assert [ioa for ioa, _ in objects(values)] == addresses
    centre.send_i(iec104.IEC104_COT_ACT,
                  iec104.IEC104_IO_C_SE_NC_1_IOA(information_object_address=4, scaled_value=7.5))
    confirmation = centre.next()
    assert (confirmation.type_id, confirmation.cot, confirmation.ack) == (50, iec104.IEC104_COT_ACTCON, 0)
    assert confirmation.io[0].scaled_value == 5


def test_testfr_is_confirmed_in_any_state(start, centre_of):
    station = start(QUIET)
    stopped = centre_of(station, start=False)
    assert not stopped.test()
    assert not centre_of(station).test()


def test_events_that_were_not_acknowledged_come_again_exactly(start, centre_of):
    station = start(QUIET)
    centre = centre_of(station)
    frames = []
    for number in range(6):  # each command's event in a frame of its own
        centre.command((number + 1) % 2, acknowledge=False)
        frames += [centre.next() for _ in range(3)]
        if number == 2:
            first = len(frames)
            centre.acknowledge()
    assert not centre.test()  # the S format has been taken
    acknowledged, open_ones = events(frames[:first]), events(frames[first:])
    assert len(acknowledged) == 3 and len(open_ones) == 3
    centre.close()
    again = centre_of(station)
    repeated = []
    while len(repeated) < len(open_ones):
        repeated += events([again.next()])
    assert repeated == open_ones  # address, value and time
    again.acknowledge()
    assert not events(again.interrogate()) and not again.test()
    again.close()
    last = centre_of(station)
    assert not events(last.interrogate())
    assert station.stop() == 0
    assert "6 events, of which 6 acknowledged and 0 lost; 6 commands" in station.text()


def test_a_newer_connection_takes_the_place_of_the_older(start, centre_of):
    station = start(QUIET)
    older = centre_of(station)
    newer = centre_of(station)
    with pytest.raises(ConnectionResetError):
        older.next()
    assert newer.interrogate()
    assert "replaced" in station.text()


def unread(connection):
    return struct.unpack("i", fcntl.ioctl(connection, termios.FIONREAD, bytes(4)))[0]


def test_answers_larger_than_all_buffers_wait_for_their_reader(start, centre_of):
    count, times = 1000000, 2  # 5 MB each
    station = start(f"k: 32767\nw: 8192\npoints: [{{ioa: 1, type: 36, count: {count}, constant: 1.5}}]\n")
    centre = centre_of(station, start=False)
    centre.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    centre.send(iec104.IEC104_U_Message(startdt_act=1))
    assert centre.next().startdt_con == 1
    for ca in (1, 65535):  # the same question would be refused while it is being answered
        centre.send_i(iec104.IEC104_COT_ACT, iec104.IEC104_IO_C_IC_NA_1_IOA(information_object_address=0, qoi=20), ca)
    levels = [0]

    def stands_still():
        levels.append(unread(centre.socket))
        return levels[-1] > 0 and len(levels) > 10 and len(set(levels[-10:])) == 1

    wait_for(stands_still, "the buffers are full")
    address = 1
    while times > 0:  # read by hand, as scapy would take minutes
        asdu = centre.next_octets()[6:]
        centre.received += 1 if asdu else 0
        if centre.received - centre.acknowledged >= 8192:
            centre.acknowledge()
        if asdu[:1] == b"\x64" and asdu[2] == iec104.IEC104_COT_ACTTERM:
            assert address == count + 1
            address, times = 1, times - 1
        elif asdu[:1] == b"\x0d":
            assert int.from_bytes(asdu[6:9], "little") == address and asdu[1] & 0x80
            assert asdu[9:] == bytes.fromhex("0000c03f00") * (asdu[1] & 0x7F)
            address += asdu[1] & 0x7F
    centre.acknowledge()
    assert not centre.test()
    assert "closed" not in station.text()


def test_sinaut_order_turns_the_addresses_round(start, centre_of):
    centre = centre_of(start("ca: 258\npoints: [{ioa: 66051, type: 30, constant: 1}]\n", "--order", "sinaut"))
    request = bytes.fromhex("6401 0603 0102 000000 14")
    centre.socket.sendall(bytes.fromhex("680e00000000") + request)
    asdus = [centre.next_octets()[6:] for _ in range(3)]
    assert asdus[0] == bytes.fromhex("6401 0703 0102 000000 14")
    assert asdus[1] == bytes.fromhex("0101 1403 0102 010203 01")  # to the originator that asked
    assert asdus[2] == bytes.fromhex("6401 0a03 0102 000000 14")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(start, centre_of, number):
    station = start(QUIET)
    centre = centre_of(station)
    assert station.stop(number) == 0
    assert centre.socket.recv(1) == b""
    assert "shutdown" in station.text() and "stopped: " in station.text()


# ---- a capture's station ----


def captured_asdus(path):
    """By sender, the ASDUs of all I formats in segments of whole APDUs, as scapy and a loop see them."""
    found, seen = {}, set()
    for packet in rdpcap(str(path)):
        if TCP not in packet:
            continue
        # Ethernet pads short packets: the IP header says where the payload ends
        size = packet[IP].len - packet[IP].ihl * 4 - packet[TCP].dataofs * 4
        payload = bytes(packet[TCP].payload)[:size]
        sender = f"{packet[IP].src}:{packet[TCP].sport}"
        if not payload or payload[0] != 0x68 or (sender, packet[TCP].seq) in seen:
            continue
        seen.add((sender, packet[TCP].seq))
        while payload:
            apdu, payload = payload[:payload[1] + 2], payload[payload[1] + 2:]
            if apdu[2] & 1 == 0:
                found.setdefault(sender, []).append(apdu[6:])
    return found


def play(centre, count):
    """Takes `count` I formats, acknowledging."""
    while centre.received < count:
        centre.next()
        if centre.received - centre.acknowledged >= 8 or centre.received == count:
            centre.acknowledge()
    return centre.asdus


@pytest.mark.parametrize("name", ["set_point_with_time.pcap", "sequence_of_elements.pcapng"])
def test_a_replay_sends_the_octets_of_the_capture(start, centre_of, name):
    path = CAPTURES / name
    dumped = [json.loads(line) for line in
              subprocess.run([KOMET, "dump", "--json", str(path)], capture_output=True, text=True, timeout=60,
                             check=True).stdout.splitlines()]
    from_station = [line for line in dumped if line["source"].endswith(":2404") and "asdu" in line]
    sender = from_station[0]["source"]
    expected = captured_asdus(path)[sender]
    assert len(expected) == len(from_station) >= 4
    station = start(None, "--capture", str(path), "--speed", "1000000")
    assert f"station {sender} is played: {len(expected)} ASDUs" in station.text()
    centre = centre_of(station)
    assert play(centre, len(expected)) == expected
    for octets, line in zip(centre.asdus, from_station):
        asdu = line["asdu"]
        assert (octets[0], octets[2] & 0x3F, octets[4] + 256 * octets[5]) == (asdu["type"], asdu["cot"], asdu["ca"])
    assert not centre.test()  # and nothing more
    wait_for(lambda: "all of the capture was sent and acknowledged" in station.text(), "the end is told")
    assert station.stop() == 0
    assert f"{len(expected)} of {len(expected)} ASDUs" in station.text().splitlines()[-1]


def make_capture(path, stations):
    """stations: {(address, port): ASDUs}, each with a connection of its own, a second between the ASDUs."""
    packets = []
    for number, ((address, port), asdus) in enumerate(stations.items()):
        there = {"sport": port, "dport": 40000 + number}
        back = {"sport": 40000 + number, "dport": port}
        for count, asdu in enumerate(asdus):
            apdu = bytes([0x68, len(asdu) + 4, 2 * count, 0, 0, 0]) + asdu
            packets.append(Ether() / IP(src=address, dst="10.0.0.99")
                           / TCP(flags="PA", seq=1000 + sum(len(a) + 6 for a in asdus[:count]), ack=1, **there) / apdu)
            packets[-1].time = 1700000000 + count
        # what the centre sends is not played
        packets.append(Ether() / IP(src="10.0.0.99", dst=address)
                       / TCP(flags="PA", seq=1, ack=1, **back) / bytes.fromhex("680e0000000064010600010000000014"))
        packets[-1].time = 1700000000.5
    packets.sort(key=lambda packet: packet.time)
    wrpcap(str(path), packets)


def single_point(ioa):
    return bytes([1, 1, 3, 0, 1, 0]) + ioa.to_bytes(3, "little") + b"\x01"


def test_the_station_with_most_asdus_is_played_or_the_one_that_is_named(start, centre_of, tmp_path):
    capture = tmp_path / "two.pcap"
    few = [single_point(100 + n) for n in range(3)]
    many = [single_point(200 + n) for n in range(5)]
    make_capture(capture, {("10.0.0.1", 2404): few, ("10.0.0.2", 2405): many})
    station = start(None, "--capture", str(capture), "--speed=1000")
    assert "the capture's station 10.0.0.2:2405 is played: 5 ASDUs" in station.text()
    assert "another one is 10.0.0.1:2404: 3 ASDUs" in station.text()
    assert play(centre_of(station), 5) == many
    for name in ("10.0.0.1:2404", "10.0.0.1"):
        station = start(None, "--capture", str(capture), "--speed=1000", "--station", name)
        assert "another one is 10.0.0.2:2405: 5 ASDUs" in station.text()
        assert play(centre_of(station), 3) == few
    done = run("--capture", str(capture), "--station", "10.0.0.1:2405")
    assert done.returncode == 1
    assert "no station 10.0.0.1:2405" in done.stderr and "10.0.0.2:2405, 10.0.0.1:2404" in done.stderr


def test_a_replay_goes_on_where_it_was_acknowledged(start, centre_of):
    path = CAPTURES / "sequence_of_elements.pcapng"
    expected = next(iter(captured_asdus(path).values()))
    station = start(None, "--capture", str(path))
    centre = centre_of(station)
    while centre.received < 4:
        centre.next()
    centre.acknowledge(2)
    assert not centre.test()
    centre.close()
    assert play(centre_of(station), 2) == expected[2:]
    wait_for(lambda: "all of the capture was sent and acknowledged" in station.text(), "the end is told")


def test_a_capture_that_is_not_whole_is_played_as_far_as_it_is(start, tmp_path):
    part = tmp_path / "part.pcap"
    part.write_bytes((CAPTURES / "set_point_with_time.pcap").read_bytes()[:-7])
    station = start(None, "--capture", str(part))
    assert "part.pcap: at octet " in station.text() and "is played: " in station.text()


# ---- what it refuses ----


def run(*arguments, **more):
    return subprocess.run([KOMET, "sim", *arguments], capture_output=True, text=True, timeout=PATIENCE_S, **more)


def test_all_mistakes_of_a_file_are_said_where_they_are(tmp_path):
    (tmp_path / "rtu.yaml").write_text("ca: 0\npoints:\n  - {ioa: 1, type: 99}\n  - {ioa: 2, tpye: 30}\n")
    done = run("rtu.yaml", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines() == [
        "rtu.yaml:1:5: ca is '0'; a whole number from 1 to 65534",
        "rtu.yaml:3:5: types are 1 to 16, 21, 30 to 40, or a command: 45 to 51, 58 to 64",
        "rtu.yaml:4:5: 'type' is missing; such as {ioa: 1001, type: 30, constant: 0}",
        "rtu.yaml:4:14: unknown key 'tpye'; did you mean 'type'?",
    ]


def test_a_file_that_is_not_there_has_no_place_in_it(tmp_path):
    done = run("absent.yaml", cwd=tmp_path)
    assert done.stderr == "absent.yaml: No such file or directory\n"


def test_files_that_cannot_be_used_are_said(tmp_path):
    for arguments, said in ((["absent.yaml"], "absent.yaml: No such file"),
                            (["--capture", "absent.pcap"], "absent.pcap: No such file"),
                            (["--capture", "text.pcap"], "no capture file"),
                            (["rtu.yaml", "--log", "nowhere/log.csv"], "nowhere/log.csv cannot be written")):
        (tmp_path / "text.pcap").write_text("this is no capture, and longer than a header of one is")
        (tmp_path / "rtu.yaml").write_text(QUIET)
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 1 and said in done.stderr and done.stdout == "", arguments


def test_a_port_that_is_taken_is_said(tmp_path):
    (tmp_path / "rtu.yaml").write_text(QUIET)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("rtu.yaml", "--listen", address, cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and address in done.stderr


@pytest.mark.parametrize("options", [[], ["a", "b"], ["a", "--capture", "b"], ["a", "--station", "10.0.0.1"],
                                     ["--capture", "a", "--log", "b"], ["a", "--speed", "0"], ["a", "--speed=fast"],
                                     ["a", "--speed", "nan"], ["a", "--order", "x"], ["a", "--listen", "::"],
                                     ["a", "--listen", "127.0.0.1:1,127.0.0.1:2"], ["a", "--listen"], ["a", "--what"]])
def test_a_wrong_command_line_is_refused(options):
    done = run(*options)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith("komet sim: ")
    assert len(done.stderr.splitlines()) == 1


def test_help_and_version():
    done = run("--help")
    assert done.returncode == 0
    assert all(f"--{word}" in done.stdout for word in ("listen", "speed", "order", "log", "capture", "station"))
    done = run("--version")
    assert done.returncode == 0 and done.stdout.startswith("komet ")
