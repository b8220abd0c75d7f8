"""Fixtures of the system tests."""

import pytest

from komet_site import Site, wait_for

POINTS = """ca: 1
points:
  - {ioa: 1001, type: 30, count: 8, toggle: {period: 200 ms}}
  - {ioa: 3001, type: 36, constant: 12.5}
  - {ioa: 5001, type: 45, follows: 1101}
  - {ioa: 1101, type: 30, constant: 0}
  - {ioa: 5003, type: 50, follows: 3101}
  - {ioa: 3101, type: 36, constant: 0}
"""
TAGS = "".join(f"M.D{n},Di,{1001 + n},,,\n" for n in range(8)) + """M.U,Ai,3001,,kV,voltage
M.Q,Di,1101,,,breaker
M.Q.CMD,Dout,5001,45,,breaker command
M.P,Ai,3101,,MW,power
M.P.SET,Ao,5003,50,MW,set point
M.NONE.CMD,Dout,9999,45,,an address that the station has not
"""


@pytest.fixture(name="new_site")
def make_site(tmp_path):
    """A function that makes a site; all sites are ended with the test, their logs shown when it failed."""
    made = []

    def new(points=POINTS, tags=TAGS, **more):
        made.append(Site(tmp_path, points, tags, **more))
        return made[-1]

    yield new
    for site in made:
        site.end()
        for process in site.processes:
            print(f"---- {process.name}\n{process.text()[-3000:]}")


@pytest.fixture(name="site")
def running_site(new_site):
    """Station, server and two instances, the first of them active, values arrived."""
    site = new_site()
    site.start_station()
    site.server = site.start_server()
    site.kom1 = site.start_kom(1)
    wait_for(lambda: site.active() == 1, "instance 1 is active")
    site.kom2 = site.start_kom(2)
    wait_for(lambda: site.instance(2), "instance 2 is connected")
    wait_for(lambda: site.value("M.U")["status"] == "Valid", "the first value")
    return site
