"""The oracle on ledgers that real programs made: a devnet with charges and a limit, and a long past.

    python3 tests/oracle/test_real.py BIN_DIR
"""

import copy
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from harness import Devnet, check, check_equal, main, wait_until  # noqa: E402  pylint: disable=wrong-import-position

import check_ledger  # noqa: E402
import oracle as rules  # noqa: E402

END_MS = "1795360000000"


def a_devnet_has_the_accounts_that_its_transactions_give(bin_dir):
    with Devnet(bin_dir, up_options=("--bridges", "2")) as net:
        net.charge("AAA", "BBB", prepaid="50.00", energy_wh=12000, speed=600)
        net.charge("BBB", "AAA", prepaid="10.00", energy_wh=60000, speed=600)  # stops at the prepaid amount
        lower_limit(net, "AAA", "3.00")
        refused = net.charge("BBB", "AAA", codes=(3,), prepaid="10.00", energy_wh=5000)  # would owe more than that
        check_equal(refused["outcome"], "refused", "a charge beyond the limit")
        wait_until(lambda: all(net.account(at, member)["debits_pending"] == 0
                               for at in net.members() for member in net.members() if member != "HUB"), 30, "all is settled")
        net.wait_same_height()
        answers = [net.get("CCC", "/api/v1/accounts/" + member) for member in net.members()]
        for member in net.members():
            net.run("devnet", "stop", member, "--dir", net.net)
        for node in net.manifest["nodes"]:
            oracle = check_ledger.check(node["data_dir"], net.manifest["genesis"], answers)
        check_equal(oracle.accounts["AAA", net.manifest["currency"]].limit, 30000, "AAA's limit")
        check(oracle.seen["settle_charge", rules.OK] == 2, f"settled: {oracle.seen}")
        changed_answers_are_found(oracle, answers)


def lower_limit(net, member, limit):
    proposed = net.submit("HUB", {"action": "SetLimit", "member": member, "currency": net.manifest["currency"],
                                  "limit": limit})
    seen = net.get("HUB", "/api/v1/transactions/" + proposed["id"])
    net.submit(member, {"action": "Countersign", "transaction": proposed["id"], "transaction_hash": seen["hash"]})


def changed_answers_are_found(oracle, answers):
    place = next(place for place, answer in enumerate(answers) if answer["accounts"])
    for name in ("debits_pending", "debits_posted", "credits_pending", "credits_posted", "limit", "limit_used"):
        wrong = copy.deepcopy(answers)
        account = wrong[place]["accounts"][0]
        account[name] = check_ledger.decimal(units_of(account[name]) + 1)
        try:
            check_ledger.compare_accounts(oracle, wrong)
        except check_ledger.Difference:
            continue
        check(False, f"another {name} is not noticed")


def units_of(text):
    return int(text.replace(".", ""))


def a_long_past_gives_the_same_results(bin_dir):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "past")
        subprocess.run([pathlib.Path(bin_dir) / "tally", "bench", "ledger", "--transactions", "2500", "--out", out,
                        "--operators", "4", "--open", "40", "--per-block", "40", "--epoch-blocks", "20", "--end", END_MS,
                        "--interval-ms", "60000", "--currencies", "CNY,EUR"], check=True, capture_output=True)
        oracle = check_ledger.check(os.path.join(out, "HUB", "data"), os.path.join(out, "genesis.json"))
        check(oracle.seen["settle_charge", rules.OK] > 300, f"settled: {oracle.seen}")
        check(oracle.seen["expired", rules.NOT_STARTED] > 0, "nothing expired")


main([a_devnet_has_the_accounts_that_its_transactions_give, a_long_past_gives_the_same_results])
