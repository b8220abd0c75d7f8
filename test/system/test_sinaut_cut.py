"""A Sinaut line and a simulated pair on two networks, four cables between them: each is pulled, and each two of them, while
2,000 events a second come, each of which an output sends back, and consoles set values besides. Nothing is lost, doubled or out
of order either way; how long no data came is printed.

    KOMET_SOAK=1 … -s     each 20 times, not 2
"""

import collections
import itertools
import os
import subprocess
import threading
import time

import pytest

from komet_site import KOMET, free_port, wait_for
from sinaut_pair import KometEnd, Pair, check_every_event, longest_pause, print_pauses
from test_cut import run

ROUNDS = 20 if os.environ.get("KOMET_SOAK") else 2
CABLES = ("a1", "a2", "b1", "b2")
POINT_COUNT = 200  # each toggles every 100 ms: 2,000 events/s
WRITERS = 1
WINDOW = 100  # K of the line
# k is so large that one sync of the journal does not hold the pair up.
PAIR = f"""connects: false
k: 100
w: 50
t1: 1 s
t2: 300 ms
t3: 500 ms
takeover: 300 ms
events: 200000
stations:
  - {{ca: 513, points: [{{ioa: 1001, type: 30, count: {POINT_COUNT}, toggle: {{period: 100 ms}}}}]}}
"""
BACK = 2000  # an output's address is so much more than that of the tag which it follows
TAGS = "".join(
    f"M.T{n:03d},Di,{1001 + n},,\nM.F{n:03d},Dout,{1001 + BACK + n},30,M.T{n:03d}\n" for n in range(POINT_COUNT)
) + "".join(f"M.O{n},Co,{100 + n},33,\n" for n in range(WRITERS))


class Cables:
    """Four cables to one namespace; the ends there are pulled."""

    def __init__(self):
        number = os.getpid() % 60000
        self.name = f"komet{number}"
        self.net = f"10.253.{number % 250}"
        self.out = {cable: f"kms{number}{cable}" for cable in CABLES}

    def address(self, cable, inside):
        return f"{self.net}.{CABLES.index(cable) * 4 + (2 if inside else 1)}"

    def make(self):
        run("ip", "netns", "add", self.name)
        for cable, device in self.out.items():
            run("ip", "link", "add", device, "type", "veth", "peer", "name", cable, "netns", self.name)
            run("ip", "addr", "add", f"{self.address(cable, False)}/30", "dev", device)
            run("ip", "link", "set", device, "up")
            run("ip", "-n", self.name, "addr", "add", f"{self.address(cable, True)}/30", "dev", cable)
            run("ip", "-n", self.name, "link", "set", cable, "up")

    def pull(self, cables):
        for cable in cables:
            run("ip", "-n", self.name, "link", "set", cable, "down")

    def mend(self, cables):
        for cable in cables:
            run("ip", "-n", self.name, "link", "set", cable, "up")

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)
        for device in self.out.values():
            subprocess.run(["ip", "link", "del", device], check=False, capture_output=True)


