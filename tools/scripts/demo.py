"""The story that tools/demo tells, with every figure read from the programs' own interfaces.

Usage: demo.py BIN_DIR [--json FILE] [--keep]
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

VISITED, HOME, BYSTANDER = "AAA", "BBB", "CCC"


class DemoError(Exception):
    """The demo cannot go on; the text says why."""


def free_base_port(count=40):
    for base in range(21000, 31000, count):
        probes = []
        try:
            for port in range(base, base + count):
                probe = socket.socket()
                probes.append(probe)
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
    raise DemoError("no free ports between 21000 and 31000")


class Demo:
    def __init__(self, bin_dir):
        self.tally_program = str(pathlib.Path(bin_dir, "tally").resolve())
        self.folder = tempfile.mkdtemp(prefix="tally-demo-")
        self.net = os.path.join(self.folder, "net")
        self.facts = {"steps": []}
        self.number = 0

    # ---- telling

    def step(self, title):
        self.number += 1
        print(f"\n== {self.number}. {title}", flush=True)
        self.facts["steps"].append(title)

    @staticmethod
    def say(text):
        print("   " + text, flush=True)

    # ---- doing

    def tally(self, *arguments, codes=(0,)):
        done = subprocess.run([self.tally_program, *arguments], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=300)
        if done.returncode not in codes:
            raise DemoError(f"tally {' '.join(arguments)} gave {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def charge(self, visited, home, *options, codes=(0,)):
        return json.loads(self.tally("charge", "--devnet", self.net, "--visited", visited, "--home", home, "--json",
                                     *options, codes=codes))

    def charge_live(self, *options):
        """A charge whose progress lines are shown as they come."""
        process = subprocess.Popen([self.tally_program, "charge", "--devnet", self.net, "--visited", VISITED, "--home", HOME,
                                    *options], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        lines = []
        for line in process.stdout:
            self.say(line.rstrip())
            lines.append(line.rstrip())
        if process.wait() != 0:
            raise DemoError("the charge did not settle")
        return lines

    @property
    def manifest(self):
        return json.loads(pathlib.Path(self.net, "devnet.json").read_text(encoding="utf-8"))

    def node(self, member):
        return next(node for node in self.manifest["nodes"] if node["member"] == member)

    def get(self, member, path):
        request = urllib.request.Request(self.node(member)["api"] + path)
        request.add_header("Authorization", "Bearer " + self.manifest["admin_token"])
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def accounts(self):
        """Posted debits and credits of both operators, from the hub's copy."""
        shown = {}
        for member in (VISITED, HOME):
            entries = self.get("HUB", "/api/v1/accounts/" + member)["accounts"]
            entry = next(entry for entry in entries if entry["currency"] == self.manifest["currency"])
            shown[member] = {"owes": entry["debits_posted"], "is_owed": entry["credits_posted"],
                             "promised": entry["debits_pending"]}
        return shown

    def show_accounts(self, accounts):
        for member, account in accounts.items():
            self.say(f"{member}: owes {account['owes']}, is owed {account['is_owed']}, has promised {account['promised']}")

    @staticmethod
    def wait_until(condition, seconds, what):
        tick = threading.Event()
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise DemoError(f"not within {seconds} s: {what}")
            tick.wait(0.1)

    # ---- the story

    def start_network(self):
        self.step("Four companies start their nodes: a hub and the operators AAA, BBB, CCC, each with a charger bridge")
        self.tally("devnet", "up", "--dir", self.net, "--operators", "3", "--base-port", str(free_base_port()))
        for node in self.manifest["nodes"]:
            status = self.get(node["member"], "/api/v1/status")
            self.say(f"{node['member']:4} {node['role']:9} pid {node['pid']:<7} height {status['height']:<4} "
                     f"linked to {' '.join(status['peers'])}")
        for bridge in self.manifest["bridges"]:
            chargers = ", ".join(charger["id"] for charger in bridge["chargers"])
            self.say(f"bridge of {bridge['operator']}: {chargers} at {bridge['ocpp']}")

    def one_charge(self):
        self.step(f"A driver of {HOME} swipes a card at a charger of {VISITED}")
        charger = next(bridge for bridge in self.manifest["bridges"] if bridge["operator"] == VISITED)["chargers"][0]
        before = self.accounts()
        self.facts["accounts_before"] = before
        self.say(f"health check: {VISITED} asks its bridge about {charger['id']} before anybody else is asked")
        self.say(f"request: {VISITED} -> HUB -> {HOME}, the card sealed so that only {HOME} can read it")
        self.say("live figures: T elapsed, Mc amount so far, Mp prepaid, N progress, ts remaining time")
        self.charge_live("--charger", charger["id"], "--connector", "1", "--prepaid", "50.00", "--energy-wh", "12000",
                         "--speed", "200")
        session = next(session for session in self.get(VISITED, "/api/v1/sessions")["items"] if session["state"] == "settled")
        self.facts["charge"] = session
        self.show_on_ledger(session)
        self.step("Both operators' accounts before and after")
        self.show_accounts(before)
        after = self.accounts()
        self.say(f"after the settlement of {session['amount']}:")
        self.show_accounts(after)
        self.facts["accounts_after"] = after

    def show_on_ledger(self, session):
        self.step("What the ledger says about it")
        authorization = self.get(BYSTANDER, "/api/v1/authorizations/" + session["authorization"])
        self.say(f"approval   {authorization['id']} at height {authorization['height']}, signed by {authorization['home']}: "
                 f"up to {authorization['amount']} {authorization['currency']}")
        record = authorization["record"]
        self.say(f"record     {record['transaction']}: {record['energy_wh']} Wh, {record['amount']}, signed by "
                 f"{authorization['visited']} and its bridge")
        self.say(f"settlement {authorization['end']['posted']} posted, status {authorization['status']}")
        backup = self.get("HUB", "/api/v1/sessions/" + session["id"])
        self.say(f"the hub's backup of the live figures: {backup['energy_wh']} Wh, state {backup['state']}")
        self.facts["authorization"] = authorization

    def refusals(self):
        self.step("A driver whose balance does not cover the prepaid amount is denied")
        poor = [customer for customer in self.manifest["customers"] if customer["home"] == HOME][-1]
        denied = self.charge(VISITED, HOME, "--token", poor["token"], "--prepaid", "50.00", "--energy-wh", "1000", codes=(3,))
        self.say(f"balance {poor['balance']}, prepaid 50.00: {denied['reason']}")
        self.facts["denial"] = denied["reason"]
        self.step("A faulted charger refuses before anybody is asked")
        faulted = self.charge(VISITED, HOME, "--fault", "--energy-wh", "1000", codes=(3,))
        self.say(f"the connector reported GroundFailure: {faulted['reason']}")
        self.facts["fault"] = faulted["reason"]

    def kill_and_return(self):
        self.step(f"{BYSTANDER}'s node is killed with -9; the others go on")
        pid = self.node(BYSTANDER)["pid"]
        os.kill(pid, signal.SIGKILL)
        self.say(f"pid {pid} killed")
        charge = self.charge(VISITED, HOME, "--energy-wh", "6000", "--speed", "600")
        self.say(f"charged meanwhile: {charge['energy_wh']} Wh, {charge['amount']}, {charge['state']}")
        self.facts["charge_while_down"] = charge
        self.tally("devnet", "start", BYSTANDER, "--dir", self.net)
        height = self.get("HUB", "/api/v1/status")["height"]
        self.wait_until(lambda: self.get(BYSTANDER, "/api/v1/status")["height"] >= height, 60, "the node has caught up")
        self.step(f"Back again: state roots of all nodes at height {height}")
        roots = {}
        for member in ("HUB", VISITED, HOME, BYSTANDER):
            roots[member] = self.get(member, f"/api/v1/blocks/{height}")["state_root"]
            self.say(f"{member:4} {roots[member]}")
        if len(set(roots.values())) != 1:
            raise DemoError("the state roots differ")
        self.facts["state_roots"] = {"height": height, "roots": roots}

    def audit(self):
        self.step("An auditor re-executes every ledger from the genesis on, trusting nobody")
        verified = 0
        nodes = self.manifest["nodes"]
        for node in nodes:
            report = os.path.join(self.folder, node["member"] + "-audit.json")
            self.tally("audit", node["data_dir"], "--genesis", self.manifest["genesis"], "--json", report, codes=(0, 1))
            result = json.loads(pathlib.Path(report).read_text(encoding="utf-8"))
            self.say(f"{node['member']:4} {result['blocks']} blocks, {result['signatures']} signatures, "
                     f"{result['transactions']} transactions executed again to height {result['replayed_to']}: "
                     + ("verified" if result["verified"] else str(result["findings"][:1])))
            verified += result["verified"]
        self.facts["audit"] = {"verified": verified, "of": len(nodes)}
        print(f"\naudit: {verified} of {len(nodes)} ledgers verified", flush=True)
        return verified == len(nodes)

    def run(self):
        self.start_network()
        self.one_charge()
        self.refusals()
        self.kill_and_return()
        return self.audit()

    def clean_up(self, keep):
        if keep:
            print(f"demo: the network goes on in {self.net}; stop it with {self.tally_program} devnet down --dir {self.net}")
            return
        subprocess.run([self.tally_program, "devnet", "down", "--dir", self.net], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description="Shows one roaming charge on four companies' real nodes.")
    parser.add_argument("bin_dir")
    parser.add_argument("--json", metavar="FILE", help="write the facts")
    parser.add_argument("--keep", action="store_true", help="leave the network running")
    options = parser.parse_args()
    demo = Demo(options.bin_dir)
    try:
        verified = demo.run()
    except (DemoError, urllib.error.URLError, subprocess.TimeoutExpired) as error:
        print(f"demo: {error}", file=sys.stderr)
        verified = False
    finally:
        demo.clean_up(options.keep)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(demo.facts, indent=2) + "\n", encoding="utf-8")
    sys.exit(0 if verified else 1)


if __name__ == "__main__":
    main()
