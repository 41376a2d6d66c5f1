"""A new operator joins a running network under load, with the hub's one action, and is promoted by votes."""

import os
import pathlib
import re

from cluster import Cluster, Node, Timing, Watch, check_submitted
from harness import check, free_port_range, main, wait_until

JOIN_S = 120
HISTORY_BLOCKS = 150
PERIOD_BLOCKS = 60
# A join may slow blocks down for a moment (a new link, a snapshot to serve), not stop them. The second figure is what a
# busy machine does to any block anyhow.
RATIO_MAX = 4.0
EXCUSED_MS = 500


def intervals(node, first, last):
    """Milliseconds between the blocks from `first` to `last`, sorted."""
    times = []
    while first <= last:
        page = node.get(f"/api/v1/blocks?from={first}&limit=100", 10)["items"]
        times += [block["time_ms"] for block in page if block["height"] <= last]
        first = page[-1]["height"] + 1
    return sorted(after - before for before, after in zip(times, times[1:]))


def figures(sorted_ms):
    def at(percent):
        return sorted_ms[max(0, -(-len(sorted_ms) * percent // 100) - 1)]
    return {"median": at(50), "p99": at(99), "max": sorted_ms[-1], "blocks": len(sorted_ms)}


def newcomer(cluster, name):
    """Everything that `tally join` makes for it, as a node that is not started yet."""
    base = free_port_range(2)
    node = Node(cluster, name, base, base + 1)
    peers = [f"{peer.name}=127.0.0.1:{peer.link_port}" for peer in cluster.nodes.values()]
    cluster.run("join", "--party", name, "--country", "CN", "--genesis", cluster.genesis,
                *[word for peer in peers for word in ("--peer", peer)], "--link-listen", f"127.0.0.1:{base}",
                "--api-listen", f"127.0.0.1:{base + 1}", "--out", node.folder)
    node.config = os.path.join(node.folder, "tallyd.toml")
    cluster.run_node(node, "init")
    return node


def settings_of(cluster, name):
    return ("--config", cluster.nodes[name].config)


def an_operator_joins_under_load_and_nobody_notices(bin_dir):
    with Cluster(bin_dir, 4, Timing(idle=0.02)) as cluster:
        hub = cluster.nodes["HUB"]
        cluster.wait_height(HISTORY_BLOCKS, 240)
        with Watch(cluster.nodes.values(), submit_every=0.2) as watch:
            begin = hub.height()
            cluster.wait_height(begin + PERIOD_BLOCKS, 120)
            before = figures(intervals(hub, begin, begin + PERIOD_BLOCKS))
            begin = hub.height()
            node = newcomer(cluster, "NEW")
            node.start()
            cluster.run("member", "admit", os.path.join(node.folder, "admission.json"), *settings_of(cluster, "HUB"))
            cluster.nodes["NEW"] = node
            wait_until(lambda: node.ready() or not node.running, JOIN_S, "NEW is ready")
            check(node.running, "NEW ended: " + pathlib.Path(node.log).read_text(errors="replace")[-600:])
            joined = max(hub.height(), begin + 20)
            cluster.wait_height(joined, 120)
            during = figures(intervals(hub, begin, joined))
        print(f"        block interval in ms before the join: {before}\n"
              f"        block interval in ms while it joins:  {during}", flush=True)
        for figure in ("median", "p99", "max"):
            check(during[figure] <= RATIO_MAX * before[figure] + EXCUSED_MS,
                  f"{figure} block interval: {before[figure]} ms before, {during[figure]} ms while one joins")
        watch.check_longest(cluster.timing.stop_bound(1), "while one joins")
        cluster.check_same_roots()
        check_submitted(cluster, watch.submitted)
        promote(cluster, node)
        cluster.check_same_roots()
        cluster.check_no_evidence()
        cluster.check_audits()


def promote(cluster, node):
    """Votes make it a validator, which the network then rests on."""
    asked = cluster.run("member", "propose", "promote", node.name, *settings_of(cluster, "HUB"))
    proposal = re.search(r"HUB-[0-9a-f]{32}", asked.stdout).group(0)
    for voter in ("AAA", "BBB"):
        cluster.run("member", "vote", proposal, "approve", *settings_of(cluster, voter))
    wait_until(lambda: node.name in (node.status() or {"validators": []})["validators"], 120, f"{node.name} is a validator")
    wait_until(node.ready, 60, f"{node.name} votes")
    cluster.nodes["CCC"].kill()
    cluster.wait_progress(5, 60, ["HUB", "AAA", "BBB", node.name])
    cluster.nodes["CCC"].start()
    cluster.wait_ready("CCC")


main([an_operator_joins_under_load_and_nobody_notices])
