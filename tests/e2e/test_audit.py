"""A changed ledger is found out."""

import datetime
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import urllib.error
import urllib.request

from harness import Devnet, check, check_equal, main, units, wait_until

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
        an_audit_compares_it_with_what_was_proven(net)


def an_audit_compares_it_with_what_was_proven(net):
    genesis, target = net.manifest["genesis"], net.node("CCC")["data_dir"]
    file = {name: os.path.join(net.folder, name) for name in ("aaa.proof", "bbb.proof", "report.json", "report.html", "checkpoint")}
    for member in ("AAA", "BBB"):
        net.run("proof", "sublog", member, "--api", net.node("HUB")["api"], "--genesis", genesis, "--out", file[member.lower() + ".proof"])
    height = json.loads(net.run("proof", "--verify", file["aaa.proof"], "--genesis", genesis, "--json").stdout)["height"]
    wait_until(lambda: net.height("CCC") >= height, 60, "CCC has the block of the proof")
    books = ("audit", target, "--genesis", genesis, "--level", "business")
    done = net.run(*books, "--receipt", file["aaa.proof"], "--json", file["report.json"], "--report", file["report.html"])
    check("    compared with " + file["aaa.proof"] in done.stdout, "the comparison is not told")
    with open(file["report.json"], encoding="utf-8") as report:
        member = json.load(report)["member"]
    check(member["party"] == "AAA" and member["receipt"]["compared"], "the receipt was not compared")
    check_equal(member["receipt"]["height"], height, "height of the receipt")
    for root in (member["receipt"]["state_root"], member["state"]["state_root"]):
        check(root in done.stdout, "the report does not name the state root")
        check(root in pathlib.Path(file["report.html"]).read_text(encoding="utf-8"), "the page does not name the state root")
    net.run(*books, "--member", "AAA", "--receipt", file["bbb.proof"], codes=(2,))
    net.run("audit", target, "--genesis", genesis, "--receipt", file["aaa.proof"], codes=(2,))
    net.run(*books, "--checkpoint", file["checkpoint"])
    before = net.run(*books, "--from", file["checkpoint"], "--receipt", file["aaa.proof"], codes=(2,))
    check("audit without --from" in before.stderr, "a receipt from before the checkpoint is taken")
    content = bytearray(pathlib.Path(file["aaa.proof"]).read_bytes())
    content[len(content) // 2] ^= 1
    pathlib.Path(file["aaa.proof"]).write_bytes(content)
    net.run(*books, "--receipt", file["aaa.proof"], codes=(2,))


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


def status_of(method, url, token):
    request = urllib.request.Request(url, data=b"{}" if method == "POST" else None, method=method, headers={"Authorization": "Bearer " + token})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def meter_data_come_from_the_bridge_that_keeps_them(bin_dir):
    with Devnet(bin_dir) as net:
        net.charge("BBB", "AAA", energy_wh=2000, speed=600)
        net.charge("BBB", "CCC", energy_wh=1000, speed=600)
        genesis, report = net.manifest["genesis"], os.path.join(net.folder, "report.json")
        bridge = next(one for one in net.manifest["bridges"] if one["operator"] == "BBB")
        token = os.path.join(os.path.dirname(bridge["config"]), "evidence.token")
        of_bridge = ("--level", "business", "--evidence", bridge["api"])
        net.run("audit", net.node("HUB")["data_dir"], "--genesis", genesis, *of_bridge, "--evidence-token-file", token, "--json", report)
        with open(report, encoding="utf-8") as file:
            audited = json.load(file)
        check(audited["verified"], "the meter data do not fit the records")
        check_equal(audited["business"]["evidence_matched"], 2, "charges with meter data")
        with open(token, encoding="utf-8") as file:
            auditors = file.read().strip()
        check_equal(status_of("GET", bridge["api"] + "/api/v1/chargers", auditors), 403, "an auditor's token sees chargers")
        check_equal(status_of("POST", bridge["api"] + "/api/v1/chargers/BBB-1/remote-start", auditors), 403, "an auditor's token commands chargers")
        check_equal(status_of("GET", bridge["api"] + "/api/v1/chargers", net.manifest["admin_token"]), 200, "the site's own token sees chargers")
        alone = net.run("audit", net.node("HUB")["data_dir"], "--genesis", genesis, *of_bridge, codes=(64, 2))
        check("--evidence-token-file" in alone.stderr, "what is missing is not said")
        wrong = os.path.join(net.folder, "wrong.token")
        with open(os.open(wrong, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write("nobody")
        refused = net.run("audit", net.node("HUB")["data_dir"], "--genesis", genesis, *of_bridge, "--evidence-token-file", wrong, codes=(2,))
        check("/api/v1/evidence" in refused.stderr, "the refusal does not name what was asked")


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


def a_banks_statement_is_compared_with_confirmed_payments(bin_dir):
    with Devnet(bin_dir) as net:
        genesis, target = net.manifest["genesis"], net.node("HUB")["data_dir"]
        net.charge("AAA", "BBB", energy_wh=3000, speed=600)
        cycle = net.get("HUB", "/api/v1/cycles")["open"]["cycle"]
        net.vote(net.propose("set-parameters", "--set", "cycle_length_ms=1000", by="CCC"), "HUB", "AAA")
        wait_until(lambda: net.get("HUB", f"/api/v1/cycles/{cycle}"), 30, "the cycle is closed")
        leg, = net.get("HUB", "/api/v1/legs")["items"]
        net.run("pay", "confirm", "--cycle", str(leg["cycle"]), "--currency", leg["currency"], "--debtor", leg["debtor"],
                "--reference", "statement 7/2", "--yes", "--config", net.node(leg["creditor"])["config"])
        net.wait_same_height()
        statement, report = (os.path.join(net.folder, name) for name in ("bank.csv", "bank.json"))
        day = datetime.datetime.now(datetime.timezone.utc).date()

        def compared(amount, member, code):
            rows = [f"{day - datetime.timedelta(1)},1.00,{leg['currency']},rent", f"{day + datetime.timedelta(1)},1.00,{leg['currency']},rent"]
            rows += [f"{day},{amount},{leg['currency']},statement 7/2"] if amount else []
            pathlib.Path(statement).write_text("\n".join(["date,amount,currency,reference", *rows]), encoding="utf-8")
            net.run("audit", target, "--genesis", genesis, "--level", "business", "--bank", statement, "--member", member, "--json",
                    report, codes=(code,))
            return json.loads(pathlib.Path(report).read_text(encoding="utf-8"))

        good = compared(leg["amount"], leg["creditor"], 0)
        check_equal((good["bank"]["matched"], good["bank"]["unknown"]), (1, 2), "what the bank booked")
        check_equal(good["member"]["party"], leg["creditor"], "whose account it is")
        page, entries = sublog(net, "BBB", leg["creditor"])
        check(0 < good["member"]["sublog_count"] <= len(entries), "entries that touch the member")
        root = merkle_root([bytes.fromhex(entry["leaf_hash"]) for entry in entries[:good["member"]["sublog_count"]]]).hex()
        check_equal(good["member"]["sublog_root"], root, "root of the member's entries")
        check_equal(compared("-" + leg["amount"], leg["debtor"], 0)["bank"]["matched"], 1, "on the debtor's account")
        check_equal(compared(None, leg["creditor"], 1)["bank"]["missing"], 1, "a payment that the bank does not have")
        wrong = compared("0.01", leg["creditor"], 1)
        check_equal(wrong["bank"]["wrong_amount"], 1, "another amount")
        check_equal([finding["kind"] for finding in wrong["findings"]], ["bank"], "findings")
        pathlib.Path(statement).write_text("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><Document/>", encoding="utf-8")
        net.run("audit", target, "--genesis", genesis, "--level", "business", "--bank", statement, codes=(2,))


STATEMENT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<FrToDt><FrDtTm>2026-11-16T00:00:00</FrDtTm><ToDtTm>2026-11-22T23:59:59</ToDtTm></FrToDt>
<Ntry><NtryRef>rent</NtryRef><Amt Ccy="CNY">1.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-20</Dt></BookgDt></Ntry></Stmt></BkToCstmrStmt></Document>
"""


def every_command_of_the_auditors_page_runs_as_written(bin_dir):
    page = pathlib.Path(__file__).resolve().parents[2] / "docs" / "auditors.md"
    commands = [line.split("#")[0].split()[1:] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("    tally ")]
    check(len(commands) > 12, "the page has hardly any command")
    with Devnet(bin_dir) as net:
        charge = net.charge("AAA", "BBB", energy_wh=3000, speed=600)
        net.wait_same_height()
        data, hub = net.node("HUB")["data_dir"], net.node("HUB")["api"]
        pathlib.Path(net.folder, "statement.xml").write_text(STATEMENT, encoding="utf-8")
        net.run("keygen", "--out", os.path.join(net.folder, "auditor"))
        key = pathlib.Path(net.folder, "auditor", "member.key")
        shutil.copy(key, os.path.join(net.folder, "auditor.key"))
        public = json.loads(pathlib.Path(net.folder, "auditor", "public.json").read_text(encoding="utf-8"))["member_key"]
        shutil.copy(net.manifest["genesis"], os.path.join(net.folder, "genesis.json"))
        net.run("devnet", "stop", "CCC", "--dir", net.net)
        shutil.copytree(os.path.join(net.node("CCC")["data_dir"], "ledger", "segments"), os.path.join(net.folder, "segments"))
        words = {"/var/lib/tallyd": [data], "DATA": [data], "...": [data, "--genesis", net.manifest["genesis"]], "http://node:7002": [hub],
                 "http://a:7002": [net.node("AAA")["api"]], "http://b:7002": [net.node("BBB")["api"]], "http://hub:7002": [hub],
                 "PUBLIC_KEY": [public], "BBB-0123...": [charge["receipt"]["settlement"]]}

        def meant(word):
            is_file = word.startswith("./") or os.path.splitext(word)[1] in (".json", ".html", ".key", ".xml", ".receipt", ".proof")
            return words.get(word, [os.path.normpath(os.path.join(net.folder, word)) if is_file else word])

        for command in commands:
            net.run(*[argument for word in command for argument in meant(word)])


main([one_changed_byte_is_found_and_named,
      a_running_node_is_audited_over_http,
      the_state_is_proven_to_whoever_has_the_genesis,
      a_member_can_check_that_nothing_about_it_was_left_out,
      the_books_are_kept_a_second_time_and_reported,
      a_banks_statement_is_compared_with_confirmed_payments,
      meter_data_come_from_the_bridge_that_keeps_them,
      members_are_compared,
      every_command_of_the_auditors_page_runs_as_written])
