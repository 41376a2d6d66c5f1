"""A changed ledger is found out."""

import hashlib
import json
import os
import pathlib
import random
import re
import shutil

from harness import Devnet, check, check_equal, main, units

CHANGES = 60


def one_changed_byte_is_found_and_named(bin_dir):
    with Devnet(bin_dir) as net:
        net.charge("AAA", "BBB", energy_wh=3000, speed=600)
        node = net.node("CCC")
        net.run("devnet", "stop", "CCC", "--dir", net.net)
        copy = os.path.join(net.folder, "copy")
        shutil.copytree(node["data_dir"], copy)
        segments = sorted(pathlib.Path(copy, "ledger", "segments").iterdir())
        check(segments, "no segment files")
        chance = random.Random(1)
        for number in range(CHANGES):
            segment = chance.choice(segments)
            content = bytearray(segment.read_bytes())
            position = chance.randrange(len(content)) if number else 0
            content[position] ^= 1 << chance.randrange(8)
            intact = segment.read_bytes()
            segment.write_bytes(content)
            report = os.path.join(net.folder, "report.json")
            net.run("audit", copy, "--genesis", net.manifest["genesis"], "--level", "chain", "--json", report, codes=(1,))
            with open(report, encoding="utf-8") as file:
                check(json.load(file)["findings"], f"byte {position} of {segment.name} changed, but nothing is named")
            segment.write_bytes(intact)
        net.audit(data_dir=copy)
        net.restart("CCC")


def a_running_node_is_audited_over_http(bin_dir):
    with Devnet(bin_dir) as net:
        net.charge("CCC", "AAA", energy_wh=3000, speed=600)
        done = net.run("audit", net.node("HUB")["api"], "--genesis", net.manifest["genesis"])
        check_equal(done.returncode, 0, "audit over HTTP")


