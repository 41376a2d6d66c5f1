"""Many chargers at one bridge: memory, processor time, answer times, and a reconnect storm with kill -9 in it.

Usage: site_bench.py BIN_DIR [--chargers 2000] [--seconds 600] [--no-kill] [--json FILE]

A devnet of its own; all chargers charge at once and report every 10 s for so many seconds, then lose their connections at
the same moment, in which the bridge is killed and started again. At the end every charge must be on the ledger exactly once.
"""

import argparse
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "e2e"))

# pylint: disable=wrong-import-position
from charger_fleet import Fleet, begun, check_each_once, wait_all_told  # noqa: E402
from harness import Devnet, check, check_equal  # noqa: E402

SCRIPT = """name = "site"
story = "charges among many, and loses the connection with all others"
full_w = 7000
step = [
    {{ do = "swipe", prepaid = "50.00" }},
    {{ do = "start" }},
    {{ do = "charge", seconds = 1 }},
    {{ do = "together" }},
    {{ do = "charge", seconds = {seconds} }},
    {{ do = "together" }},
    {{ do = "reconnect" }},
    {{ do = "charge", seconds = 20 }},
    {{ do = "stop" }},
]
"""


def resident_bytes(pid):
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def other_load(before, after, own):
    """Share of the machine that others used in between, of all its processors."""
    def busy(stat):
        ticks = [int(value) for value in stat.split()[1:9]]
        return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    return busy(after) - busy(before) - own


def machine_ticks():
    return pathlib.Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]


def measure(net, options):
    script = os.path.join(net.folder, "site.toml")
    with open(script, "w", encoding="utf-8") as file:
        file.write(SCRIPT.format(seconds=options.seconds))
    bridge = net.bridge("AAA")["pid"]
    idle = resident_bytes(bridge)
    fleet = Fleet(net, "--count", str(options.chargers), "--script", script, "--speed", "1", "--sample", "10",
                  "--starts-per-second", str(options.starts_per_second), "--give-up", "900")
    check(fleet.wait_line("all are together"), "the chargers did not all begin to charge")
    begin, cpu, machine = time.monotonic(), processor_seconds(bridge), machine_ticks()
    figures = {"chargers": options.chargers, "resident_idle": idle}
    check(fleet.wait_line("all are together"), "the charges did not last")
    elapsed = time.monotonic() - begin
    used = processor_seconds(bridge) - cpu
    figures |= {"seconds": round(elapsed, 1), "resident_charging": resident_bytes(bridge),
                "bytes_per_charger": (resident_bytes(bridge) - idle) // options.chargers,
                "bridge_processor_share": round(used / elapsed, 4),
                "all_else_processor_share": round(other_load(machine, machine_ticks(), used) / elapsed, 2)}
    if not options.no_kill:
        net.kill("bridge-AAA")
        net.run("devnet", "start", "bridge-AAA", "--dir", net.net, "--no-wait")
    summary = fleet.finish(timeout_s=1800)
    check_equal(summary["failures"], [], "failures")
    accepted = begun(summary["charges"])
    # On a machine that is busy with other things some swipes are refused: their time was over.
    check(len(accepted) >= options.chargers * 4 // 5, f"only {len(accepted)} charges began")
    for charge in accepted:
        check(charge["ended"], f"a charge is not whole: {charge}")
    wait_all_told(net, "AAA", len(accepted), deadline_s=900)
    check_each_once(net, "AAA", summary["charges"])
    figures |= {"killed_in_the_storm": not options.no_kill, "connections": summary["connections"],
                "messages": summary["messages"], "meter_values_ms": summary["phases"][1]["MeterValues"],
                "all_ms": summary["latencies"]["all"], "charges_recorded_once": len(accepted)}
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--chargers", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--starts-per-second", type=int, default=20)
    parser.add_argument("--no-kill", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    customers = min(9_999, 2 * options.chargers + 8)
    with Devnet(options.bin_dir, operators=2, up_options=["--bridges", "1", "--chargers", str(options.chargers),
                                                          "--customers", str(customers)]) as net:
        figures = measure(net, options)
    text = json.dumps(figures, indent=2)
    if options.json:
        pathlib.Path(options.json).write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
