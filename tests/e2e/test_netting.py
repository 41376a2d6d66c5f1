"""A cycle closes, its payment is confirmed or not, and what that means for who owes it.

The open cycle is closed by a vote for cycles of a second: the next block lies in another period then, so nobody waits.
"""

import json
import os

from harness import Devnet, check, check_equal, main, units, wait_until


def vote(net, *settings):
    arguments = [word for setting in settings for word in ("--set", setting)]
    answer = net.vote(net.propose("set-parameters", *arguments, by="CCC"), "HUB", "AAA")
    check_equal((answer["result"], answer["state"]), ("ok", "decided"), f"{settings}")


def close(net, *settings):
    """Ends the open cycle; gives its number when all nodes have it."""
    number = net.get("HUB", "/api/v1/cycles")["open"]["cycle"]
    vote(net, "cycle_length_ms=1000", *settings)
    wait_until(lambda: all(net.get(at, f"/api/v1/cycles/{number}") for at in net.members()), 30, f"cycle {number} is closed")
    return number


def settle(net, visited, home, energy_wh):
    charge = net.charge(visited, home, prepaid="50.00", energy_wh=energy_wh, speed=600)
    check_equal(charge["outcome"], "settled", "outcome")
    return units(charge["amount"])


def legs(net, at="HUB"):
    return net.get(at, "/api/v1/legs")["items"]


def show(net, *what):
    node = net.node("CCC")
    with open(f"{net.folder}/token", "w", encoding="utf-8") as file:
        os.chmod(file.name, 0o600)
        file.write(net.manifest["admin_token"] + "\n")
    return net.run("show", *what, "--api", node["api"], "--token-file", f"{net.folder}/token").stdout


def confirm(net, leg, codes=(0,), by=None):
    return json.loads(net.run("pay", "confirm", "--cycle", str(leg["cycle"]), "--currency", leg["currency"], "--debtor",
                              leg["debtor"], "--reference", "statement 7/2", "--config",
                              net.node(by or leg["creditor"])["config"], "--json", codes=codes).stdout)["result"]


def a_cycle_is_netted_and_paid(bin_dir):
    with Devnet(bin_dir, up_options=("--bridges", "2")) as net:
        owed = settle(net, "AAA", "BBB", 12000)
        back = settle(net, "BBB", "AAA", 4000)
        check(owed > back > 0, f"{owed} and {back}")
        cycle = close(net)
        for at in net.members():
            closed = net.get(at, f"/api/v1/cycles/{cycle}")["currencies"][0]
            check_equal({item["party"]: units(item["amount"]) for item in closed["net"]},
                        {"AAA": owed - back, "BBB": back - owed}, f"net figures at {at}")
            check_equal([(item["debtor"], item["creditor"], units(item["amount"])) for item in closed["matrix"]],
                        [("AAA", "BBB", back), ("BBB", "AAA", owed)], f"matrix at {at}")
            debtor, creditor = net.account(at, "BBB"), net.account(at, "AAA")
            check_equal((debtor["legs_owed"], debtor["limit_used"], debtor["debits_posted"]), (owed - back, owed - back, 0),
                        f"BBB at {at}")
            check_equal((creditor["legs_due"], creditor["limit_used"]), (owed - back, 0), f"AAA at {at}")
        leg, = legs(net)
        check_equal((leg["debtor"], leg["creditor"], leg["status"]), ("BBB", "AAA", "pending"), "the leg")
        check("BBB" in show(net, "legs") and "matrix" in show(net, "cycle", str(cycle)), "the cycle is not shown")
        check(leg["currency"] in show(net, "cycles"), "the cycle is not listed")
        check_equal(confirm(net, leg, codes=(1,), by="BBB"), "unknown_leg", "confirmed by its debtor")
        check_equal(confirm(net, leg), "ok", "confirmed by its creditor")
        check_equal(confirm(net, leg, codes=(1,)), "unknown_leg", "confirmed again")
        net.wait_same_height()
        check_equal((net.account("CCC", "BBB")["legs_owed"], legs(net)), (0, []), "after the payment")
        shown = net.get("HUB", f"/api/v1/cycles/{cycle}")["currencies"][0]["legs"]
        check_equal([item["status"] for item in shown], ["confirmed"], "the leg of the past cycle")
        net.check_same_state_roots()
        net.audit()


def who_does_not_pay_is_suspended(bin_dir):
    with Devnet(bin_dir) as net:
        owed = settle(net, "AAA", "BBB", 12000)
        close(net, "payment_window_ms=1", "default_bearer=shared")
        wait_until(lambda: [leg["status"] for leg in legs(net)] == ["defaulted"], 30, "the leg is in default")
        refused = net.charge("AAA", "BBB", codes=(3,), prepaid="20.00", energy_wh=1000)
        check_equal(refused["outcome"], "refused", "a charge of a member in default")
        check_equal(net.account("HUB", "BBB")["legs_owed"], owed, "what is owed all the same")
        check_equal(confirm(net, legs(net)[0]), "ok", "a late payment")
        answer = net.vote(net.propose("reinstate", "BBB", by="CCC"), "HUB", "AAA")
        check_equal((answer["result"], answer["state"]), ("ok", "decided"), "reinstated")
        settle(net, "AAA", "BBB", 4000)
        net.wait_same_height()
        net.check_same_state_roots()
        net.audit()


main([a_cycle_is_netted_and_paid, who_does_not_pay_is_suspended])
