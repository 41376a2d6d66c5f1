"""A devnet of real processes for end-to-end tests, driven through the programs' own interfaces only.

Every wait is for a condition with a deadline. Whatever a test started is stopped when it ends, also when it fails.
"""

import contextlib
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

POLL_S = 0.05
COMMAND_TIMEOUT_S = 300


class Failure(AssertionError):
    """What a test found wrong, in words."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def check_equal(actual, expected, what):
    check(actual == expected, f"{what}: expected {expected!r}, got {actual!r}")


def wait_until(condition, deadline_s, what):
    """Asks until the condition gives something true, which is returned."""
    tick = threading.Event()
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < end, f"not within {deadline_s} s: {what}")
        tick.wait(POLL_S)


def free_port_range(count):
    """A base port from which `count` ports are free now, below the range that the kernel hands out to clients.

    Tests that run at the same time have ranges of their own (TALLY_E2E_PORTS=FIRST-END): what is free now may be the port of
    a node that another one has just killed.
    """
    first, end = (int(port) for port in os.environ.get("TALLY_E2E_PORTS", "20000-32000").split("-"))
    base = first + (os.getpid() * 37) % ((end - first) * 2 // 3)
    for candidate in range(base, end - count, count):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(candidate, candidate + count):
                    probe = stack.enter_context(socket.socket())
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
                return candidate
            except OSError:
                continue
    raise Failure("no free ports")


class Devnet:
    """Hub and operators with their bridges, in a temporary folder."""

    def __init__(self, bin_dir, operators=3, up_options=()):
        self.bin = pathlib.Path(bin_dir)
        self.folder = tempfile.mkdtemp(prefix="tally-e2e-")
        self.up = False
        base = free_port_range(40)
        self.run("devnet", "up", "--dir", self.net, "--operators", str(operators), "--base-port", str(base),
                 *up_options)
        self.up = True

    @property
    def net(self):
        return os.path.join(self.folder, "net")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            self.show_logs()
        self.run("devnet", "down", "--dir", self.net, may_fail=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def show_logs(self):
        for log in sorted(pathlib.Path(self.net).glob("*/*.log")):
            tail = log.read_text(errors="replace").splitlines()[-15:]
            print(f"---- {log.parent.name}/{log.name}", *tail, sep="\n", file=sys.stderr)

    # ---- programs

    def run(self, *arguments, may_fail=False, codes=(0,)):
        """Runs `tally`; gives the completed process."""
        done = subprocess.run([self.bin / "tally", *arguments], capture_output=True, text=True,
                              timeout=COMMAND_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL)
        check(may_fail or done.returncode in codes,
              f"tally {' '.join(arguments)} gave {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *arguments):
        return subprocess.Popen([self.bin / "tally", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, stdin=subprocess.DEVNULL)

    def charge_arguments(self, visited, home, **options):
        arguments = ["charge", "--devnet", self.net, "--visited", visited, "--home", home, "--json"]
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            arguments += [flag] if value is True else [flag, str(value)]
        return arguments

    def charge(self, visited, home, codes=(0,), **options):
        return json.loads(self.run(*self.charge_arguments(visited, home, **options), codes=codes).stdout)

    # ---- what runs where

    @property
    def manifest(self):
        with open(os.path.join(self.net, "devnet.json"), encoding="utf-8") as file:
            return json.load(file)

    def node(self, member):
        return next(node for node in self.manifest["nodes"] if node["member"] == member)

    def bridge(self, operator):
        return next(bridge for bridge in self.manifest["bridges"] if bridge["operator"] == operator)

    def program(self, name):
        return self.bridge(name[len("bridge-"):]) if name.startswith("bridge-") else self.node(name)

    def kill(self, name):
        """SIGKILL, and gone when this returns."""
        pid = self.program(name)["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not pathlib.Path(f"/proc/{pid}/cmdline").exists()
                   or not pathlib.Path(f"/proc/{pid}/cmdline").read_bytes(), 10, f"{name} is gone")

    def restart(self, name):
        self.run("devnet", "start", name, "--dir", self.net)

    # ---- HTTP

    def get(self, member, path):
        """The node's answer as JSON; None when it is not reached or has no such thing."""
        text = self.get_text(member, path)
        return json.loads(text) if text else None

    def get_text(self, member, path):
        request = urllib.request.Request(self.node(member)["api"] + path)
        request.add_header("Authorization", "Bearer " + self.manifest["admin_token"])
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, OSError, TimeoutError):
            return ""

    # ---- membership

    def member(self, command, *arguments, by, codes=(0,)):
        """`tally member COMMAND` signed by a member's node configuration; gives its JSON answer."""
        return json.loads(self.run("member", command, *arguments, "--config", self.node(by)["config"], "--json",
                                   codes=codes).stdout)

    def propose(self, kind, *arguments, by, codes=(0,)):
        return self.member("propose", kind, *arguments, by=by, codes=codes)

    def vote(self, proposal, *voters):
        """Approvals, until the proposal is decided; gives the last answer."""
        answer = None
        for voter in voters:
            answer = self.member("vote", proposal["id"], "approve", by=voter)
        return answer

    def submit(self, member, action, codes=(0,)):
        """`tally submit` by a member of the devnet; gives its JSON answer."""
        file = os.path.join(self.folder, "action.json")
        with open(file, "w", encoding="utf-8") as output:
            json.dump(action, output)
        config = pathlib.Path(self.node(member)["config"]).parent
        return json.loads(self.run(
            "submit", "--action", file, "--member", member, "--key", str(config / "keys" / "member.key"), "--genesis",
            self.manifest["genesis"], "--api", self.node(member)["api"], "--json", codes=codes).stdout)

    def add_to_manifest(self, name, entry):
        """Another program or customer from now on: `name` is a list of the manifest."""
        manifest = self.manifest
        manifest[name].append(entry)
        path = os.path.join(self.net, "devnet.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(manifest, file)
        os.replace(path + ".new", path)

    def epoch(self, at):
        return self.get(at, "/api/v1/epoch")

    def wait_epoch(self, at, number, deadline_s=60):
        def there():
            epoch = self.epoch(at)
            return epoch if epoch and epoch["epoch"] >= number else None
        return wait_until(there, deadline_s, f"{at} is in epoch {number}")

    def height(self, at):
        status = self.get(at, "/api/v1/status")
        return status["height"] if status else 0

    def wait_height(self, at, height, deadline_s=30):
        return wait_until(lambda: self.height(at) >= height, deadline_s, f"{at} has height {height}")

    def check_goes_on(self, at, blocks=3):
        self.wait_height(at, self.height(at) + blocks)

    def sessions(self, member):
        return (self.get(member, "/api/v1/sessions") or {"items": []})["items"]

    def session(self, member, session):
        return self.get(member, "/api/v1/sessions/" + session)

    def members(self):
        return [node["member"] for node in self.manifest["nodes"]]

    def account(self, at, member):
        """The member's account in the devnet's currency, amounts in 1/10000."""
        answer = self.get(at, "/api/v1/accounts/" + member)
        check(answer is not None, f"{at} does not answer for the account of {member}")
        for account in answer["accounts"]:
            if account["currency"] == self.manifest["currency"]:
                return {key: units(value) for key, value in account.items() if key != "currency"}
        return {key: 0 for key in ("debits_pending", "debits_posted", "credits_pending", "credits_posted")}

    # ---- what must hold

    def wait_same_height(self):
        """Waits until all nodes have the same newest block; gives (height, state root)."""
        def same():
            heads = [self.get(member, "/api/v1/status") for member in self.members()]
            roots = {(head["height"], head["state_root"]) for head in heads if head}
            return roots.pop() if None not in heads and len(roots) == 1 else None
        return wait_until(same, 30, "all nodes have the same block")

    def check_same_state_roots(self):
        height = min(self.get(member, "/api/v1/status")["height"] for member in self.members())
        def roots():
            blocks = [self.get(member, f"/api/v1/blocks/{height}") for member in self.members()]
            return None if None in blocks else {block["state_root"] for block in blocks}
        check_equal(len(wait_until(roots, 30, f"all nodes have height {height}")), 1, f"state roots at height {height}")

    def check_books(self):
        """Sums of debits and credits are equal on every node, and the same on all."""
        seen = set()
        for at in self.members():
            accounts = [self.account(at, member) for member in self.members()]
            total = {key: sum(account[key] for account in accounts)
                     for key in ("debits_pending", "debits_posted", "credits_pending", "credits_posted")}
            check_equal(total["debits_pending"], total["credits_pending"], f"pending sums at {at}")
            check_equal(total["debits_posted"], total["credits_posted"], f"posted sums at {at}")
            seen.add(total["debits_posted"])
        check_equal(len(seen), 1, "posted sums of all nodes")
        return seen.pop()

    def audit(self, level="replay", data_dir=None, codes=(0,)):
        folders = [data_dir] if data_dir else [node["data_dir"] for node in self.manifest["nodes"]]
        return [self.run("audit", folder, "--genesis", self.manifest["genesis"], "--level", level, codes=codes)
                for folder in folders]


def units(text):
    """An amount with four places as a whole number of 1/10000."""
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text.lstrip("-").partition(".")
    return sign * (int(whole) * 10000 + int((fraction + "0000")[:4]))


def main(tests):
    """Runs the tests of a file one after the other on the bin folder given as the first argument."""
    bin_dir = sys.argv[1]
    only = sys.argv[2:]
    failed = 0
    for test in tests:
        if only and test.__name__ not in only:
            continue
        begin = time.monotonic()
        try:
            test(bin_dir)
            print(f"passed  {test.__name__}  {time.monotonic() - begin:.1f} s", flush=True)
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED  {test.__name__}  {type(error).__name__}: {error}", flush=True)
    sys.exit(1 if failed else 0)
