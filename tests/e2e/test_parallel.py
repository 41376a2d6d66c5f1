"""Charges at the same time settle exactly once each."""

import json

from harness import Devnet, check_equal, main, units


def settled_once(net, charges, expected):
    check_equal(len(charges), expected, "charges")
    check_equal({charge["outcome"] for charge in charges}, {"settled"}, "outcomes")
    check_equal(len({charge["authorization"] for charge in charges}), expected, "different authorizations")
    check_equal(len({charge["receipt"]["settlement"] for charge in charges}), expected, "different settlements")
    net.wait_same_height()
    check_equal(net.check_books(), sum(units(charge["amount"]) for charge in charges), "posted sum")


def two_charges_at_once_on_one_charger(bin_dir):
    with Devnet(bin_dir) as net:
        station = net.bridge("AAA")["chargers"][0]["id"]
        charges = net.charge("AAA", "BBB", charger=station, energy_wh=8000, speed=300, parallel=2)
        check_equal({charge["connector"] for charge in charges}, {1, 2}, "connectors")
        settled_once(net, charges, 2)


def ten_charges_at_once(bin_dir):
    with Devnet(bin_dir) as net:
        running = [net.start(*net.charge_arguments(visited, home, energy_wh=6000, speed=300, parallel=count))
                   for visited, home, count in (("AAA", "BBB", 4), ("BBB", "CCC", 3), ("CCC", "AAA", 3))]
        charges = []
        for process in running:
            charges += loaded(process)
        settled_once(net, charges, 10)
        net.check_same_state_roots()
        net.audit()


def loaded(process):
    out, error = process.communicate(timeout=300)
    check_equal(process.returncode, 0, f"exit code ({error} {out})")
    return json.loads(out)


main([two_charges_at_once_on_one_charger, ten_charges_at_once])
