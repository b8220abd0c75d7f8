"""How long a Sinaut line is without data when a path or a partner goes, seen from the partner's end of the wire.

    KOMET=build/komet /usr/bin/python3 test/system/sinaut_times.py [ROUNDS]

A server and one instance run; this program plays both systems of the partner on two networks of the loopback. Printed are p50, p99
and the longest of

    reset     the path that carries data is reset: until the first I format over the other one
    silence   it says nothing any more after an answer to a test: how much longer than t3 + t1 that takes
    hot       the other system sends a value, and so is HOT: until that value is stored and acknowledged (W: 1)
"""

import pathlib
import select
import socket
import struct
import sys
import tempfile
import time

from komet_site import Process, free_port, wait_for

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
SILENT_ROUNDS = max(ROUNDS // 10, 1)
T1_S, T3_S = 1.0, 1.0
PATIENCE_S = 20
HOSTS = ["127.1.0.1", "127.2.0.1", "127.1.0.2", "127.2.0.2"]  # paths 0 and 1 are one system's, 2 and 3 the other's
STARTDT_ACT, TESTFR_ACT = 0x07, 0x43
CONFIRMATIONS = {STARTDT_ACT: 0x0B, TESTFR_ACT: 0x83}
C_IC, ACTIVATION, ACTIVATION_CON, TERMINATION = 100, 6, 7, 10
SITE = """site: times
group: {{name: T, servers: [{{name: A, listen: "{server}"}}]}}
processes:
  SELF.KOM:
    lines:
      L.S:
        protocol: iec104-sinaut
        category: tcp-redundant
        number: 7
        reconnect: 100 ms
        partners: [["{0}:{port}", "{1}:{port}"], ["{2}:{port}", "{3}:{port}"]]
        parameters: {{WT1: {t1}, WT2: 500, WT3: {t3}, K: 12, W: 1}}
        stations: {{B.S: {{address: 1, tags: tags.csv}}}}
"""


class Path:
    """Our end of one connection."""

    def __init__(self, partner, number, port):
        self.partner, self.number = partner, number
        self.listener = socket.create_server((HOSTS[number], port))
        self.socket, self.rest, self.sent, self.received, self.acknowledged = None, b"", 0, 0, 0
        self.silent = False
        self.first = None  # when the first I format came, since it was asked for

    def accept(self):
        self.socket = self.listener.accept()[0]
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest, self.sent, self.received, self.acknowledged, self.silent = b"", 0, 0, 0, False
        self.started, self.tested = False, None

    def send_asdu(self, asdu):
        self.socket.sendall(struct.pack("<BBHH", 0x68, 4 + len(asdu), self.sent << 1, self.received << 1) + asdu)
        self.sent += 1

    def take(self, frame):
        if frame[2] & 3 == 3:  # U
            self.started = self.started or frame[2] == STARTDT_ACT
            if frame[2] in CONFIRMATIONS:
                self.socket.sendall(bytes([0x68, 4, CONFIRMATIONS[frame[2]], 0, 0, 0]))
                self.tested = time.monotonic() if frame[2] == TESTFR_ACT else self.tested
            return
        self.acknowledged = struct.unpack("<H", frame[4:6])[0] >> 1
        if frame[2] & 1 == 0:  # I
            self.first = self.first or time.monotonic()
            self.received += 1
            self.socket.sendall(struct.pack("<BBHH", 0x68, 4, 1, self.received << 1))
            asdu = frame[6:]
            if asdu[0] == C_IC and asdu[2] & 0x3F == ACTIVATION and self.number // 2 == self.partner.hot:
                for cause in (ACTIVATION_CON, TERMINATION):
                    self.send_asdu(asdu[:2] + bytes([cause]) + asdu[3:])

    def read(self):
        octets = self.socket.recv(65536)
        if not octets:
            self.lose()
            return
        self.rest += octets
        while len(self.rest) >= 2 and len(self.rest) >= self.rest[1] + 2:
            frame, self.rest = self.rest[: self.rest[1] + 2], self.rest[self.rest[1] + 2 :]
            self.take(frame)

    def lose(self):
        self.socket.close()
        self.socket = None

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.lose()


class Partner:
    def __init__(self, port):
        self.hot = 0  # of the two systems the one that answers
        self.paths = [Path(self, number, port) for number in range(4)]

    def step(self):
        """Whatever has come is taken."""
        handles = {p.listener: p.accept for p in self.paths if p.socket is None}
        handles |= {p.socket: p.read for p in self.paths if p.socket is not None and not p.silent}
        for ready in select.select(list(handles), [], [], 0.5)[0]:
            try:
                handles[ready]()
            except ConnectionError:
                next(p for p in self.paths if p.socket is ready).lose()

    def until(self, condition, what):
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, f"{what}: not within {PATIENCE_S} s"
            self.step()

    def until_complete(self):
        """All four are started, and nothing that was sent waits for its acknowledgement."""
        self.until(lambda: all(p.socket and p.started and p.acknowledged == p.sent for p in self.paths), "four connections")


def other(path):
    return path ^ 1


def measure_reset(partner, data):
    taken = []
    for _ in range(ROUNDS):
        partner.until_complete()
        partner.paths[other(data)].first = None
        begin = time.monotonic()
        partner.paths[data].reset()
        data = other(data)
        partner.until(lambda path=data: partner.paths[path].first, "data over the other path")
        taken.append(partner.paths[data].first - begin)
    partner.until_complete()
    return data, taken


def measure_silence(partner, data):
    taken = []
    for _ in range(SILENT_ROUNDS):
        partner.until_complete()
        partner.paths[data].tested = None
        partner.until(lambda path=data: partner.paths[path].tested, "a test frame")
        begin = partner.paths[data].tested
        partner.paths[data].silent = True
        data = other(data)
        partner.paths[data].first = None
        partner.until(lambda path=data: partner.paths[path].first, "data over the other path")
        taken.append(partner.paths[data].first - begin - T1_S - T3_S)
        partner.paths[other(data)].lose()
    partner.until_complete()
    return taken


def measure_hot(partner, paths):
    """`paths`: of each system the one that carries its data."""
    taken = []
    for number in range(ROUNDS):
        partner.until_complete()
        partner.hot = 1 - number % 2
        path = partner.paths[paths[partner.hot]]
        begin = time.monotonic()
        path.send_asdu(bytes([1, 1, 3, 0, 0, 1, 0, 0, 1, number // 2 % 2]))  # a single point of object 1
        partner.until(lambda one=path: one.acknowledged == one.sent, "the acknowledgement")
        taken.append(time.monotonic() - begin)
    return taken


def say(name, taken):
    taken = sorted(taken)
    p50, p99 = taken[len(taken) // 2], taken[min(len(taken) - 1, len(taken) * 99 // 100)]
    if "--verbose" in sys.argv:
        print([round(t * 1000, 1) for t in taken[-10:]])
    print(f"{name:8} {len(taken):4} times  p50 {p50 * 1000:7.2f} ms  p99 {p99 * 1000:7.2f} ms  max {taken[-1] * 1000:7.2f} ms", flush=True)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder, port, server = pathlib.Path(name), free_port(), f"127.0.0.1:{free_port()}"
        (folder / "site.yaml").write_text(SITE.format(*HOSTS, port=port, server=server, t1=int(T1_S * 1000), t3=int(T3_S * 1000)))
        (folder / "tags.csv").write_text("name,type,address,asdu\nM.D,Di,1,\n")
        partner = Partner(port)
        processes = [Process("server", folder, ["server", "--site", ".", "--data", "data"])]
        try:
            wait_for(lambda: "listening" in processes[0].text(), "the server listens")
            processes.append(Process("kom", folder, ["kom", "-W", "SELF.KOM", "-S", server]))
            partner.until_complete()
            # The first one started carries data: it was interrogated.
            partner.until(lambda: any(p.first for p in partner.paths[2:]) and any(p.first for p in partner.paths[:2]), "interrogations")
            data = [min((p for p in pair if p.first), key=lambda p: p.first).number for pair in (partner.paths[:2], partner.paths[2:])]
            say("hot", measure_hot(partner, data))
            data[0], taken = measure_reset(partner, data[0])
            say("reset", taken)
            say("silence", measure_silence(partner, data[0]))
        finally:
            for process in processes:
                process.end()
                if "--verbose" in sys.argv:
                    print(process.text())


main()
