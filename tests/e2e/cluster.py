"""Nodes without bridges for tests of consensus: own genesis, own process handles, links through a proxy.

Everything runs on loopback, is waited for with deadlines, and is stopped by process id when the test ends.
"""

import contextlib
import itertools
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from harness import COMMAND_TIMEOUT_S, check, check_equal, free_port_range, wait_until
from proxy import LinkProxy

TOKEN = "0123456789abcdef0123456789abcdef"
READY_S = 60
STOP_S = 20

# What nodes do by themselves, from docs/protocol: the links dial again after at most this long, and a link whose peer is
# silent is given up after the second figure. Seconds.
RECONNECT_MAX_S = 5.0
SILENCE_MAX_S = 4.0
RETRY_S = 0.5
DELTA_MAX_S = 8.0
# Everything the timers do not explain: start of a process on a busy machine, polling.
MACHINE_S = float(os.environ.get("TALLY_E2E_MACHINE_S", "4"))


def member_names(count):
    return ["HUB"] + [chr(ord("A") + number) * 3 for number in range(count - 1)]


def faults_of(count):
    return (count - 1) // 3


class Timing:
    """The timers of a cluster in seconds, and what they allow."""

    def __init__(self, delta=0.05, idle=0.2, skip=2.0):
        self.delta = delta
        self.idle = idle
        self.skip = skip

    def lost_views(self, views, delta=None):
        """Longest time that so many lost views in a row take, with the back-off of delta."""
        delta = delta or self.delta
        total = 0.0
        for number in range(views):
            total += max(3 * delta, RETRY_S) + delta
            if number >= 1:
                delta = min(DELTA_MAX_S, delta * 1.5)
        return total

    def views_until(self, needed):
        """Lost views until delta has grown to what the network needs."""
        delta, views = self.delta, 0
        while delta < needed:
            views += 1
            delta *= 1.5 if views >= 2 else 1.0
        return views

    def stop_bound(self, bad_leaders, network_delay=0.0, reconnect=False):
        """The longest time without a new height when `bad_leaders` may lead one after the other."""
        lost = bad_leaders + self.views_until(network_delay)
        return (self.idle + self.skip + self.lost_views(lost) + 8 * network_delay
                + (RECONNECT_MAX_S + SILENCE_MAX_S if reconnect else 0.0) + MACHINE_S)


class Node:
    """One tallyd and its files."""

    def __init__(self, cluster, name, link_port, api_port):
        self.cluster = cluster
        self.name = name
        self.link_port = link_port
        self.api = f"http://127.0.0.1:{api_port}"
        self.folder = os.path.join(cluster.folder, name)
        self.data = os.path.join(self.folder, "data")
        self.config = os.path.join(self.folder, "node.toml")
        self.log = os.path.join(self.folder, "tallyd.log")
        self.process = None
        self.program = cluster.bin / "tallyd"

    def start(self, file_bytes_max=None):
        check(not self.running, f"{self.name} runs already")

        def limits():
            if file_bytes_max is not None:
                # A write beyond the limit then fails as on a full disk, instead of ending the process.
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program, "run", "--config", self.config], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True, preexec_fn=limits)

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL, and gone when this returns."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(STOP_S)

    def stop(self):
        self.process.terminate()
        check_equal(self.process.wait(STOP_S), 0, f"exit code of {self.name}")

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def ask(self, path, timeout=2.0):
        """(status, text) of an answer; (0, "") when there is none."""
        request = urllib.request.Request(self.api + path)
        request.add_header("Authorization", "Bearer " + TOKEN)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()
        except (OSError, TimeoutError):
            return 0, ""

    def get(self, path, timeout=2.0):
        """The answer as JSON; None when there is none or it is an error."""
        code, text = self.ask(path, timeout)
        return json.loads(text) if code == 200 else None

    def status(self):
        return self.get("/api/v1/status")

    def height(self):
        status = self.status()
        return status["height"] if status else 0

    def ready(self):
        return self.ask("/readyz")[0] == 200

    def not_ready_reasons(self):
        code, text = self.ask("/readyz")
        return json.loads(text)["reasons"] if code else None

    def metric(self, name):
        """Sum over all labels; None when the node does not answer or has no such figure."""
        found = [float(line.rsplit(" ", 1)[1]) for line in self.ask("/metrics")[1].splitlines()
                 if line.startswith((name + " ", name + "{"))]
        return sum(found) if found else None

    def log_has(self, text):
        return text in pathlib.Path(self.log).read_text(errors="replace")


