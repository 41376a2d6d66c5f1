"""A new operator from nothing to ready by one admission; a charge of its driver; a vote, and back."""

import json
import os
import pathlib
import subprocess

from harness import Devnet, check, check_equal, free_port_range, main, wait_until

CARD = "DDD-CARD0001"


class Joiner:
    """Operator DDD in a folder of its own, made by `tally join`."""

    def __init__(self, net):
        self.net = net
        self.folder = os.path.join(net.net, "DDD")
        self.port = free_port_range(2)
        self.config = os.path.join(self.folder, "tallyd.toml")
        peers = []
        for node in net.manifest["nodes"]:
            text = pathlib.Path(node["config"]).read_text(encoding="utf-8")
            link = text.split("[link]\nlisten = \"")[1].split("\"")[0]
            peers += ["--peer", f"{node['member']}={link}"]
        net.run("join", "--party", "DDD", "--country", "DE", "--genesis", net.manifest["genesis"], *peers,
                "--link-listen", f"127.0.0.1:{self.port}", "--api-listen", f"127.0.0.1:{self.port + 1}",
                "--out", self.folder)
        self.use_devnet_token()
        self.add_customers()
        self.init()
        net.add_to_manifest("nodes", {
            "member": "DDD", "role": "operator", "api": f"http://127.0.0.1:{self.port + 1}",
            "data_dir": os.path.join(self.folder, "data"), "config": self.config,
            "log": os.path.join(self.folder, "tallyd.log"), "pid": 0})
        net.add_to_manifest("customers", {"home": "DDD", "token": CARD, "balance": "1000.00"})

    def use_devnet_token(self):
        token = os.path.join(self.folder, "api.token")
        with open(token, "w", encoding="utf-8") as file:
            file.write(self.net.manifest["admin_token"] + "\n")

    def add_customers(self):
        with open(os.path.join(self.folder, "customers.json"), "w", encoding="utf-8") as file:
            json.dump({"customers": [{"token": CARD, "currency": self.net.manifest["currency"],
                                      "balance": "1000.00", "maximum_approval": "200.00"}]}, file)
        with open(self.config, "a", encoding="utf-8") as file:
            file.write("[accounts]\ncustomers = \"customers.json\"\n")

    def init(self):
        subprocess.run([self.net.bin / "tallyd", "init", "--config", self.config], check=True, timeout=60,
                       capture_output=True)

    def launch(self):
        self.net.run("devnet", "start", "DDD", "--no-wait", "--dir", self.net.net)

    def log(self):
        return pathlib.Path(self.folder, "tallyd.log").read_text(errors="replace")

    def admit(self, codes=(0,)):
        return self.net.member("admit", os.path.join(self.folder, "admission.json"), by="HUB", codes=codes)

    def is_ready(self):
        return self.net.get("DDD", "/readyz")

    def wait_ready(self):
        wait_until(self.is_ready, 60, "DDD is ready")


def a_new_operator_goes_from_nothing_to_ready_with_one_admission(bin_dir):
    with Devnet(bin_dir, up_options=("--bridges", "1")) as net:
        joiner = Joiner(net)
        joiner.launch()
        wait_until(lambda: "refused_by_members" in joiner.log() and "tally member admit" in joiner.log(), 30,
                   "the log says that members do not know DDD, and what to do")
        check(not joiner.is_ready(), "ready before it was admitted")
        check_equal(joiner.admit()["result"], "ok", "admission")
        joiner.wait_ready()
        check_equal(joiner.admit(codes=(1,))["result"], "already_member", "second admission")
        net.wait_same_height()
        net.check_same_state_roots()
        listed = {item["party"]: item for item in net.get("AAA", "/api/v1/members")["items"]}
        check_equal((listed["DDD"]["validator"], listed["DDD"]["validator_now"]), (False, False), "a follower")
        settle_a_charge_of(net)
        net.audit()


def settle_a_charge_of(net):
    """A driver of DDD charges at AAA."""
    currency = net.manifest["currency"]
    for member, partner in (("AAA", "DDD"), ("DDD", "AAA")):
        check_equal(net.submit(member, {"action": "SetAgreement", "partner": partner, "currency": currency,
                                        "tariffs_offered": []})["result"], "ok", f"agreement of {member}")
    limit = net.submit("HUB", {"action": "SetLimit", "member": "DDD", "currency": currency, "limit": "1000.00"})
    signed = net.get("HUB", "/api/v1/transactions/" + limit["id"])
    check_equal(net.submit("DDD", {"action": "Countersign", "transaction": limit["id"],
                                   "transaction_hash": signed["hash"]})["result"], "ok", "limit")
    charge = net.charge("AAA", "DDD", prepaid="50.00", energy_wh=6000, speed=600)
    check_equal(charge["outcome"], "settled", "charge of the new member's driver")
    net.check_books()


def the_new_operator_votes_after_promotion_and_not_after_demotion(bin_dir):
    with Devnet(bin_dir, up_options=("--bridges", "0")) as net:
        joiner = Joiner(net)
        joiner.launch()
        joiner.admit()
        joiner.wait_ready()
        check_equal(net.propose("promote", "DDD", by="DDD")["state"], "open", "DDD's own vote does not count")
        proposal = net.get("HUB", "/api/v1/proposals")["items"][0]
        check_equal(proposal["approvals"], [], "approvals of a member without a vote")
        check_equal(net.vote(proposal, "AAA", "BBB")["state"], "open", "two of four")
        check_equal(net.vote(proposal, "HUB")["state"], "decided", "three of four and the hub")
        epoch = net.wait_epoch("HUB", 1)
        check("DDD" in [validator["party"] for validator in epoch["validators"]], "DDD does not vote")
        check_equal(len(epoch["validators"]), 5, "validators")
        wait_until(lambda: net.get("DDD", "/api/v1/consensus")["role"] == "validator", 30, "DDD is a validator")
        net.check_goes_on("DDD")
        one_of_five_may_be_away(net)
        demote(net)
        net.wait_same_height()
        net.check_same_state_roots()
        net.audit()


def one_of_five_may_be_away(net):
    """Four of five go on, with DDD's vote among them."""
    net.run("devnet", "stop", "CCC", "--dir", net.net)
    net.check_goes_on("HUB", blocks=6)
    net.restart("CCC")


def demote(net):
    proposal = net.propose("demote", "DDD", by="AAA")
    check_equal(net.vote(proposal, "BBB", "CCC", "HUB")["state"], "decided", "demotion")
    epoch = net.wait_epoch("HUB", 2)
    check_equal(len(epoch["validators"]), 4, "validators after the demotion")
    net.run("devnet", "stop", "DDD", "--dir", net.net)
    net.check_goes_on("HUB")
    net.restart("DDD")


main([a_new_operator_goes_from_nothing_to_ready_with_one_admission,
      the_new_operator_votes_after_promotion_and_not_after_demotion])
