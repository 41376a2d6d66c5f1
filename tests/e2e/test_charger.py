"""Every script of `tally charger` at a real bridge with real nodes: what must come out at the ledger."""

from charger_fleet import Fleet, begun, records_by_station, wait_all_told
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


def every_script_comes_out_right(bin_dir, version="1.6"):
    with Devnet(bin_dir, operators=2, up_options=["--bridges", "1", "--chargers", "32", "--customers", "80"]) as net:
        scripts = scripts_of(net, version)
        check(len(scripts) > 20, f"only {scripts} speak {version}")
        options = [word for script in scripts for word in ("--script", script)]
        summary = Fleet(net, "--version", version, "--count", str(len(scripts)), "--starts-per-second", "4",
                        *options).finish()
        check_equal(summary["failures"], [], "failures")
        for action, outcomes in summary["scripts"]["normal"].items():
            check(set(outcomes) <= {"ok", "Accepted"}, f"{action} of a normal charge was answered {outcomes}")
        # Of what the bridge accepted, two make no record: see EXPECTED.
        bad = ("register-reset", "missing-start", "offline-unknown")
        wait_all_told(net, "AAA", len([charge for charge in begun(summary["charges"]) if charge["script"] not in bad]))
        records = records_by_station(net, "AAA")
        chargers = [charger["id"] for charger in net.bridge("AAA")["chargers"]]
        for script, station in zip(scripts, chargers):
            charges = [charge for charge in summary["charges"] if charge["station"] == station]
            check_script(script, charges, records[station])
        net.check_books()
        net.check_same_state_roots()
        net.audit()


main([every_script_comes_out_right])
