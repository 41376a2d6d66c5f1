"""A network of real nodes with a long past, made by `tally bench ledger`, and what joining it costs."""

import itertools
import json
import os
import pathlib
import re
import shutil
import tempfile
import threading
import time

from cluster import Cluster, Node, Timing
from harness import check, check_equal, free_port_range, wait_until
from proxy import LinkProxy

IDLE_MS = 50
START_S = 300
STILL_POLLS = 20
# The tables that decide everything: those of the state tree, but for finished authorizations, and what is derived of them.
FINISHED = "82"
FIRST_INDEX = 0xC0


class Past(Cluster):
    """Hub and three operators as validators, four more operators without a ledger. Not started."""

    def __init__(self, bin_dir, transactions, folder=None, sync=""):
        self.bin = pathlib.Path(bin_dir)
        self.timing = Timing(idle=IDLE_MS / 1000)
        self.keep = folder is not None
        self.folder = folder or tempfile.mkdtemp(prefix="tally-past-")
        self.proxy = LinkProxy()
        self.genesis = os.path.join(self.folder, "genesis.json")
        self._counter = itertools.count()
        self.sync = sync
        if not os.path.exists(os.path.join(self.folder, "devnet.json")):
            self.run("bench", "ledger", "--transactions", str(transactions), "--out", self.folder, "--idle-ms",
                     str(IDLE_MS), "--base-port", str(free_port_range(40)), "--json", os.path.join(self.folder, "past.json"),
                     timeout=3600)
        everybody = json.loads(pathlib.Path(self.folder, "devnet.json").read_text(encoding="utf-8"))["nodes"]
        self.past = json.loads(pathlib.Path(self.folder, "past.json").read_text(encoding="utf-8"))
        self.followers = {}
        self.nodes = {}
        for place in everybody:
            port = int(place["api"].rsplit(":", 1)[1])
            node = Node(self, place["member"], port - 1, port)
            self.add_settings(node)
            (self.nodes if len(self.nodes) < 4 else self.followers)[node.name] = node
        self.names = list(self.nodes)

    def add_settings(self, node):
        text = pathlib.Path(node.config).read_text(encoding="utf-8").split("[sync]")[0]
        pathlib.Path(node.config).write_text(text + "[sync]\n" + self.sync, encoding="utf-8")

    def start_all(self):
        for node in self.nodes.values():
            node.start()
        for node in self.nodes.values():
            wait_until(lambda node=node: node.ready() or not node.running, START_S, f"{node.name} is ready")
        # Between the last block of the past and the first new one lies all the time since it was made.
        self.wait_height(self.past["blocks"] + 1, START_S)

    def _end(self, failed):
        if self.keep:
            for node in [*self.nodes.values(), *self.followers.values()]:
                if node.running:
                    node.kill()
            self.proxy.stop()
        else:
            self.nodes.update(self.followers)
            super()._end(failed)

    def newcomer(self, name):
        """What `tally join` makes, initialised; not started and not admitted."""
        base = free_port_range(2)
        node = Node(self, name, base, base + 1)
        shutil.rmtree(node.folder, ignore_errors=True)
        peers = [f"{peer.name}=127.0.0.1:{peer.link_port}" for peer in self.nodes.values()]
        self.run("join", "--party", name, "--country", "CN", "--genesis", self.genesis,
                 *[word for peer in peers for word in ("--peer", peer)], "--link-listen", f"127.0.0.1:{base}",
                 "--api-listen", f"127.0.0.1:{base + 1}", "--out", node.folder)
        node.config = os.path.join(node.folder, "tallyd.toml")
        self.followers[name] = node  # stopped with the others
        self.add_settings(node)
        self.run_node(node, "init")
        return node

    def admit(self, node):
        self.run("member", "admit", os.path.join(node.folder, "admission.json"), "--config", self.nodes["HUB"].config)

    def wait_joined(self, node, seconds):
        """Seconds until it is ready."""
        begin = time.monotonic()
        wait_until(lambda: node.ready() or not node.running, seconds, f"{node.name} is ready")
        check(node.running, f"{node.name} ended: " + pathlib.Path(node.log).read_text(errors="replace")[-600:])
        return time.monotonic() - begin

    # ---- at rest

    def come_to_rest(self, *others):
        """Stops one validator more than may fail, waits until all others have the same height, and stops them."""
        self.nodes["BBB"].stop()
        self.nodes["CCC"].stop()
        nodes = [self.nodes["HUB"], self.nodes["AAA"], *others]
        seen = []

        def level():
            seen.append(tuple(node.height() for node in nodes))
            return len(seen) >= STILL_POLLS and len(set(seen[-STILL_POLLS:])) == 1 and len(set(seen[-1])) == 1
        wait_until(level, 60, "all nodes have the same height")
        for node in nodes:
            node.stop()

    def tables(self, node):
        """{table: (entries, bytes, digest)} of a stopped node's state."""
        items = json.loads(self.run("bench", "state", node.data, "--json").stdout)["items"]
        return {item["table"]: (item["entries"], item["bytes"], item["digest"]) for item in items}

    def check_same_state(self, one, other, but=()):
        left, right = self.tables(one), self.tables(other)
        for table in sorted(set(left) | set(right)):
            if int(table, 16) < FIRST_INDEX and table not in but:
                check_equal(right.get(table), left.get(table), f"table {table} of {other.name} and of {one.name}")


def sync_log(node, event):
    """The lines of a kind that state sync has logged, as {field: value}."""
    lines = pathlib.Path(node.log).read_text(errors="replace").splitlines()
    return [dict(re.findall(r"(\w+)=(\S+)", line)) for line in lines if f"comp=sync event={event}" in line]


def memory_mb(node):
    """Largest resident memory that the node's process has had."""
    text = pathlib.Path(f"/proc/{node.process.pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", text).group(1)) // 1024


def folder_mb(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file()) / 1e6


def block_times(node, first, last):
    """Times of the blocks from `first` to `last`, in ms."""
    times = []
    while first <= last:
        page = node.get(f"/api/v1/blocks?from={first}&limit=100", 20)["items"]
        times += [block["time_ms"] for block in page if block["height"] <= last]
        first = page[-1]["height"] + 1
    return times


def interval_figures(times):
    intervals = sorted(after - before for before, after in zip(times, times[1:]))

    def at(percent):
        return intervals[max(0, -(-len(intervals) * percent // 100) - 1)]
    return {"median": at(50), "p99": at(99), "max": intervals[-1], "blocks": len(intervals)}


class Phase:
    """The blocks that are made while a block of code runs, and then until there are `least` of them."""

    def __init__(self, node, least):
        self._node = node
        self._least = least
        self.figures = None

    def __enter__(self):
        self._first = self._node.height()
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            wait_until(lambda: self._node.height() >= self._first + self._least, 600, f"{self._least} blocks")
            self.figures = interval_figures(block_times(self._node, self._first, self._node.height()))


class SteadyLoad:
    """One small transaction after the other while it runs, with the same pause between two of them."""

    def __init__(self, past, pause_s=0.2):
        self._past = past
        self._pause = pause_s
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.final = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self._end.set()
        self._thread.join(60)

    def _run(self):
        while not self._end.wait(self._pause):
            if done := self._past.submit("AAA", "HUB", 10):
                self.final.append(done)
