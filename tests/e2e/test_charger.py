"""Every script of `tally charger` at a real bridge with real nodes: what must come out at the ledger."""

import collections

from charger_fleet import Fleet, begun, held, orphans, records_by_station, wait_all_told
from harness import Devnet, check, check_equal, main

# Energies of the records, in order; a function where the moment decides.
EXPECTED = {
    "normal": [4000],
    "taper": [4000],
    "stop-swipe": [3000],
    "two-cards": [3000],
    "duplicates": [3000],
    "no-number": [3000],
    "missing-start": [],
    "missing-stop": [3000, 2000],
    "malformed": [2000],
    "stranger": [],
    "faulted": [],
    "permuted": [3000],
    "offline-charge": [3000],
    "reconnect-storm": [3000],
    "silence": [3000],
    "reboot": [3000],
    "reboot-goes-on": [3000],
    "reboot-forgets": [3000, 2000],
    "clock-1970": [100],
    "clock-drift": [3000],
    "register-reset": [],
    "ignored-remote-stop": [9000],
}
# What is kept for the operator instead of a record.
ORPHANS = {
    "1.6": [("missing-start", "unknown_stop"), ("malformed", "refused_message")],
    "2.0.1": [("missing-start", "not_authorized")],
}
# Visited and home operator of the fleet that speaks the version.
FLEETS = {"1.6": ("AAA", "BBB"), "2.0.1": ("BBB", "AAA")}
AMOUNT_MAX = {"prepaid": 60_000, "slow-answers": 60_000, "ignored-remote-stop": 60_000}


def scripts_of(net, version):
    listed = net.run("charger", "--list-scripts").stdout.splitlines()
    return [line.split(" ")[0] for line in listed if version in line.split(":")[0] and not line.startswith("long ")]


def check_script(script, charges, records):
    energies = [record["energy_wh"] for record in records]
    if script in EXPECTED:
        check_equal(energies, EXPECTED[script], f"energies of the records of {script}")
    elif script == "baseline-zero":
        check_equal(len(records), 1, f"records of {script}")
        check(0 < energies[0] <= 3000, f"{script} was recorded with {energies[0]} Wh")
    elif script == "offline-unknown":
        check(energies in ([], [3000]), f"{script}: the site's policy gave {energies}")
    else:
        check_equal(energies, [charge["energy_wh"] for charge in charges], f"energies of the records of {script}")
        check_equal(len(charges), 1, f"charges of {script}")
    for record in records:
        check(record["amount"] <= AMOUNT_MAX.get(script, 2_000_000), f"{script} costs {record['amount']}")
        if script == "ignored-remote-stop":
            check(record["rated"] > record["amount"], f"{script}: no excess is left to the site")


def check_version(net, version, scripts, summary):
    visited = FLEETS[version][0]
    check_equal(summary["failures"], [], "failures")
    for action, outcomes in summary["scripts"]["normal"].items():
        check(set(outcomes) <= {"ok", "Accepted"}, f"{action} of a normal charge was answered {outcomes}")
    records = records_by_station(net, visited)
    stations = dict(zip(scripts, [charger["id"] for charger in net.bridge(visited)["chargers"]]))
    for script, station in stations.items():
        charges = [charge for charge in summary["charges"] if charge["station"] == station]
        check_script(script, charges, records[station])
    kept = collections.Counter((orphan["station"], orphan["kind"]) for orphan in orphans(net, visited))
    expected = collections.Counter((stations[script], kind) for script, kind in ORPHANS[version])
    check_equal(kept, expected, f"orphans of {version}")
    waiting = [(item["station"], item["reasons"]) for item in held(net, visited)]
    check_equal(waiting, [(stations["register-reset"], ["register_went_back"])], f"held charges of {version}")


def every_script_comes_out_right_in_both_versions(bin_dir):
    with Devnet(bin_dir, operators=2, up_options=["--bridges", "2", "--chargers", "32", "--customers", "80"]) as net:
        scripts, fleets = {}, {}
        for version, (visited, home) in FLEETS.items():
            scripts[version] = scripts_of(net, version)
            check(len(scripts[version]) > 20, f"only {scripts[version]} speak {version}")
            options = [word for script in scripts[version] for word in ("--script", script)]
            fleets[version] = Fleet(net, "--home", home, "--version", version, "--count", str(len(scripts[version])),
                                    "--starts-per-second", "4", *options, operator=visited)
        summaries = {version: fleet.finish() for version, fleet in fleets.items()}
        # Of what the bridges accepted, these make no record: see EXPECTED.
        bad = ("register-reset", "missing-start", "offline-unknown")
        count = sum(charge["script"] not in bad for summary in summaries.values() for charge in begun(summary["charges"]))
        for version, (visited, _) in FLEETS.items():
            wait_all_told(net, visited, count)
            check_version(net, version, scripts[version], summaries[version])
        net.check_books()
        net.check_same_state_roots()
        net.audit()


if __name__ == "__main__":
    main([every_script_comes_out_right_in_both_versions])
