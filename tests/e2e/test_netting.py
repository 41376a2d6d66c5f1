"""A cycle closes, its payment is confirmed or not, and what that means for who owes it. Before that, charges that are settled
or disputed by hand, from the command line as an operator does it.

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
                              net.node(by or leg["creditor"])["config"], "--yes", "--json", codes=codes).stdout)["result"]


def look_at(net, leg):
    """What is shown before the leg is signed, when nobody answers."""
    done = net.run("pay", "confirm", "--cycle", str(leg["cycle"]), "--currency", leg["currency"], "--debtor", leg["debtor"],
                   "--reference", "statement 7/2", "--config", net.node(leg["creditor"])["config"], codes=(0, 1, 3))
    return done.returncode, done.stderr


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
        code, shown = look_at(net, leg)
        check_equal((code, legs(net)[0]["status"]), (3, "pending"), "without an answer nothing is signed")
        check(f"BBB pays AAA {leg['amount']}" in shown and "whole amount" in shown, shown)
        code, shown = look_at(net, {**leg, "cycle": leg["cycle"] + 1})
        check(code == 1 and "no such payment" in shown, shown)
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
        # Its creditor does not confirm the next one: the members end it in its place.
        leg = wait_until(lambda: [leg for leg in legs(net) if leg["status"] == "defaulted"], 60, "the next leg is in default")[0]
        answer = net.vote(net.propose("confirm-leg", "BBB", "--cycle", str(leg["cycle"]), "--currency", leg["currency"],
                                      "--creditor", "AAA", by="BBB"), "HUB", "CCC")
        check_equal((answer["result"], answer["state"]), ("ok", "decided"), "the vote on the leg")
        net.wait_same_height()
        check_equal((net.account("HUB", "BBB")["legs_owed"], legs(net)), (0, []), "after the vote")
        net.check_same_state_roots()
        net.audit()


def sign(net, by, *words, codes=(0,)):
    """What `tally settle` or `tally dispute` says of the transaction that a member signed."""
    return json.loads(net.run(*words, "--config", net.node(by)["config"], "--json", codes=codes).stdout)["result"]


def text_of(amount):
    return f"{amount // 10000}.{amount % 10000:04}"


def review_charges_from(net, member, amount):
    """Its node waits for somebody with charges of this amount from now on."""
    with open(net.node(member)["config"], "a", encoding="utf-8") as file:
        file.write(f'[roaming]\nreview_from = "{amount}"\n')
    net.kill(member)
    net.restart(member)
    net.wait_same_height()


def on_ledger(net, charge):
    return net.get("CCC", "/api/v1/authorizations/" + charge["authorization"])


def wait_settled(net, charge, posted):
    """Both sides and the ledger say so, and how much it came to."""
    for at in ("AAA", "BBB"):
        wait_until(lambda at=at: net.session(at, charge["id"])["state"] == "settled", 30, f"{charge['id']} is settled at {at}")
    check_equal(units(on_ledger(net, charge)["end"]["posted"]), posted, "posted in the end")
    check_equal(units(net.session("BBB", charge["id"])["amount"]), posted, "what the customer pays")


def charges_are_settled_and_disputed_by_hand(bin_dir):
    with Devnet(bin_dir) as net:
        review_charges_from(net, "BBB", "1.00")
        # Who decides nothing within a second lets the scheme decide: the home operator pays.
        vote(net, "arbitrate_window_ms=1000", "dispute_default=post")
        driver = net.start(*net.charge_arguments("AAA", "BBB", parallel=4, prepaid="50.00", energy_wh=6000, speed=600,
                                                 timeout=240))
        charges = wait_until(lambda: [one for one in net.sessions("BBB") if one["state"] == "recorded"][3:] and
                             net.sessions("BBB"), 120, "four charges wait for somebody")
        amounts = [units(charge["amount"]) for charge in charges]
        paid, late, given_up, decided = charges
        names = [charge["authorization"] for charge in charges]
        check(min(amounts) > 40000, f"amounts {amounts}")
        check_equal(net.account("CCC", "AAA")["credits_posted"], 0, "posted before anybody looked")

        check_equal(sign(net, "BBB", "settle", names[0], "--amount", "1.00", codes=(1,)), "amount_differs", "a part of it")
        check_equal(sign(net, "AAA", "settle", names[0], "--amount", paid["amount"], codes=(1,)), "not_home", "by A")
        check_equal(sign(net, "BBB", "settle", names[0], "--amount", paid["amount"]), "ok", "settled by hand")
        wait_settled(net, paid, amounts[0])

        check_equal(sign(net, "BBB", "dispute", "open", names[1], "--amount", "2.00", "--reason", "duplicate"), "ok", "disputed")
        wait_until(lambda: on_ledger(net, late)["status"] == "expired", 60, "nobody decided in time")
        check_equal(sign(net, "HUB", "dispute", "decide", names[1], "--amount", "0", codes=(1,)), "unknown_authorization",
                    "decided too late")
        wait_settled(net, late, amounts[1])

        # The others have time.
        vote(net, "arbitrate_window_ms=3600000")
        too_much = text_of(amounts[2] + 1)
        check_equal(sign(net, "BBB", "dispute", "open", names[2], "--amount", too_much, "--reason", "price", codes=(1,)),
                    "dispute_amount", "more than was charged")
        check_equal(sign(net, "CCC", "dispute", "open", names[2], "--amount", "1.00", "--reason", "price", codes=(1,)),
                    "not_home", "a dispute of others")
        check_equal(sign(net, "BBB", "dispute", "open", names[2], "--amount", given_up["amount"], "--reason", "not_our_customer"),
                    "ok", "all of it is disputed")
        check_equal(sign(net, "BBB", "dispute", "accept", names[2], codes=(1,)), "not_visited", "accepted by who opened it")
        check_equal(sign(net, "AAA", "dispute", "accept", names[2]), "ok", "given up")
        wait_settled(net, given_up, 0)

        check_equal(sign(net, "BBB", "dispute", "open", names[3], "--amount", "3.00", "--reason", "energy", "--evidence", "ab" * 32),
                    "ok", "a part is disputed")
        shown = on_ledger(net, decided)
        check_equal((shown["status"], shown["dispute"]["disputed"], shown["dispute"]["reason"], shown["dispute"]["evidence"]),
                    ("disputed", "3.0000", "energy", "ab" * 32), "the dispute as the API shows it")
        check_equal(sign(net, "AAA", "dispute", "decide", names[3], "--amount", "3.00", codes=(1,)), "not_hub", "decided by A")
        check_equal(net.account("HUB", "AAA")["credits_posted"], amounts[0] + amounts[1] + amounts[3] - 30000,
                    "posted while it is disputed")
        check_equal(sign(net, "HUB", "dispute", "decide", names[3], "--amount", "1.25", "--reason", "cd" * 32), "ok", "decided")
        wait_settled(net, decided, amounts[3] - 30000 + 12500)

        check_equal(driver.wait(120), 0, f"exit code of tally charge: {driver.communicate()}")
        total = amounts[0] + amounts[1] + amounts[3] - 17500
        check_equal(net.check_books(), total, "posted in all")
        check_equal(net.account("BBB", "BBB")["debits_pending"], 0, "what is promised still")
        close(net)
        leg, = legs(net)
        check_equal((leg["debtor"], units(leg["amount"])), ("BBB", total), "the leg")
        check_equal(confirm(net, leg), "ok", "paid")
        net.wait_same_height()
        net.check_same_state_roots()
        net.audit()


main([a_cycle_is_netted_and_paid, who_does_not_pay_is_suspended, charges_are_settled_and_disputed_by_hand])
