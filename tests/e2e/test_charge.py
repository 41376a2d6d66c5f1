"""One roaming charge from swipe to settlement, and what everybody sees of it."""

import os

from harness import Devnet, check, check_equal, main, units


def a_charge_is_settled_and_everybody_agrees(bin_dir):
    with Devnet(bin_dir) as net:
        before = {member: net.account("HUB", member) for member in ("AAA", "BBB")}
        charge = net.charge("AAA", "BBB", prepaid="50.00", energy_wh=12000, speed=600)
        check_equal(charge["outcome"], "settled", "outcome")
        check_equal(charge["energy_wh"], 12000, "energy")
        check_equal(charge["mp"], "50.0000", "prepaid amount")
        check(0 < units(charge["amount"]) <= units("50.00"), f"amount {charge['amount']} is not within the prepaid one")
        net.wait_same_height()
        net.check_same_state_roots()
        check_equal(net.check_books(), units(charge["amount"]), "posted sum")
        for at in net.members():
            home = net.account(at, "BBB")
            visited = net.account(at, "AAA")
            check_equal(home["debits_posted"] - before["BBB"]["debits_posted"], units(charge["amount"]), f"BBB's debit at {at}")
            check_equal(visited["credits_posted"] - before["AAA"]["credits_posted"], units(charge["amount"]),
                        f"AAA's credit at {at}")
            check_equal(home["debits_pending"], 0, f"BBB's pending debit at {at}")
        for at in ("AAA", "BBB", "HUB"):
            seen = net.session(at, charge["session"])
            check(seen is not None, f"{at} does not show the session")
            for key in ("visited", "home", "station", "energy_wh", "mp"):
                check_equal(seen[key], charge[key], f"{key} at {at}")
        check_receipt(net, charge)
        net.audit()


def check_receipt(net, charge):
    file = os.path.join(net.folder, "settlement.receipt")
    settlement = charge["receipt"]["settlement"]
    net.run("receipt", settlement, "--api", net.node("CCC")["api"], "--out", file)
    net.run("verify-receipt", file, "--genesis", net.manifest["genesis"])
    with open(file, "r+b") as receipt:
        receipt.seek(40)
        octet = receipt.read(1)
        receipt.seek(40)
        receipt.write(bytes([octet[0] ^ 1]))
    net.run("verify-receipt", file, "--genesis", net.manifest["genesis"], codes=(1,))


def a_charge_stops_at_the_prepaid_amount(bin_dir):
    with Devnet(bin_dir) as net:
        charge = net.charge("BBB", "CCC", prepaid="10.00", energy_wh=60000, speed=300)
        check_equal(charge["outcome"], "settled", "outcome")
        check(charge["energy_wh"] < 60000, "the charge was not stopped")
        check(units(charge["amount"]) <= units("10.00"), f"{charge['amount']} is more than was prepaid")
        net.check_books()


main([a_charge_is_settled_and_everybody_agrees, a_charge_stops_at_the_prepaid_amount])
