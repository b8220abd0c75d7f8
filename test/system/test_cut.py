"""The cable of the active instance is cut: it stops by its own clock, the other one takes over, nothing is lost."""

import datetime
import os
import re
import subprocess

import pytest

from komet_site import KOMET, Process, wait_for

POINTS = """ca: 1
events: 200000
points:
  - {ioa: 1001, type: 30, count: 20, toggle: {period: 100 ms}}
"""
TAGS = "".join(f"M.T{n:02d},Di,{1001 + n},,,\n" for n in range(20))
LEASE_S = 0.6


def run(*words):
    subprocess.run(words, check=True, capture_output=True, timeout=20)


class Namespace:
    """A network namespace behind a cable: HOST is its address of this end, and the cable can be cut."""

    def __init__(self):
        number = os.getpid() % 60000
        self.name = f"komet{number}"
        self.cable = f"kmt{number}"
        self.host = f"10.254.{number // 250}.{number % 250 // 4 * 4 + 1}"

    def make(self):
        inside = self.host.rsplit(".", 1)[0] + "." + str(int(self.host.rsplit(".", 1)[1]) + 1)
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "addr", "add", f"{self.host}/30", "dev", self.cable)
        run("ip", "link", "set", self.cable, "up")
        run("ip", "-n", self.name, "addr", "add", f"{inside}/30", "dev", "eth0")
        run("ip", "-n", self.name, "link", "set", "eth0", "up")
        run("ip", "-n", self.name, "link", "set", "lo", "up")

    def cut(self):
        run("ip", "link", "set", self.cable, "down")

    def mend(self):
        run("ip", "link", "set", self.cable, "up")

    def blackhole(self):
        run("ip", "-n", self.name, "route", "add", "blackhole", f"{self.host}/32")

    def whitehole(self):
        run("ip", "-n", self.name, "route", "del", "blackhole", f"{self.host}/32")

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self.cable], check=False, capture_output=True)


@pytest.fixture(name="cable")
def namespace():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    cable = Namespace()
    try:
        cable.make()
        yield cable
    finally:
        cable.remove()


@pytest.fixture(name="cut_site")
def site_with_a_remote_instance(new_site, cable):
    site = new_site(points=POINTS, tags=TAGS, lease="600 ms")
    text = (site.folder / "site.yaml").read_text()
    (site.folder / "site.yaml").write_text(text.replace("127.0.0.1", cable.host))
    site.use_tls()  # beyond this machine nothing else is spoken
    site.server_address = f"{cable.host}:{site.server_port}"
    site.start("station", "sim", "rtu.sim.yaml", "--listen", f"{cable.host}:{site.station_port}", "--log", "truth.csv")
    site.start_server()
    words = ["netns", "exec", cable.name, KOMET, "kom", "-W", "SELF.KOM,1", "-S", site.server_address, *site.kom_tls]
    site.kom1 = Process("kom1", site.folder, words, program="ip")
    site.processes.append(site.kom1)
    wait_for(lambda: site.active() == 1, "instance 1 is active")
    site.kom2 = site.start_kom(2)
    wait_for(lambda: site.instance(2), "instance 2 is connected")
    wait_for(lambda: len(site.tell("EVENTS")) > 50, "events")
    return site


def moment(process, sentence):
    """When `sentence` was first said in a log, in seconds."""
    line = re.search(rf"^(\S+Z) .*{re.escape(sentence)}", process.text(), re.MULTILINE)
    assert line, f"{process.name} never said: {sentence}"
    return datetime.datetime.fromisoformat(line.group(1).replace("Z", "+00:00")).timestamp()


def check_take_over(site, cut_at):
    wait_for(lambda: site.active() == 2, "instance 2 is active", seconds=5)
    wait_for(lambda: any(row["instance"] == 2 for row in site.tell("EVENTS", "M.*")), "values from instance 2")
    server = next(process for process in site.processes if process.name == "server")
    granted = moment(server, "SELF.KOM,2 is active")
    # The lease of the lost one ran out before, by its own clock.
    wait_for(lambda: "the grant was not renewed" in site.kom1.text(), "instance 1 notices")
    assert moment(site.kom1, "the grant was not renewed") <= granted
    first = min(row["arrived"] for row in site.tell("EVENTS", "M.*") if row["instance"] == 2)
    first_at = datetime.datetime.fromisoformat(first.replace("Z", "+00:00")).timestamp()
    print(f"cut to grant {granted - cut_at:.3f} s, to first value {first_at - cut_at:.3f} s")
    assert granted - cut_at < LEASE_S + 0.4


def check_every_event(site):
    stored, truth = {}, {}
    for row in site.tell("EVENTS"):
        if row["cot"] == 3:
            time_ms = round(datetime.datetime.fromisoformat(row["time"].replace("Z", "+00:00")).timestamp() * 1000)
            stored.setdefault(row["name"], []).append((time_ms, row["value"]))
    # Read afterwards: it has all that was stored, and more.
    for line in (site.folder / "truth.csv").read_text().splitlines()[1:]:
        ioa, _, value, time_ms = line.split(",")
        truth.setdefault(f"M.T{int(ioa) - 1001:02d}", []).append((int(time_ms), float(value) != 0))
    for name, found in stored.items():
        assert found == truth[name][: len(found)], f"{name}: lost, doubled or out of order"


@pytest.mark.parametrize("how", ["cable", "route"])
def test_the_other_instance_takes_over(cut_site, cable, how):
    site = cut_site
    cut_at = datetime.datetime.now(datetime.timezone.utc).timestamp()
    cable.cut() if how == "cable" else cable.blackhole()
    check_take_over(site, cut_at)
    count = len(site.tell("EVENTS"))
    wait_for(lambda: len(site.tell("EVENTS")) > count + 200, "events go on")
    cable.mend() if how == "cable" else cable.whitehole()
    wait_for(lambda: (site.instance(1) or {}).get("role") == "passive", "instance 1 is back and passive", seconds=30)
    assert site.active() == 2 and site.kom1.runs()
    check_every_event(site)


def test_a_plain_console_goes_no_further_than_this_machine(cut_site):
    site = cut_site
    refused = subprocess.run([KOMET, "tell", "-s", site.server_address, "VERSION"], text=True, capture_output=True, timeout=30,
                             check=False)
    assert refused.returncode == 1
    assert "tls-required: the server is on another machine, where only TLS is spoken" in refused.stderr
    assert site.active() == 1
