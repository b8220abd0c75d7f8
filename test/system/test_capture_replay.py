"""A real capture's station side, replayed by `komet sim` into a running site: the tags end with its last values."""

import json
import os
import pathlib
import subprocess

import pytest

from komet_site import KOMET, wait_for

PROJECT = pathlib.Path(__file__).resolve().parents[2]
OWN = PROJECT / "test" / "data" / "captures"
MORE = pathlib.Path(os.environ.get("KOMET_CAPTURES", PROJECT.parent / "shared" / "captures"))
CAPTURES = sorted(path for folder in (OWN, MORE) for path in folder.glob("*.pcap*"))

# The tag that takes an ASDU type, as doc/configuration.md has it.
TAG_OF_TYPE = {
    **dict.fromkeys((1, 2, 30), "Di"),
    **dict.fromkeys((3, 4, 31), "Qi"),
    **dict.fromkeys((9, 10, 34, 11, 12, 35, 13, 14, 36, 21), "Ai"),
    **dict.fromkeys((15, 16, 37), "Ci"),
}


def station_objects(capture):
    """(common address, objects in order) of the station with the most ASDUs."""
    run = subprocess.run([KOMET, "dump", "--json", str(capture)], capture_output=True, text=True, timeout=60, check=True)
    stations = {}
    for line in map(json.loads, run.stdout.splitlines()):
        if line["source"].endswith(":2404") and line.get("asdu"):
            stations.setdefault(line["source"], []).append(line["asdu"])
    asdus = max(stations.values(), key=len)
    objects = [(asdu["type"], item) for asdu in asdus for item in asdu["objects"] if asdu["type"] in TAG_OF_TYPE]
    return asdus[0]["ca"], len(asdus), objects


def last_values(objects):
    """Address → its tag's type and last object, for addresses that keep to one type of tag."""
    types, last = {}, {}
    for asdu_type, item in objects:
        types.setdefault(item["ioa"], set()).add(TAG_OF_TYPE[asdu_type])
        before = last.get(item["ioa"])
        # An event older than the current value is recorded and does not overwrite it.
        if not (before and before.get("time") and item.get("time") and item["time"] < before["time"]):
            last[item["ioa"]] = item
    return {ioa: (kind.pop(), last[ioa]) for ioa, kind in types.items() if len(kind) == 1}


def same(tag, kind, item):
    value = item["value"]
    if kind == "Di":
        return tag["value"] is bool(value)
    if kind == "Qi":
        return tag["value"] == ["Trans", "Off", "On", "Err"][value]
    return tag["value"] == pytest.approx(float(value), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_the_tags_end_with_the_captures_last_values(new_site, capture):
    ca, asdu_count, objects = station_objects(capture)
    expected = last_values(objects)
    tags = "".join(f"M.T{ioa},{kind},{ioa},,,\n" for ioa, (kind, _) in sorted(expected.items()))
    site = new_site(tags=tags or "M.NONE,Di,16000000,,,\n", common_address=ca)
    station = site.start_station("--speed", "200", plan=("--capture", str(capture)))
    site.start_server()
    site.start_kom(1)
    wait_for(lambda: "all of the capture was sent and acknowledged" in station.text(), f"{asdu_count} ASDUs replayed",
             seconds=60)
    found = {int(tag["name"][3:]): tag for tag in site.tell("TAG", "M.T*")} if expected else {}
    assert found.keys() == expected.keys()
    for ioa, (kind, item) in expected.items():
        assert same(found[ioa], kind, item), f"address {ioa}: tag {found[ioa]}, capture {item}"
        if item.get("time") and "IV" not in item["quality"]:
            assert found[ioa]["time"] == item["time"], f"address {ioa}"
