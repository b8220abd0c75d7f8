"""What tables of tags say in the column processing, from the station's octets to the journal and back."""

from komet_site import wait_for

POINTS = """ca: 1
replay: events.csv
points:
  - {ioa: 1001, type: 30, count: 3, constant: 0}
  - {ioa: 3001, type: 36, count: 7, constant: 0}
  - {ioa: 5001, type: 50, count: 2, follows: 3006}
"""
TAGS = """name,type,address,asdu,processing
M.TRAP,Di,1001,,changes-only
M.TIMED,Di,1002,,changes-only; new-time
M.INVERTED,Di,1003,,invert
M.LIMITED,Ai,3001,,scale=2; limit=0 100
M.DISCARDED,Ai,3002,,discard=0 100
M.BANDED,Ai,3003,,deadband=0.5
M.QUIET,Ai,3004,,zero-band=0.25
M.CURVE,Ai,3005,,polynomial=1 2 3
M.BACK1,Ai,3006,,scale=0.5
M.BACK2,Ai,3007,,
M.REFUSED,Ao,5001,50,scale=0.5; range=0 80
M.BOUNDED,Ao,5002,50,limit=0 80
"""
# Address: what the station says, and what is recorded of it.
SAID = {
    "M.TRAP": (1001, [0, 0, 1, 1, 0], [False, True, False]),
    "M.TIMED": (1002, [0, 0, 1, 1, 0], [False, False, True, True, False]),
    "M.INVERTED": (1003, [0, 1, 1], [True, False, False]),
    "M.LIMITED": (3001, [-1, 25, 60], [0, 50, 100]),
    "M.DISCARDED": (3002, [50, 101, -1, 51], [50, 51]),
    "M.BANDED": (3003, [10, 10.25, 10.5, 10.75, 10], [10, 10.5, 10]),
    "M.QUIET": (3004, [0.25, -0.125, 0.5], [0, 0, 0.5]),
    "M.CURVE": (3005, [0, 1, 2], [1, 6, 17]),
}


def events(site, tag):
    return [row["value"] for row in site.tell("EVENTS", tag)]


def test_steps_of_processing(new_site):
    site = new_site(points=POINTS)
    (site.folder / "rtu.csv").write_text(TAGS)
    text = (site.folder / "site.yaml").read_text().replace("tags: rtu.csv", "tags: rtu.csv, parameters: {OIC: 0}")
    (site.folder / "site.yaml").write_text(text)  # not interrogated: only events
    rows = [(address, value) for address, values, _ in SAID.values() for value in values]
    rows += [(1001, 0)] * 40 + [(1001, 1)]  # more than k frames may be held back at a time
    (site.folder / "events.csv").write_text(
        "time_ms,ioa,value\n" + "".join(f"{5 * n},{address},{value}\n" for n, (address, value) in enumerate(rows)))
    site.start_station()
    site.start_server()
    site.start_kom(1)
    wait_for(lambda: events(site, "M.TRAP")[-2:] == [False, True], "the last event")
    assert events(site, "M.TRAP") == SAID["M.TRAP"][2] + [True]
    for tag, (_, _, recorded) in SAID.items():
        if tag != "M.TRAP":
            assert events(site, tag) == recorded, tag

    assert site.tell("SET", "M.REFUSED", "80")["result"] == "done"
    wait_for(lambda: site.value("M.BACK1")["value"] == 80, "the set point's feedback")
    refused = site.run_tell("SET", "M.REFUSED", "80.5")
    assert refused.returncode == 1 and "80.5 is outside the tag's range, 0 to 80" in refused.stderr + refused.stdout
    assert site.tell("SET", "M.BOUNDED", "99")["value"] == 80
    wait_for(lambda: site.value("M.BACK2")["value"] == 80, "the limited set point's feedback")

    shown = {row["name"]: row for row in site.tell("SHOW", "M.LIMITED", "PARAMETERS")}
    assert shown["limit"]["value"] == "0 100" and shown["limit"]["given"]
    assert shown["scale"]["value"] == "2" and not shown["deadband"]["given"]
    assert "range" not in shown  # which is for outputs
    mistaken = site.run_tell("SHOW", "M.LIMITD", "PARAMETERS")
    assert mistaken.returncode == 1 and "M.LIMITED" in mistaken.stderr


def test_a_wrong_step_is_told_with_its_column(new_site):
    site = new_site()
    (site.folder / "rtu.csv").write_text("name,type,address,processing\nM.A,Ai,1,scale=2; limit=0 x\nM.B,Di,2,deadbnd=1\n")
    done = site.start("check", "check", ".")
    assert done.popen.wait(20) == 1
    assert "rtu.csv:2:27: limit: MAX is 'x'; a number, inf for no bound" in done.text()
    assert "rtu.csv:3:10: processing 'deadbnd' is not known; did you mean 'deadband'?" in done.text()
