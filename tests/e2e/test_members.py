"""Members of a running network are suspended, change their keys, and take over epoch by epoch."""

import os
import pathlib

from harness import Devnet, check, check_equal, main, wait_until

def decide(net, kind, member, *more, by="CCC", voters=("HUB", "AAA")):
    """Proposed by one validator and approved by two more, the hub among them."""
    answer = net.vote(net.propose(kind, member, *more, by=by), *voters)
    check_equal((answer["result"], answer["state"]), ("ok", "decided"), f"{kind} {member}")


def a_suspended_member_cannot_charge_until_it_is_reinstated(bin_dir):
    with Devnet(bin_dir, up_options=("--bridges", "1")) as net:
        decide(net, "suspend", "BBB")
        check(next(item for item in net.get("AAA", "/api/v1/members")["items"] if item["party"] == "BBB")["suspended"],
              "BBB is not shown as suspended")
        refused = net.charge("AAA", "BBB", codes=(3,), energy_wh=1000)
        check_equal(refused["outcome"], "refused", "charge with a suspended member")
        decide(net, "reinstate", "BBB")
        charge = net.charge("AAA", "BBB", energy_wh=3000, speed=600)
        check_equal(charge["outcome"], "settled", "after the reinstatement")


def keys_of_all_three_kinds_are_changed_while_the_node_runs(bin_dir):
    with Devnet(bin_dir, up_options=("--bridges", "1")) as net:
        pid = net.node("BBB")["pid"]
        for role in ("member", "link", "consensus"):
            change_key(net, "BBB", role)
        epoch = net.wait_epoch("HUB", 1)
        key = next(item for item in net.get("HUB", "/api/v1/members")["items"] if item["party"] == "BBB")
        check_equal(key["consensus_key_now"], key["consensus_key"], "the consensus key holds")
        check_equal(len(epoch["validators"]), 4, "validators")
        wait_until(lambda: net.get("BBB", "/api/v1/consensus")["role"] == "validator", 30, "BBB votes")
        wait_until(lambda: net.get("BBB", "/readyz"), 30, "BBB is ready")
        check_equal(net.node("BBB")["pid"], pid, "the node was not restarted")
        net.run("devnet", "stop", "CCC", "--dir", net.net)  # BBB's vote is needed now
        net.check_goes_on("HUB")
        net.restart("CCC")
        charge = net.charge("AAA", "BBB", energy_wh=3000, speed=600)
        check_equal(charge["outcome"], "settled", "a charge with all keys new")
        change_key(net, "BBB", "member")  # again: the files move on
        net.run("devnet", "stop", "BBB", "--dir", net.net)
        net.restart("BBB")
        check_equal(net.charge("AAA", "BBB", energy_wh=1000, speed=600)["outcome"], "settled", "after a restart")
        net.audit()


def change_key(net, member, role):
    answer = net.member("rotate-key", "--role", role, by=member)
    check_equal(answer["result"], "ok", f"{role} key of {member}")
    listed = next(item for item in net.get(member, "/api/v1/members")["items"] if item["party"] == member)
    check_equal(listed[role + "_key"], answer["new_key"], f"{role} key on the ledger")
    if role == "link":
        wait_until(lambda: {"HUB", "AAA"} <= set(net.get(member, "/api/v1/status")["peers"]), 30,
                   f"{member} is linked with its new key")


def the_hub_gets_new_keys_without_the_hub(bin_dir):
    with Devnet(bin_dir, up_options=("--bridges", "0")) as net:
        net.kill("HUB")  # its keys are lost
        fresh = os.path.join(net.folder, "fresh")
        net.run("keygen", "--out", fresh)
        proven = os.path.join(net.folder, "proven.json")
        net.run("member", "prove-keys", "--keys", fresh, "--member", "HUB", "--genesis", net.manifest["genesis"],
                "--out", proven)
        answer = net.vote(net.propose("replace-keys", "HUB", "--keys", proven, by="AAA"), "BBB", "CCC")
        check_equal((answer["result"], answer["state"]), ("ok", "decided"), "replacing the hub's keys")
        keys = pathlib.Path(net.node("HUB")["config"]).parent / "keys"
        for role in ("member", "consensus", "link"):
            os.replace(os.path.join(fresh, role + ".key"), keys / (role + ".key.next"))
        net.restart("HUB")
        net.wait_epoch("HUB", 1)
        wait_until(lambda: net.get("HUB", "/api/v1/consensus")["role"] == "validator", 60, "the hub votes again")
        decide(net, "suspend", "BBB", by="AAA", voters=("HUB", "CCC"))  # with its new member key
        net.wait_same_height()
        net.check_same_state_roots()


def nobody_hands_over_to_validators_that_are_not_ready(bin_dir):
    with Devnet(bin_dir, up_options=("--bridges", "0", "--validators", "3")) as net:
        net.vote(net.propose("demote", "BBB", by="AAA"), "BBB", "HUB")
        check_equal(len(net.wait_epoch("HUB", 1)["validators"]), 2, "validators without BBB")
        net.run("devnet", "stop", "CCC", "--dir", net.net)
        answer = net.vote(net.propose("promote", "CCC", by="AAA"), "HUB")
        check_equal(answer["state"], "decided", "promotion of a node that is away")
        check_waits_for_ccc(net)
        net.restart("CCC")
        epoch = net.wait_epoch("HUB", 2)
        check_equal(sorted(validator["party"] for validator in epoch["validators"]), ["AAA", "CCC", "HUB"], "validators")
        wait_until(lambda: net.get("CCC", "/api/v1/consensus")["role"] == "validator", 30, "CCC votes")
        net.check_goes_on("CCC")


def check_waits_for_ccc(net):
    """All three of the next set must be ready, and one is away: the epoch goes on as it is."""
    before = net.epoch("HUB")
    net.wait_height("HUB", before["height"] + 5, 60)
    epoch = net.epoch("HUB")
    check_equal(epoch["epoch"], 1, "the epoch goes on")
    check_equal(sorted(validator["party"] for validator in epoch["wanted"]), ["AAA", "CCC", "HUB"], "wanted")
    check_equal((sorted(epoch["ready"]), epoch["ready_needed"]), (["AAA", "HUB"], 3), "ready")


main([a_suspended_member_cannot_charge_until_it_is_reinstated,
      keys_of_all_three_kinds_are_changed_while_the_node_runs,
      the_hub_gets_new_keys_without_the_hub,
      nobody_hands_over_to_validators_that_are_not_ready])