def merkle_root(leaves):
    """RFC 9162 section 2.1.1 over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


def sublog(net, at, member):
    entries = []
    while True:
        page = net.get(at, f"/api/v1/sublog/{member}?from={len(entries)}&count=7")
        if not page["items"]:
            return page, entries
        check_equal([item["number"] for item in page["items"]], list(range(len(entries), len(entries) + len(page["items"]))), "numbers")
        entries += page["items"]


def the_state_is_proven_to_whoever_has_the_genesis(bin_dir):
    with Devnet(bin_dir) as net:
        net.charge("AAA", "BBB", energy_wh=3000, speed=600)
        net.wait_same_height()
        genesis = net.manifest["genesis"]
        api = net.node("CCC")["api"]
        file = os.path.join(net.folder, "account.proof")
        done = net.run("proof", "account", "AAA", "CNY", "--api", api, "--genesis", genesis, "--out", file, "--json")
        shown = json.loads(done.stdout)
        check(shown["verified"] and shown["present"], "AAA's account is not proven")
        posted = net.account("HUB", "AAA")["credits_posted"]
        check(posted > 0, "nothing was posted")
        check_equal(units(shown["value"]["credits_posted"]), posted, "what is proven of AAA's account")
        net.run("proof", "--verify", file, "--genesis", genesis)
        net.run("proof", "account", "AAA", "CNY", "--verify", file, "--genesis", genesis)
        net.run("proof", "account", "BBB", "CNY", "--verify", file, "--genesis", genesis, codes=(1,))
        absent = net.run("proof", "account", "AAA", "EUR", "--api", api, "--genesis", genesis, "--json")
        check_equal(json.loads(absent.stdout)["present"], False, "an account in a currency that nobody has")
        content = bytearray(pathlib.Path(file).read_bytes())
        for position in (20, 60, len(content) // 2, len(content) - 1):
            content[position] ^= 1
            pathlib.Path(file).write_bytes(content)
            net.run("proof", "--verify", file, "--genesis", genesis, codes=(1,))
            content[position] ^= 1


def a_member_can_check_that_nothing_about_it_was_left_out(bin_dir):
    with Devnet(bin_dir) as net:
        net.charge("AAA", "BBB", energy_wh=3000, speed=600)
        for member in ("AAA", "BBB", "HUB"):
            page, entries = sublog(net, "CCC", member)
            check_equal(page["count"], len(entries), f"entries of {member}")
            check(entries or member == "HUB", f"nothing has touched {member}")
            root = merkle_root([bytes.fromhex(entry["leaf_hash"]) for entry in entries]).hex()
            check_equal(root, page["root"], f"root of {member}'s sub-log")
        done = net.run("proof", "sublog", "AAA", "--api", net.node("HUB")["api"], "--genesis", net.manifest["genesis"], "--json")
        proven = json.loads(done.stdout)["value"]
        page, entries = sublog(net, "BBB", "AAA")
        count = proven["count"]
        check(0 < count <= len(entries), "fewer entries than were proven")
        root = merkle_root([bytes.fromhex(entry["leaf_hash"]) for entry in entries[:count]]).hex()
        check_equal(root, proven["root"], "root that was proven")
        settled = [entry for entry in entries if entry["signer"] == "BBB" and entry["result"] == "ok"]
        check(len(settled) >= 2, "approval and settlement of BBB are not in AAA's sub-log")


def the_books_are_kept_a_second_time_and_reported(bin_dir):
    with Devnet(bin_dir) as net:
        genesis = net.manifest["genesis"]
        file = {name: os.path.join(net.folder, name) for name in ("a.json", "a.html", "checkpoint.json", "auditor.key", "b.json")}
        net.charge("AAA", "BBB", energy_wh=3000, speed=600)
        with open(file["auditor.key"], "w", encoding="utf-8") as key:
            key.write("11" * 32 + "\n")
        os.chmod(file["auditor.key"], 0o600)
        target = net.node("HUB")["data_dir"]
        net.run("audit", target, "--genesis", genesis, "--level", "business", "--json", file["a.json"], "--report",
                file["a.html"], "--sign", file["auditor.key"], "--checkpoint", file["checkpoint.json"])
        with open(file["a.json"], encoding="utf-8") as report:
            first = json.load(report)
        check(first["verified"], "the audit is not clean")
        check_equal([pair["settled"]["count"] for pair in first["business"]["pairs"]], [1], "settled charges")
        unnamed = net.run("audit", "--verify-report", file["a.html"], codes=(2,)).stdout
        check("must know" in unnamed and "verified" not in unnamed, "a signature by nobody in particular is called verified")
        auditor = re.search(r"audit-signature/v1 (\w+) ", pathlib.Path(file["a.html"]).read_text(encoding="utf-8"))[1]
        net.run("audit", "--verify-report", file["a.html"], "--key", auditor)
        net.run("audit", "--verify-report", file["a.html"], "--key", "02" + "11" * 32, codes=(1,))
        with open(file["a.html"], "a", encoding="utf-8") as page:
            page.write("<!-- -->\n")
        net.run("audit", "--verify-report", file["a.html"], "--key", auditor, codes=(1,))
        with open(file["checkpoint.json"], "rb") as checkpoint:
            check(json.loads(checkpoint.readline())["height"] > 0, "the checkpoint does not begin with its block")
        replay = net.run("audit", target, "--genesis", genesis, "--from", file["checkpoint.json"], codes=(2,))
        check("--level business" in replay.stderr, "the sums of a checkpoint are dropped")
        os.mkdir(os.path.join(net.folder, "meters"))
        nothing = net.run("audit", target, "--genesis", genesis, "--level", "business", "--evidence", os.path.join(net.folder, "meters"), codes=(2,))
        check("named after a charge" in nothing.stderr, "an empty folder of meter data is taken")
        with open(os.path.join(net.folder, "meters", "BBB-" + "0" * 32 + ".jsonl"), "w", encoding="utf-8") as meter:
            meter.write("01\n\"x\"\n")
        useless = net.run("audit", target, "--genesis", genesis, "--level", "business", "--evidence", os.path.join(net.folder, "meters"), codes=(2,))
        check("incomplete: none of the 1 files" in useless.stdout, "meter data of no charge are taken")
        net.charge("AAA", "BBB", energy_wh=2000, speed=600)
        net.run("audit", target, "--genesis", genesis, "--level", "business", "--from", file["checkpoint.json"], "--json",
                file["b.json"])
        with open(file["b.json"], encoding="utf-8") as report:
            second = json.load(report)
        check(second["verified"] and second["from_height"] > 0, "it did not go on from the checkpoint")
        check_equal([pair["settled"]["count"] for pair in second["business"]["pairs"]], [2], "settled charges in all")
        check(second["blocks"] < second["height"], "the blocks before the checkpoint were read again")


def members_are_compared(bin_dir):
    with Devnet(bin_dir) as net:
        net.charge("CCC", "AAA", energy_wh=1000, speed=600)
        urls = [node["api"] for node in net.manifest["nodes"]]
        done = net.run("audit", net.node("AAA")["data_dir"], "--genesis", net.manifest["genesis"], "--compare", *urls)
        check("have one ledger" in done.stdout, "the comparison is not told")
        net.run("audit", "--genesis", net.manifest["genesis"], "--compare", *urls)
        report = os.path.join(net.folder, "compared.json")
        net.run("devnet", "stop", "CCC", "--dir", net.net)
        partly = net.run("audit", net.node("AAA")["data_dir"], "--genesis", net.manifest["genesis"], "--json", report, "--compare", *urls, codes=(2,))
        check("NOT compared" in partly.stdout and "have one ledger" in partly.stdout, "a dead member ends the comparison")
        with open(report, encoding="utf-8") as file:
            compared = json.load(file)
        check(not compared["verified"] and compared["comparison"]["not_compared"], "the report does not say what is missing")
        net.run("audit", "--genesis", net.manifest["genesis"], "--compare", urls[0], codes=(2,))
        net.restart("CCC")
        net.run("audit", net.node("AAA")["data_dir"], "--genesis", net.manifest["genesis"], "--height", "100000000", codes=(1,))


main([one_changed_byte_is_found_and_named,
      a_running_node_is_audited_over_http,
      the_state_is_proven_to_whoever_has_the_genesis,
      a_member_can_check_that_nothing_about_it_was_left_out,
      the_books_are_kept_a_second_time_and_reported,
      members_are_compared])
