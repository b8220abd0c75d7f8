"""`komet kom` against a controlled station made of scapy's IEC 104 layer over a plain socket, in a whole site.

KOMET  the program; without it build/komet
"""

import datetime
import pathlib
import socket
import sys
import threading

import pytest
import scapy.contrib.scada.iec104 as iec104

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "test" / "system"))

from komet_site import Site, wait_for  # noqa: E402

TAGS = """M.D,Di,1001,,,
M.Q,Qi,2001,,,
M.F,Ai,3001,,,
M.N,Ai,3002,,,scaled
M.C,Ci,4001,,,
M.CMD,Dout,5001,45,,
M.SET,Ao,5003,50,,
M.GONE,Dout,9999,45,,
"""


class Station(threading.Thread):
    """Accepts one connection after the other; answers what it is asked; sends what a test gives it."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", port))
        self.asked = []  # type identifications and causes of all ASDUs that came
        self.lock = threading.Lock()
        self.peer = None
        self.sent = self.received = 0
        self.start()

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.peer, self.sent, self.received = peer, 0, 0
            self.serve(peer)

    def serve(self, peer):
        buffer = b""
        while True:
            try:
                octets = peer.recv(4096)
            except OSError:
                return
            if not octets:
                return
            buffer += octets
            while len(buffer) >= 2 and len(buffer) >= buffer[1] + 2:
                size = buffer[1] + 2
                self.take(buffer[:size])
                buffer = buffer[size:]

    def take(self, apdu):
        if apdu[2] & 1 == 0:
            message = iec104.IEC104_I_Message_SeqIOA(apdu) if apdu[7] & 0x80 else iec104.IEC104_I_Message_SingleIOA(apdu)
            self.received += 1
            self.asked.append((message.type_id, message.cot))
            self.answer(apdu, message)
        elif apdu[2] == 0x07:
            self.write(iec104.IEC104_U_Message(startdt_con=1))
        elif apdu[2] == 0x43:
            self.write(iec104.IEC104_U_Message(testfr_con=1))

    def answer(self, apdu, message):
        asdu = bytearray(apdu[6:])
        address = int.from_bytes(asdu[6:9], "little")
        if message.type_id in (45, 50) and address == 9999:
            self.mirror(asdu, 47 | 0x40)  # unknown address, negative
            return
        if message.type_id in (45, 50):
            self.mirror(asdu, 7)
            self.mirror(asdu, 10)
        elif message.type_id in (100, 101):
            self.mirror(asdu, 7)
            self.mirror(asdu, 10)
        elif message.type_id == 103:
            self.mirror(asdu, 7)

    def mirror(self, asdu, cause):
        self.send_octets(bytes(asdu[:2]) + bytes([cause]) + bytes(asdu[3:]))

    def send_octets(self, asdu):
        with self.lock:
            head = (self.sent << 1).to_bytes(2, "little") + (self.received << 1).to_bytes(2, "little")
            self.sent += 1
            self.peer.sendall(bytes([0x68, 4 + len(asdu)]) + head + asdu)

    def send(self, type_id, cot, objects):
        """ASDU made by scapy: its octets behind the six of the APCI."""
        message = iec104.IEC104_I_Message_SingleIOA(type_id=type_id, cot=cot, common_asdu_address=1, io=objects)
        self.send_octets(bytes(message)[6:])

    def write(self, message):
        with self.lock:
            self.peer.sendall(bytes(message))


@pytest.fixture(name="site")
def site_with_scapy(tmp_path):
    site = Site(tmp_path, "", TAGS)
    site.station = Station(site.station_port)
    site.start_server()
    site.start_kom(1)
    wait_for(lambda: (100, 6) in site.station.asked, "the interrogation")
    yield site
    site.station.listener.close()
    site.end()


NOW = {"sec_milli": 12345, "minutes": 34, "hours": 12, "day_of_month": 20, "month": 11, "year": 26}


def test_values_made_by_scapy_arrive(site):
    site.station.send(30, 3, [iec104.IEC104_IO_M_SP_TB_1_IOA(information_object_address=1001, spi_value=1, **NOW)])
    site.station.send(31, 3, [iec104.IEC104_IO_M_DP_TB_1_IOA(information_object_address=2001, dpi_value=2, **NOW)])
    site.station.send(36, 3, [iec104.IEC104_IO_M_ME_TF_1_IOA(information_object_address=3001, scaled_value=21.5, **NOW)])
    site.station.send(11, 3, [iec104.IEC104_IO_M_ME_NB_1_IOA(information_object_address=3002, scaled_value=-1234)])
    wait_for(lambda: site.value("M.N")["value"] == -1234, "the last of them")
    assert site.value("M.D")["value"] is True
    assert site.value("M.Q")["value"] == "On"
    assert site.value("M.F")["value"] == 21.5
    moment = datetime.datetime(2026, 11, 20, 12, 34, 12, 345000, datetime.timezone.utc)
    for name in ("M.D", "M.Q", "M.F"):
        assert datetime.datetime.fromisoformat(site.value(name)["time"].replace("Z", "+00:00")) == moment


def test_quality_becomes_status(site):
    site.station.send(30, 3, [iec104.IEC104_IO_M_SP_TB_1_IOA(information_object_address=1001, spi_value=1, iv=1, **NOW)])
    wait_for(lambda: site.value("M.D")["status"] == "Invalid", "an invalid value")


def test_commands_are_confirmed_by_scapy(site):
    assert site.tell("SET", "M.CMD", "true")["result"] == "done"
    assert site.tell("SET", "M.SET", "42.5")["result"] == "done"
    refused = site.run_tell("SET", "M.GONE", "true")
    assert refused.returncode == 1 and "refused" in refused.stdout
    assert [asked for asked in site.station.asked if asked[0] in (45, 50)] == [(45, 6), (50, 6), (45, 6)]


def test_interrogation_counters_and_clock(site):
    assert site.tell("INTERROGATE", "B.RTU")["result"] == "done"
    assert site.tell("INTERROGATE", "B.RTU", "COUNTERS")["result"] == "done"
    assert site.tell("CLOCK", "B.RTU")["result"] == "done"
    assert (101, 6) in site.station.asked and (103, 6) in site.station.asked


def test_a_reset_connection_comes_again(site):
    asked = site.station.asked.count((100, 6))
    site.station.peer.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: site.station.asked.count((100, 6)) > asked, "interrogated anew")
    wait_for(lambda: site.tell("STATION")[0]["value"] == "StON", "the station is on")
