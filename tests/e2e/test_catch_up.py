"""A node that was away catches up beside consensus, while the others go on and without anybody's restart.

TALLY_E2E_BLOCKS sets how many blocks the long absence lasts (1,000 unless told).
"""

import os
import time

from cluster import Cluster, RECONNECT_MAX_S, Timing, Watch
from harness import main, wait_until

BUSY = Timing(idle=0.005)  # a chain that makes blocks as fast as it can
LONG = int(os.environ.get("TALLY_E2E_BLOCKS", "1000"))
EPOCH_BLOCKS = 60
BLOCKS_A_SECOND = 100  # at least so fast must a node catch up, on a busy machine


def catches_up(cluster, name, missed, back, absence=""):
    """Waits for `missed` blocks without the node, brings it back, and gives the seconds it then needed."""
    others = [node for node in cluster.nodes.values() if node.name != name]
    with Watch(others) as watch:
        cluster.wait_progress(missed, 600, [node.name for node in others])
        top = max(node.height() for node in others)
        begin = time.monotonic()
        back()
        cluster.wait_height(top, RECONNECT_MAX_S + missed / BLOCKS_A_SECOND + 30, [name])
        took = time.monotonic() - begin
        cluster.wait_ready(name)
    watch.check_longest(cluster.timing.stop_bound(1), f"{name} was away for {absence or f'{missed} blocks'}, back in {took:.1f} s")


def a_stopped_node_catches_up(bin_dir):
    with Cluster(bin_dir, 4, BUSY) as cluster:
        for name, missed in (("AAA", 300), ("HUB", LONG)):
            node = cluster.nodes[name]
            node.stop()
            catches_up(cluster, name, missed, node.start)
        node = cluster.nodes["BBB"]
        node.kill()
        catches_up(cluster, "BBB", 50, node.start)
        cluster.check_same_roots()
        cluster.check_no_evidence()
        cluster.check_audits()


def a_paused_node_catches_up_without_a_restart(bin_dir):
    with Cluster(bin_dir, 4, BUSY) as cluster:
        node = cluster.nodes["CCC"]
        node.pause()
        catches_up(cluster, "CCC", 400, node.resume)
        cluster.check_same_roots()
        cluster.check_no_evidence()
        cluster.check_audits()


def a_node_cut_off_catches_up_without_a_restart(bin_dir):
    with Cluster(bin_dir, 4, BUSY) as cluster:
        cluster.proxy.partition(["AAA"], ["HUB", "BBB", "CCC"])
        catches_up(cluster, "AAA", 400, cluster.proxy.heal)
        cluster.check_same_roots()
        cluster.check_no_evidence()
        cluster.check_audits()


def epoch_of(node):
    """Of its newest block; 0 when it does not answer in time."""
    height = node.height()
    block = node.get(f"/api/v1/blocks/{height}", 10) if height else None
    return block["epoch"] if block else 0


def away_over_three_epochs(bin_dir):
    """One node is stopped, then another is paused, each while three epochs end; both vote afterwards."""
    with Cluster(bin_dir, 4, Timing(idle=0.02), {"epoch_blocks_max": EPOCH_BLOCKS}) as cluster:
        for name, leave, come_back in (("AAA", "stop", "start"), ("BBB", "pause", "resume")):
            node = cluster.nodes[name]
            before = epoch_of(cluster.nodes["HUB"])
            getattr(node, leave)()
            others = [other.name for other in cluster.nodes.values() if other is not node]
            wait_until(lambda before=before: epoch_of(cluster.nodes["HUB"]) >= before + 3, 240, "three epochs")
            catches_up(cluster, name, 5, getattr(node, come_back), "three epochs")
            wait_until(lambda: epoch_of(node) >= before + 3, 10, f"{name} is in the others' epoch")
            # Its vote is needed now: with another one away, four are only just a quorum.
            away = cluster.nodes[others[-1]]
            away.kill()
            cluster.wait_progress(5, 60, [other.name for other in cluster.nodes.values() if other is not away])
            away.start()
            cluster.wait_ready(away.name)
        cluster.check_same_roots()
        cluster.check_no_evidence()
        cluster.check_audits()


main([a_stopped_node_catches_up, a_paused_node_catches_up_without_a_restart,
      a_node_cut_off_catches_up_without_a_restart, away_over_three_epochs])
