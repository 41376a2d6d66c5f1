"""Every node is replaced by a newer program, one after the other, while charges go on: each settles once."""

import json
import pathlib
import shutil
import subprocess

from harness import Devnet, check, check_equal, main, units, wait_until

CHARGES = (("AAA", "BBB", 4), ("BBB", "CCC", 4), ("CCC", "AAA", 4))


def version_of(program):
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True,
                          stdin=subprocess.DEVNULL)
    return done.stdout.strip()


def running_version(net, member):
    """What the node itself says."""
    for line in net.get_text(member, "/metrics").splitlines():
        if line.startswith("tally_build_info{"):
            return line.split('version="', 1)[1].split('"', 1)[0]
    return None


def all_nodes_are_replaced_while_charges_go_on(bin_dir):
    newer = pathlib.Path(bin_dir).parent / "tests" / "next" / "tallyd"
    check(newer.exists(), f"{newer} is not built")
    old_version, new_version = version_of(pathlib.Path(bin_dir, "tallyd")), version_of(newer)
    check(old_version != new_version, "both programs say the same version")
    with Devnet(bin_dir) as net:
        for member in net.members():
            check_equal(running_version(net, member), old_version, f"version of {member} at first")
        upgraded = pathlib.Path(net.folder, "bin")
        upgraded.mkdir()
        for program in ("tally", "tally-bridge"):
            shutil.copy2(net.bin / program, upgraded / program)
        shutil.copy2(newer, upgraded / "tallyd")
        running = [net.start(*net.charge_arguments(visited, home, energy_wh=6000, speed=60, parallel=count, timeout=200))
                   for visited, home, count in CHARGES]
        wait_until(lambda: net.sessions("AAA"), 60, "charges begin")
        net.bin = upgraded  # from here on `devnet start` takes the newer program
        for member in net.members():
            net.run("devnet", "stop", member, "--dir", net.net)
            net.restart(member)
            check_equal(running_version(net, member), new_version, f"version of {member} afterwards")
        charges = []
        for process in running:
            out, error = process.communicate(timeout=300)
            check_equal(process.returncode, 0, f"exit code ({error} {out})")
            charges += json.loads(out)
        check_settled_once(net, charges)
        net.check_same_state_roots()
        net.audit()


def check_settled_once(net, charges):
    expected = sum(count for _, _, count in CHARGES)
    check_equal(len(charges), expected, "charges")
    check_equal({charge["outcome"] for charge in charges}, {"settled"}, "outcomes")
    check_equal(len({charge["authorization"] for charge in charges}), expected, "different authorizations")
    check_equal(len({charge["receipt"]["settlement"] for charge in charges}), expected, "different settlements")
    net.wait_same_height()
    check_equal(net.check_books(), sum(units(charge["amount"]) for charge in charges), "posted sum")


main([all_nodes_are_replaced_while_charges_go_on])
