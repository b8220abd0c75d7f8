"""A whole site of real processes for the system tests: station, server, instances, console, in a folder of its own.

Every wait is for a condition, with a deadline. Ports are asked from the system. Everything that was started is
killed at the end, whatever happened.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

KOMET = os.environ.get("KOMET", str(pathlib.Path(__file__).parents[2] / "build" / "komet"))
PATIENCE_S = 20


GIVEN_PORTS = set()


def free_port():
    """A port of which nothing is heard, another one each time: the system gives one again that was just closed."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in GIVEN_PORTS:
            GIVEN_PORTS.add(port)
            return port


def wait_for(condition, what, seconds=PATIENCE_S):
    """Calls `condition` until it gives something true, which is returned."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        pause.wait(0.02)


class Process:
    """One started program; its standard error is in a file."""

    def __init__(self, name, folder, arguments, program=KOMET):
        self.name = name
        self.log = folder / f"{name}.log"
        self.output = open(self.log, "ab")
        self.popen = subprocess.Popen([program, *arguments], stdout=self.output, stderr=self.output, cwd=folder)

    def text(self):
        return self.log.read_text(errors="replace")

    def runs(self):
        return self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def end(self):
        if self.runs():
            self.popen.send_signal(signal.SIGCONT)
            self.popen.kill()
        self.popen.wait(PATIENCE_S)
        self.output.close()


class Site:
    """site.yaml, a station file and the processes made from them."""

    def __init__(self, folder, points, tags, site_extra="", line_parameters="{WT1: 1000, WT2: 500, WT3: 2000}",
                 common_address=1, lease="3 s", station_extra=""):
        self.folder = folder
        self.station_port, self.server_port = free_port(), free_port()
        self.server_address = f"127.0.0.1:{self.server_port}"
        self.processes = []
        self.kom_tls, self.tell_tls = [], []
        (folder / "site.yaml").write_text(
            f"""site: test
group: {{name: TEST, lease: {lease}, servers: [{{name: A, listen: "{self.server_address}"}}]}}
processes:
  SELF.KOM:
    lines:
      L.RTU:
        protocol: iec104
        category: tcp
        number: 3
        hosts: ["127.0.0.1:{self.station_port}"]
        reconnect: 100 ms
        parameters: {line_parameters}
        stations:
          B.RTU: {{address: {common_address}, tags: rtu.csv{station_extra}}}
{site_extra}"""
        )
        (folder / "rtu.csv").write_text("name,type,address,asdu,unit,description\n" + tags)
        (folder / "rtu.sim.yaml").write_text(points)

    def certificate(self, *words, folder="tls"):
        """`komet certificate` for this site; returns what it printed."""
        done = subprocess.run([KOMET, "certificate", folder, "--name", "test", *words], text=True, capture_output=True,
                              timeout=20, cwd=self.folder, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def use_tls(self):
        """From now on all speak TLS: server A, SELF.KOM and the user operator."""
        self.certificate("--server", "A", "--kom", "SELF.KOM", "--user", "operator")
        text = (self.folder / "site.yaml").read_text()
        (self.folder / "site.yaml").write_text(text.replace("servers: [{name: A,", "servers: [{name: A, tls: tls/server-A,"))
        self.kom_tls = ["--tls", str(self.folder / "tls" / "kom-SELF.KOM")]
        self.tell_tls = ["--tls", str(self.folder / "tls" / "user-operator")]

    def start(self, name, *arguments):
        process = Process(name, self.folder, list(arguments))
        self.processes.append(process)
        return process

    def start_station(self, *arguments, plan=("rtu.sim.yaml",)):
        return self.start("station", "sim", *plan, "--listen", f"127.0.0.1:{self.station_port}", *arguments)

    def start_server(self):
        server = self.start("server", "server", "--site", ".", "--data", "data")
        wait_for(lambda: self.tell_code("VERSION") == 0, "the server answers")
        return server

    def start_kom(self, instance):
        name = f"SELF.KOM,{instance}" if instance else "SELF.KOM"
        return self.start(f"kom{instance}", "kom", "-W", name, "-S", self.server_address, *self.kom_tls)

    def run_tell(self, *words, timeout=60):
        return subprocess.run([KOMET, "tell", "-s", self.server_address, *self.tell_tls, "-o", "json", *words], text=True,
                              capture_output=True, timeout=timeout, check=False)

    def tell_code(self, *words):
        return self.run_tell(*words).returncode

    def tell(self, *words):
        done = self.run_tell(*words)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return json.loads(done.stdout)

    def instance(self, number):
        process = self.tell("PROCESS", "SELF.KOM")[0]
        return next((i for i in process["instances"] if i["instance"] == number), None)

    def active(self):
        done = self.run_tell("PROCESS", "SELF.KOM")
        if done.returncode != 0:
            return None
        active = [i["instance"] for i in json.loads(done.stdout)[0]["instances"] if i["role"] == "active"]
        assert len(active) <= 1, f"two instances are active: {active}"
        return active[0] if active else None

    def value(self, tag):
        return self.tell("TAG", tag)[0]

    def end(self):
        for process in self.processes:
            process.end()
