"""Many chargers at one bridge: memory, processor time, answer times, reconnect storms, and kill -9 in one of them.

Usage: site_bench.py BIN_DIR [--chargers 2000] [--seconds 600] [--tls] [--in-step] [--no-kill] [--json FILE]

A devnet of its own. All chargers begin a charge, then report every 10 s for so many seconds (each at a moment of its own, or
all at the same with --in-step). Then they lose their connections at the same moment and come back. Then they are cut off,
go on, end their charges, and come back at the same moment with what they have to say: in this storm the bridge is killed
(-9) three times, when so and so many messages were sent. At the end every charge must be on the ledger exactly once, with
the energy that its charger counted.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "e2e"))

# pylint: disable=wrong-import-position
from charger_fleet import Fleet, begun, bridge_metric, check_each_once, wait_all_told  # noqa: E402
from harness import Devnet, check, check_equal, wait_until  # noqa: E402

SAMPLE_S = 10
CUT_OFF_S = 20
TOGETHER = "all are together"
# The time between two meetings is a phase.
PHASES = ["begin", "charging", "storm", "cut_off", "return"]
SCRIPT = """name = "site"
story = "charges among many, and loses the connection with all others"
full_w = 7000
step = [
    {{ do = "swipe", prepaid = "50.00", tries = 1000 }},
    {{ do = "start" }},
    {{ do = "charge", seconds = 1 }},
    {{ do = "together" }},
    {{ do = "wait", seconds = {spread}, random = true }},
    {{ do = "charge", seconds = {seconds} }},
    {{ do = "together" }},
    {{ do = "reconnect" }},
    {{ do = "together" }},
    {{ do = "offline" }},
    {{ do = "charge", seconds = {cut_off} }},
    {{ do = "stop" }},
    {{ do = "together" }},
    {{ do = "online" }},
]
"""
TLS = """
[ocpp.tls]
ec_certificate_file = "{folder}/site.pem"
ec_key_file = "{folder}/site.key"
"""


def proc(pid, name):
    return pathlib.Path(f"/proc/{pid}/{name}").read_text(encoding="ascii")


def resident_bytes(pid):
    return int(proc(pid, "statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid):
    fields = proc(pid, "stat").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_seconds():
    """Of the machine since it started, all processors together."""
    ticks = [int(value) for value in pathlib.Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def folder_bytes(folder):
    return sum(file.stat().st_size for file in pathlib.Path(folder).rglob("*") if file.is_file())


def bridge_text(net, path):
    request = urllib.request.Request(net.bridge("AAA")["api"] + path)
    request.add_header("Authorization", "Bearer " + net.manifest["admin_token"])
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def evidence_figures(net, charges=20):
    """What is kept of a charge for ever: texts, and their bytes with the keys they are stored under (21 and 33 + 35 bytes)."""
    names = [item["hash"] for item in json.loads(bridge_text(net, "/api/v1/evidence"))["items"]][:charges]
    kept = [[json.loads(line) for line in bridge_text(net, "/api/v1/evidence/" + name).splitlines()[1:]] for name in names]
    texts = sum(len(one) for one in kept)
    size = sum(21 + len(text.encode()) for one in kept for text in one) + 68 * len(kept)
    return {"evidence_texts_per_charge": round(texts / len(kept), 1), "evidence_bytes_per_charge": size // len(kept)}


class Watch:
    """Processor time that each program uses between two looks."""

    def __init__(self, pids):
        self.pids = pids
        self.begin = self.look()

    def look(self):
        seconds = {name: processor_seconds(pid) for name, pid in self.pids.items()}
        return time.monotonic(), seconds, busy_seconds()

    def figures(self):
        (begin, before, busy_before), (end, after, busy_after) = self.begin, self.look()
        elapsed = end - begin
        used = {name: after[name] - before[name] for name in self.pids}
        used["all_else"] = busy_after - busy_before - sum(used.values())
        return {"seconds": round(elapsed, 1),
                "processor_share": {name: round(value / elapsed, 4) for name, value in used.items()}}


def use_tls(net):
    """The devnet's bridge under TLS with a certificate of its own; gives the chargers' options."""
    folder = os.path.join(net.net, "bridge-AAA")
    pem, key = os.path.join(folder, "site.pem"), os.path.join(folder, "site.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "30", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", key, "-out", pem], check=True, capture_output=True)
    os.chmod(key, 0o600)
    path = pathlib.Path(folder, "bridge.toml")
    # Behind [ocpp]: what follows in the file are tables of their own.
    path.write_text(path.read_text(encoding="utf-8") + TLS.format(folder=folder), encoding="utf-8")
    net.kill("bridge-AAA")
    net.restart("bridge-AAA")
    return ["--url", net.bridge("AAA")["ocpp"].replace("ws://", "wss://"), "--ca", pem]


def kill_at_marks(net, fleet):
    """kill -9 of the bridge whenever the fleet says that it is time, until it is done; how often."""
    killed = 0
    while fleet.wait_line("of phase"):
        net.kill("bridge-AAA")
        net.run("devnet", "start", "bridge-AAA", "--dir", net.net, "--no-wait")
        killed += 1
    return killed


def marks(options):
    """Some hundred messages into the return, while most chargers wait for their answers, and later."""
    if options.no_kill:
        return []
    last = len(PHASES) - 1
    return [word for part in (1, 4, 8) for word in ("--mark-in", f"{last}:{max(1, options.chargers * part // 4)}")]


def start_fleet(net, options, more):
    script = os.path.join(net.folder, "site.toml")
    with open(script, "w", encoding="utf-8") as file:
        file.write(SCRIPT.format(seconds=options.seconds, cut_off=CUT_OFF_S, spread=0 if options.in_step else SAMPLE_S))
    return Fleet(net, "--count", str(options.chargers), "--script", script, "--speed", "1", "--sample", str(SAMPLE_S),
                 "--starts-per-second", str(options.starts_per_second), "--give-up", "900", *marks(options), *more)


def account(net, fleet, options, killed):
    """Nothing is lost, nothing is doubled, all energies are right."""
    summary = fleet.finish(timeout_s=1800)
    check_equal(summary["failures"], [], "failures")
    accepted = begun(summary["charges"])
    check(len(accepted) > options.chargers // 2, f"only {len(accepted)} charges began")
    for charge in accepted:
        check(charge["ended"], f"a charge is not whole: {charge}")
    check(options.no_kill or killed, "the bridge was never killed")
    wait_all_told(net, "AAA", len(accepted), deadline_s=300 + options.chargers // 2)
    check_each_once(net, "AAA", summary["charges"])
    return summary, {"killed_in_the_return": killed, "charges_begun": len(accepted),
                     "charges_recorded_once": len(accepted), "charges_lost": 0, "charges_doubled": 0,
                     "energy_wh": sum(charge["energy_wh"] for charge in accepted)}


def measure(net, options):
    more = use_tls(net) if options.tls else []
    bridge = net.bridge("AAA")["pid"]
    store = os.path.join(net.net, "bridge-AAA", "data")
    idle, stored = resident_bytes(bridge), folder_bytes(store)
    fleet = start_fleet(net, options, more)
    pids = {"bridge": bridge, "chargers": fleet.process.pid}
    pids |= {node["member"]: node["pid"] for node in net.manifest["nodes"]}
    check(fleet.wait_line(TOGETHER), "the chargers did not all begin to charge")
    resident = resident_bytes(bridge)
    figures = {"chargers": options.chargers, "tls": options.tls, "in_step": options.in_step, "resident_idle": idle,
               "resident_all_connected": resident, "resident_per_charger": (resident - idle) // options.chargers}
    watch = Watch(pids)
    steps, syncs = (bridge_metric(net, "AAA", "tally_bridge_" + name) for name in ("stored_steps", "store_syncs"))
    check(fleet.wait_line(TOGETHER), "the charges did not last")
    storm = Watch(pids)
    figures["charging"] = watch.figures() | {"resident": resident_bytes(bridge)}
    check(fleet.wait_line(TOGETHER), "not all came back")
    figures["storm"] = storm.figures() | {"resident": resident_bytes(bridge)}
    more_steps, more_syncs = (bridge_metric(net, "AAA", "tally_bridge_" + name) for name in ("stored_steps", "store_syncs"))
    if None not in (steps, syncs, more_steps, more_syncs) and more_syncs > syncs:
        figures["steps_per_sync"] = round((more_steps - steps) / (more_syncs - syncs), 2)
    check(fleet.wait_line(TOGETHER), "the chargers did not all end their charges")
    begin = time.monotonic()
    killed = kill_at_marks(net, fleet)
    summary, counted = account(net, fleet, options, killed)
    figures |= counted | {"return_until_all_is_settled_s": round(time.monotonic() - begin, 1)}
    wait_until(lambda: bridge_metric(net, "AAA", "tally_bridge_outbox_messages") == 0, 900, "the outbox is empty")
    figures |= evidence_figures(net) | {"connections": summary["connections"], "messages": summary["messages"],
                "store_bytes_per_charge": (folder_bytes(store) - stored) // max(1, counted["charges_begun"]),
                "answers_ms": dict(zip(PHASES, summary["phases"]))}
    if options.copy_store:
        net.kill("bridge-AAA")
        shutil.copytree(os.path.join(store, "store"), options.copy_store)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--chargers", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--starts-per-second", type=int, default=20)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--in-step", action="store_true")
    parser.add_argument("--no-kill", action="store_true")
    parser.add_argument("--copy-store", help="Put the bridge's store here at the end")
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
