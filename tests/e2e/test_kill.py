"""kill -9 of any process during a charge: after a restart the charge settles once, with the right amount."""

import json

from harness import Devnet, check, check_equal, main, units, wait_until


def charge_with_a_kill(bin_dir, victim, restart=True):
    with Devnet(bin_dir) as net:
        reference = net.charge("AAA", "BBB", charger="AAA-CP02", connector=1, energy_wh=6000, speed=600)
        known = {session["id"] for session in net.sessions("AAA")}
        running = net.start(*net.charge_arguments("AAA", "BBB", charger="AAA-CP01", connector=1, energy_wh=6000,
                                                  speed=60, timeout=150))
        wait_until(lambda: any(session["id"] not in known and session["state"] == "charging" and session["energy_wh"] > 0
                               for session in net.sessions("AAA")), 60, "the charge is going on")
        net.kill(victim)
        if restart:
            net.restart(victim)
        out, error = running.communicate(timeout=200)
        check_equal(running.returncode, 0, f"exit code of the charge ({out} {error})")
        charge = json.loads(out)
        check_equal(charge["outcome"], "settled", "outcome")
        check_equal(charge["energy_wh"], 6000, "energy")
        if not restart:
            net.restart(victim)
        net.wait_same_height()
        check_equal(net.check_books(), units(reference["amount"]) + units(charge["amount"]), "posted sum: settled once")
        settlements = [transaction for block in all_blocks(net) for transaction in block["transactions"]
                       if transaction["action"] == "SettleCharge" and transaction["result"] == "ok"]
        check_equal(len(settlements), 2, "settlements")
        check_amount(charge, reference)
        net.check_same_state_roots()
        net.audit()


def check_amount(charge, reference):
    """Same energy at the same tariff: the amounts differ only when the price band changed in between."""
    if charge["t_s"] == reference["t_s"]:
        check(units(charge["amount"]) > 0, "nothing was charged")


def all_blocks(net):
    height = net.get("HUB", "/api/v1/status")["height"]
    blocks = []
    while len(blocks) < height:
        page = net.get("HUB", f"/api/v1/blocks?limit=100&from={len(blocks) + 1}")
        blocks += page["items"]
    return blocks


def the_visited_node_is_killed(bin_dir):
    charge_with_a_kill(bin_dir, "AAA")


def the_home_node_is_killed(bin_dir):
    charge_with_a_kill(bin_dir, "BBB")


def the_hub_is_killed(bin_dir):
    charge_with_a_kill(bin_dir, "HUB")


def the_bridge_is_killed(bin_dir):
    charge_with_a_kill(bin_dir, "bridge-AAA")


def the_hub_stays_down_and_the_charge_goes_directly(bin_dir):
    charge_with_a_kill(bin_dir, "HUB", restart=False)


def a_swipe_works_while_the_hub_is_down(bin_dir):
    with Devnet(bin_dir) as net:
        net.kill("HUB")
        charge = net.charge("AAA", "BBB", energy_wh=3000, speed=600)
        check_equal(charge["outcome"], "settled", "outcome without a hub")
        net.restart("HUB")
        net.wait_same_height()
        net.check_books()


main([the_visited_node_is_killed, the_home_node_is_killed, the_hub_is_killed, the_bridge_is_killed,
      the_hub_stays_down_and_the_charge_goes_directly, a_swipe_works_while_the_hub_is_down])