class Cluster:
    """`count` validators, all linked through one proxy. Use as a context manager; it starts everything."""

    def __init__(self, bin_dir, count, timing=None, parameters=None, start=True):
        self.bin = pathlib.Path(bin_dir)
        self.timing = timing or Timing()
        self.folder = tempfile.mkdtemp(prefix="tally-cluster-")
        self.proxy = LinkProxy()
        self.names = member_names(count)
        base = free_port_range(2 * count)
        self.nodes = {name: Node(self, name, base + 2 * index, base + 2 * index + 1)
                      for index, name in enumerate(self.names)}
        self.genesis = os.path.join(self.folder, "genesis.json")
        self._counter = itertools.count()
        self._make_files(parameters or {})
        if start:
            try:
                self.start_all()
            except BaseException:
                self._end(True)
                raise

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self._end(kind is not None)

    def _end(self, failed):
        for node in self.nodes.values():
            if node.running:
                with contextlib.suppress(ProcessLookupError):
                    node.resume()
                node.kill()
        self.proxy.stop()
        if failed:
            for node in self.nodes.values():
                if os.path.exists(node.log):
                    tail = pathlib.Path(node.log).read_text(errors="replace").splitlines()[-15:]
                    print(f"---- {node.name}", *tail, sep="\n", file=sys.stderr)
        if failed and os.environ.get("TALLY_E2E_KEEP"):
            print(f"kept: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- files

    def _make_files(self, parameters):
        text = 'name = "test"\n[parameters]\n'
        settings = {"delta_ms": int(self.timing.delta * 1000), "idle_interval_ms": int(self.timing.idle * 1000),
                    "skip_timeout_ms": int(self.timing.skip * 1000), **parameters}
        text += "".join(f"{key} = {value}\n" for key, value in settings.items())
        for name in self.names:
            self.run("keygen", "--out", os.path.join(self.nodes[name].folder, "keys"))
            role = "hub" if name == "HUB" else "operator"
            text += f'[[member]]\nparty = "{name}"\ncountry = "CN"\nrole = "{role}"\nkeys = "{name}/keys/public.json"\n'
        network = pathlib.Path(self.folder, "network.toml")
        network.write_text(text, encoding="utf-8")
        self.run("genesis", "--config", network, "--out", self.genesis)
        for node in self.nodes.values():
            self.write_config(node, self.nodes.values())
            self.run_node(node, "init")

    def write_config(self, node, peers):
        text = (f'member = "{node.name}"\ndata_dir = "data"\ngenesis = "{self.genesis}"\n'
                '[keys]\nmember = "keys/member.key"\nconsensus = "keys/consensus.key"\nlink = "keys/link.key"\n'
                f'[link]\nlisten = "127.0.0.1:{node.link_port}"\n'
                f'[api]\nlisten = "{node.api.removeprefix("http://")}"\ntoken_file = "api.token"\n')
        for peer in peers:
            if peer is not node:
                port = self.proxy.listen(node.name, peer.name, peer.link_port)
                text += f'[[peer]]\nmember = "{peer.name}"\naddress = "127.0.0.1:{port}"\n'
        pathlib.Path(node.config).write_text(text, encoding="utf-8")
        token = pathlib.Path(node.folder, "api.token")
        token.write_text(TOKEN + "\n", encoding="utf-8")
        token.chmod(0o600)

    # ---- programs

    def run(self, *arguments, codes=(0,), text_in=None, timeout=COMMAND_TIMEOUT_S):
        done = subprocess.run([self.bin / "tally", *arguments], capture_output=True, text=True, timeout=timeout,
                              check=False, input=text_in or "")
        check(codes is None or done.returncode in codes,
              f"tally {arguments} gave {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def run_node(self, node, command):
        done = subprocess.run([node.program, command, "--config", node.config], capture_output=True, text=True,
                              timeout=COMMAND_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL)
        check_equal(done.returncode, 0, f"tallyd {command} of {node.name}: {done.stderr}")

    def start_all(self):
        for node in self.nodes.values():
            if not node.running:
                node.start()
        self.wait_ready(*self.names)

    def wait_ready(self, *names):
        for name in names:
            node = self.nodes[name]
            wait_until(lambda node=node: node.ready() or not node.running, READY_S, f"{name} is ready")
            check(node.running, f"{name} ended")

    def up(self):
        return [node for node in self.nodes.values() if node.running]

    # ---- load: one small transaction at a time, by random members through random nodes

    def submit(self, signer, through, seconds=10):
        """Puts one agreement on the ledger; its reference once it is final, None when it is not known to be."""
        partner = next(name for name in self.names if name not in (signer, "HUB"))
        action = {"action": "SetAgreement", "partner": partner, "currency": "CNY",
                  "exposure_cap": f"{next(self._counter) + 1}.00"}
        done = self.run("submit", "--action", "-", "--key", os.path.join(self.nodes[signer].folder, "keys", "member.key"),
                        "--member", signer, "--genesis", self.genesis, "--api", self.nodes[through].api, "--timeout",
                        str(seconds), "--json", codes=None, text_in=json.dumps(action))
        return json.loads(done.stdout) if done.returncode == 0 else None

    # ---- what must hold

    def wait_height(self, height, seconds, names=None):
        for name in names or self.names:
            wait_until(lambda name=name: self.nodes[name].height() >= height, seconds, f"{name} has height {height}")

    def wait_progress(self, blocks, seconds, names=None):
        """So many more blocks on each of these nodes."""
        top = max(self.nodes[name].height() for name in names or self.names)
        self.wait_height(top + blocks, seconds, names)

    def check_same_roots(self, seconds=30.0):
        """All nodes reach the height of the highest, and have the same block and state root there."""
        height = max(node.height() for node in self.nodes.values())
        check(height > 0, "no node answers")
        self.wait_height(height, seconds)
        blocks = {name: node.get(f"/api/v1/blocks/{height}") for name, node in self.nodes.items()}
        check(None not in blocks.values(), f"a node does not give block {height}")
        check_equal(len({(block["digest"], block["state_root"]) for block in blocks.values()}), 1,
                    f"different blocks at height {height}")
        return height

    def check_no_evidence(self):
        """Nobody saw anybody contradict himself."""
        for node in self.up():
            check_equal(node.metric("tally_evidence_total"), 0, f"proofs of equivocation seen by {node.name}")

    def check_audits(self):
        """Stops every node and audits what it wrote."""
        for node in self.up():
            node.stop()
        for node in self.nodes.values():
            self.run("audit", node.data, "--genesis", self.genesis, "--level", "replay")


class Watch:
    """Notes when heights rise while a block of code runs: the longest time without a new height on the nodes watched."""

    def __init__(self, nodes, submit_every=None):
        self._nodes = list(nodes)
        self._end = threading.Event()
        self._heights = {}
        self._risen = time.monotonic()
        self._top = 0
        self.longest = 0.0
        self.blocks = 0
        self.submitted = []
        self._threads = [threading.Thread(target=self._observe, daemon=True)]
        if submit_every:
            self._threads.append(threading.Thread(target=self._submit, args=(submit_every,), daemon=True))

    def __enter__(self):
        self._top = max(node.height() for node in self._nodes)
        self._first = self._top
        self._risen = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self._end.set()
        for thread in self._threads:
            thread.join(60)
        self.longest = max(self.longest, time.monotonic() - self._risen)
        self.blocks = self._top - self._first

    def _observe(self):
        while not self._end.wait(0.05):
            for node in self._nodes:
                if node.running:
                    status = node.get("/api/v1/status", 0.5)
                    if status and status["height"] > self._top:
                        now = time.monotonic()
                        self.longest = max(self.longest, now - self._risen)
                        self._top, self._risen = status["height"], now

    def _submit(self, every):
        cluster = self._nodes[0].cluster
        chance = random.Random(7)
        while not self._end.wait(every):
            through = chance.choice([node.name for node in self._nodes])
            final = cluster.submit(chance.choice(cluster.names[1:]), through, 5)
            if final:
                self.submitted.append(final)

    def check_longest(self, bound, what):
        check(self.longest <= bound, f"{what}: no new height for {self.longest:.1f} s, the timers allow {bound:.1f} s")
        print(f"        {what}: longest stop {self.longest:.2f} s of {bound:.1f} s allowed, {self.blocks} blocks",
              flush=True)


def check_submitted(cluster, submitted, least=1, deadline_s=20.0):
    """What was final for a client of one node is, or soon comes to be, on every node at the same height."""
    check(len(submitted) >= least, f"only {len(submitted)} transactions were final, at least {least} expected")
    for final in submitted:
        for node in cluster.nodes.values():
            def known(node=node, path="/api/v1/transactions/" + final["id"]):
                return node.get(path)

            seen = wait_until(known, deadline_s, f"{node.name} has {final}")
            check_equal(seen["height"], final["height"], f"height of {final['id']} at {node.name}")
