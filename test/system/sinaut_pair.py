"""A Komet site against `komet sim --pair`: a simulated Sinaut partner of real processes, told what to do while it runs.

The networks are 127.1.0.0/16 and 127.2.0.0/16 of the loopback, so that no privilege is needed.
"""

import collections
import contextlib
import csv
import json
import sqlite3
import subprocess

from komet_site import KOMET, Process, free_port, wait_for


class Pair(Process):
    """The pair; orders go to its standard input. `prefix`: words in front of the program, such as those of a namespace."""

    def __init__(self, folder, name="pair", prefix=()):
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self.output = open(self.log, "ab")
        words = [*prefix, KOMET, "sim", "--pair", f"{name}.yaml", "--log", f"{name}-sent.csv", "--received", f"{name}-got.csv"]
        self.popen = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=self.output, stderr=self.output, cwd=folder)

    def order(self, text):
        self.popen.stdin.write(text.encode() + b"\n")
        self.popen.stdin.flush()

    def rows(self, what):
        """Whole rows of a record: the last one may still be written."""
        text = (self.folder / f"{self.name}-{what}.csv").read_text()
        return list(csv.DictReader(text[:text.rfind("\n") + 1].splitlines()))

    def sent(self):
        return self.rows("sent")

    def got(self, **wanted):
        """What came and has these words in its columns."""
        return [row for row in self.rows("got") if all(row[key] == str(value) for key, value in wanted.items())]


class KometEnd:
    """The site: a server and its instances."""

    def __init__(self, folder, site, tags, host="127.0.0.1"):
        self.folder, self.processes = folder, []
        folder.mkdir(exist_ok=True)
        self.server = f"{host}:{free_port()}"
        (folder / "site.yaml").write_text(site.replace("SERVER", self.server))
        (folder / "tags.csv").write_text("name,type,address,asdu,source\n" + tags)

    def start(self, name, *arguments):
        process = Process(name, self.folder, list(arguments))
        self.processes.append(process)
        return process

    def start_server(self):
        server = self.start("server", "server", "--site", ".", "--data", "data")
        wait_for(lambda: self.run_tell("VERSION").returncode == 0, "the server answers")
        return server

    def start_kom(self, instance=None):
        name = "SELF.KOM" if instance is None else f"SELF.KOM,{instance}"
        return self.start(f"kom{instance or ''}", "kom", "-W", name, "-S", self.server)

    def run_tell(self, *words):
        return subprocess.run([KOMET, "tell", "-s", self.server, "-o", "json", *words], text=True, capture_output=True,
                              timeout=60, check=False)

    def tell(self, *words):
        done = self.run_tell(*words)
        assert done.returncode == 0, f"{words}: {done.stderr}{done.stdout}"
        return json.loads(done.stdout)

    def tag(self, name):
        return self.tell("TAG", name)[0]

    def value(self, name):
        return self.tag(name)["value"]

    def line(self):
        return self.tell("LINE", "L.S")[0]

    def connections(self):
        return self.line()["connections"]

    def acting(self):
        """Those of the instance that acts."""
        line = self.line()
        return [c for c in line["connections"] if c["instance"] == line["instance"]]

    def hot(self):
        """The name of the partner that is HOT; None: nobody."""
        return next((c["partner"] for c in self.acting() if c["role"] == "HOT"), None)

    def data_path(self, partner):
        """The number of the network that carries a partner's data; None: none."""
        return next((int(c["path"][0]) for c in self.acting() if c["partner"] == partner and "data" in c["path"]), None)

    def said(self, text):
        return any(text in process.text() for process in self.processes if process.name.startswith("kom"))

    def stored(self, columns, where, *values, cause=3):
        """Rows of the journal's events that came with a cause, asked of the file, so that the server does nothing for it."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/data/journal.db?mode=ro", uri=True)) as journal:
            return journal.execute(f"SELECT {columns} FROM events JOIN tags ON tags.id = events.tag"
                                   f" WHERE (cause >> 8 & 255) = {cause} AND connection > 0 AND {where}", values).fetchall()

    def newest_event(self):
        """When the newest event arrived, in s; 0: none did."""
        rows = self.stored("arrived", "1 ORDER BY seq DESC LIMIT 1")
        return rows[0][0] / 1000 if rows else 0

    def arrivals(self, behind):
        """When the events behind that seq arrived, in s, sorted."""
        return sorted(row[0] / 1000 for row in self.stored("arrived", "seq > ?", behind))

    def newest_seq(self):
        rows = self.stored("seq", "1 ORDER BY seq DESC LIMIT 1")
        return rows[0][0] if rows else 0

    def end(self):
        for process in self.processes:
            process.end()
            print(f"---- {process.name}\n{process.text()[-3000:]}")


def check_every_event(komet, pair, tag_of):
    """What the pair generated until now is in the journal, each once, in order. Returns how many. `tag_of`: of an address."""
    truth, found = collections.defaultdict(list), collections.defaultdict(list)
    generated = len(pair.sent())
    wait_for(lambda: komet.stored("count(*)", "1")[0][0] >= generated, "the events until now are stored", seconds=60)
    for name, number, moment in komet.stored("name, number, time", "1 ORDER BY seq"):
        found[name].append((moment, number))
    for row in pair.sent():  # read afterwards: it has all that was stored, and more
        truth[tag_of(int(row["ioa"]))].append((int(row["time_ms"]), float(row["value"])))
    assert sum(map(len, found.values())) >= generated
    for name, events in found.items():
        wrong = next((at for at, (got, sent) in enumerate(zip(events, truth[name])) if got != sent), None)
        assert wrong is None, f"{name}: {events[wrong:wrong + 3]} in the place of {truth[name][wrong:wrong + 3]}"
    return generated


def longest_pause(moments, begin, end):
    """Of arrivals, in s, sorted: the longest time without one between `begin` and `end`."""
    inside = [begin] + [moment for moment in moments if begin < moment < end]
    return max((later - earlier for earlier, later in zip(inside, inside[1:])), default=0)


def print_pauses(what, pauses):
    pauses = sorted(pauses)
    if pauses:
        print(f"{what}: {len(pauses)} times, p50 {pauses[len(pauses) // 2] * 1000:.0f} ms, "
              f"p99 {pauses[min(len(pauses) - 1, len(pauses) * 99 // 100)] * 1000:.0f} ms, longest {pauses[-1] * 1000:.0f} ms")