class Writer(threading.Thread):
    """Sets one output to 1, 2, 3 and so on; `done` has those that Komet says it has sent."""

    def __init__(self, komet, number):
        super().__init__(daemon=True)
        self.tag, self.ioa, self.done, self.stops = f"M.O{number}", 100 + number, [], False
        self.console = subprocess.Popen([KOMET, "tell", "-s", komet.server, "-o", "json"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def run(self):
        for number in itertools.count(1):
            if self.stops:
                break
            self.console.stdin.write(f"SET {self.tag} {number}\n")
            answer = self.console.stdout.readline()
            if not answer:
                break
            if "done" in answer:
                self.done.append(number)
        self.console.stdin.close()
        self.console.wait(20)


class Got:
    """What the pair has recorded, read as it grows."""

    def __init__(self, path):
        self.file, self.rest = open(path, encoding="ascii"), ""
        self.rows = []  # (path, ioa, value, at in s)
        self.file.readline()

    def read(self):
        lines = (self.rest + self.file.read()).split("\n")
        self.rest = lines.pop()
        for line in lines:
            path, _, _, ioa, _, cause, _, _, value, _, _, at_ms = line.split(",")
            if cause == "3":
                self.rows.append((path, int(ioa), int(value), int(at_ms) / 1000))
        return self.rows


class Ends:
    def __init__(self, folder, cables):
        port = free_port()
        at = {cable: f'"{cables.address(cable, True)}:{port}"' for cable in CABLES}
        site = f"""site: s
group: {{name: S, lease: 3 s, servers: [{{name: A, listen: "SERVER"}}]}}
processes:
  SELF.KOM:
    lines:
      L.S:
        protocol: iec104-sinaut
        category: tcp-redundant
        number: 7
        reconnect: 200 ms
        parameters: {{WT1: 1000, WT2: 300, WT3: 500, TKI: 1, W: 8, K: {WINDOW}}}
        partners: [{{name: A, addresses: [{at["a1"]}, {at["a2"]}]}}, {{name: B, addresses: [{at["b1"]}, {at["b2"]}]}}]
        stations: {{B.S: {{address: 513, tags: tags.csv}}}}
"""
        (folder / "pair.yaml").write_text(
            f"systems: {{a: [{at['a1']}, {at['a2']}], b: [{at['b1']}, {at['b2']}]}}\n{PAIR}")
        self.folder, self.cables = folder, cables
        self.komet = KometEnd(folder, site, TAGS)
        self.pair = Pair(folder, prefix=("ip", "netns", "exec", cables.name))
        self.komet.start_server()
        self.komet.start_kom()
        wait_for(self.all_started, "four connections are started")
        self.writers = [Writer(self.komet, number) for number in range(WRITERS)]
        for writer in self.writers:
            writer.start()
        self.got = Got(folder / "pair-got.csv")
        self.began = time.time()

    def all_started(self):
        return [c["state"] for c in self.komet.connections()] == ["started"] * 4

    def newest(self):
        """When the newest event arrived, and our newest value there, in s."""
        values = self.got.read()
        return self.komet.newest_event(), (values[-1][3] if values else 0)

    def carrying(self):
        """The cable that carries the pair's data: that of HOT's connection to which the values come."""
        data = [c for c in self.komet.connections() if c["role"] == "HOT" and "data" in c["path"]]
        return f"{data[0]['partner'].lower()}{data[0]['path'][0]}" if data else None

    def end(self):
        for writer in getattr(self, "writers", []):
            writer.stops = True
            writer.console.kill()
        self.pair.end()
        print(f"---- pair\n{self.pair.text()[-3000:]}")
        self.komet.end()


@pytest.fixture(name="ends")
def make_ends(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    cables, ends = Cables(), None
    try:
        cables.make()
        ends = Ends(tmp_path, cables)
        yield ends
    finally:
        if ends:
            ends.end()
        cables.remove()


def pull(ends, cables):
    """Pulls cables, waits until data comes both ways again and mends them. The two longest pauses, in s."""
    before = ends.komet.newest_seq()
    begin = time.time()
    ends.cables.pull(cables)
    # t1 is one second, and until it is over data may have come just before the pull: longer than that shows that it goes on.
    wait_for(lambda: all(moment > begin + 2.5 for moment in ends.newest()), f"data comes both ways without {cables}")
    end = time.time()
    to_us = longest_pause(ends.komet.arrivals(before), begin, end)
    to_pair = longest_pause(sorted(row[3] for row in ends.got.read() if row[3] > begin), begin, end)
    ends.cables.mend(cables)
    wait_for(ends.all_started, f"four connections are started after {cables}")
    return to_us, to_pair


def check_values(ends):
    """What Komet says it has sent is with a or with b, each system's in order, but for what came again on its next connection:
    no more than was not acknowledged."""
    for writer in ends.writers:
        writer.stops = True
        writer.join(20)
        assert not writer.is_alive()
    repeats = 0
    for writer in ends.writers:
        wait_for(lambda one=writer: not set(one.done) - {row[2] for row in ends.got.read() if row[1] == one.ioa},
                 f"all values of {writer.tag} have arrived")
        for system in "ab":
            seen, last = set(), 0
            for path, ioa, value, _ in ends.got.read():
                if ioa != writer.ioa or path[0] != system:
                    continue
                if value in seen:
                    assert last - value < WINDOW, f"{writer.tag}: {value} again on {path}, behind {last}"
                    repeats += 1
                else:
                    assert value > last, f"{writer.tag}: {value} behind {last} on {path}"
                    last = value
                seen.add(value)
    return sum(len(writer.done) for writer in ends.writers), repeats


def check_followers(ends):
    """Each event that the pair has made came back to a or b, each system's in order. How many, and how many came again."""
    generated = {(int(row["ioa"]), int(row["time_ms"])): row["value"] for row in ends.pair.sent()}
    # A path that takes over is interrogated: what that brings is an event of its own, with the time at which it came.
    asked = {(1001 + int(name[3:]), moment) for name, moment in ends.komet.stored("name, time", "1", cause=20)}
    came = {"a": collections.defaultdict(list), "b": collections.defaultdict(list)}
    wait_for(lambda: not generated.keys() - {(int(row["ioa"]) - BACK, int(row["time_ms"]))
                                             for row in ends.pair.got(cause=3, type=30)},
             "all events have come back", seconds=30)
    for row in ends.pair.got(cause=3, type=30):
        came[row["path"][0]][int(row["ioa"]) - BACK].append((int(row["time_ms"]), row["value"]))
    repeats = 0
    for system, tags in came.items():
        for ioa, events in tags.items():
            first = list(dict.fromkeys(events))
            repeats += len(events) - len(first)
            made = [event for event in first if (ioa, event[0]) in generated and (ioa, event[0]) not in asked]
            assert made == sorted(made), f"{ioa} on {system}: not in order"
            wrong = [event for event in made if generated[ioa, event[0]] != event[1]]
            assert not wrong, f"{ioa} on {system}: {wrong[:3]}"
    return len(generated), repeats


def test_each_cable_and_each_two_are_pulled(ends):
    wait_for(lambda: all(moment > ends.began for moment in ends.newest()), "data comes both ways")
    pulled = [[cable] for cable in CABLES] + [list(two) for two in itertools.combinations(CABLES, 2)]
    carrying = {"to Komet": [], "to the pair": []}
    others = {"to Komet": [], "to the pair": []}
    for _ in range(ROUNDS):
        for cables in pulled:
            kind = carrying if ends.carrying() in cables else others
            for where, pause in zip(kind, pull(ends, cables)):
                kind[where].append(pause)
    for where in carrying:
        print_pauses(f"without data {where}, the cable that carried it pulled", carrying[where])
        print_pauses(f"without data {where}, another one", others[where])
    seconds = time.time() - ends.began
    values, repeats = check_values(ends)
    back, back_again = check_followers(ends)
    events = check_every_event(ends.komet, ends.pair, lambda ioa: f"M.T{ioa - 1001:03d}")
    print(f"{events} events to Komet ({events / seconds:.0f} a second); to the pair {back} of outputs that follow "
          f"({back / seconds:.0f} a second), of which {back_again} came again on another connection, and {values} that were set "
          f"({values / seconds:.0f} a second), of which {repeats} did")
