"""A data folder from a backup, or running twice, never contradicts what its node has signed before."""

import os
import pathlib
import shutil
import time

from cluster import Cluster, Node, Timing, Watch
from harness import check, free_port_range, main, wait_until

OLDER_RECORD = "older than votes that others have seen"
EPOCH_BLOCKS = 60


def is_observer(node):
    return any(OLDER_RECORD in reason for reason in node.not_ready_reasons() or [])


def back_up(cluster, name):
    """A copy of a stopped node's data; the node goes on afterwards, and votes."""
    node = cluster.nodes[name]
    node.stop()
    copy = os.path.join(cluster.folder, "backup-" + name)
    shutil.copytree(node.data, copy)
    node.start()
    cluster.wait_ready(name)
    cluster.wait_progress(10, 60)
    return copy


def restore(cluster, name, copy):
    node = cluster.nodes[name]
    node.stop()
    shutil.rmtree(node.data)
    shutil.copytree(copy, node.data)
    node.start()
    return node


def a_restored_backup_observes_while_the_others_go_on(bin_dir):
    with Cluster(bin_dir, 4) as cluster:
        copy = back_up(cluster, "AAA")
        others = [node for node in cluster.nodes.values() if node.name != "AAA"]
        with Watch(others) as watch:
            node = restore(cluster, "AAA", copy)
            wait_until(lambda: is_observer(node), 30, "AAA knows that its record is old")
            cluster.wait_progress(15, 60)
            check(is_observer(node), "AAA votes with an old record")
        watch.check_longest(cluster.timing.stop_bound(1), "with a restored node")
        node.kill()
        node.start()
        wait_until(lambda: is_observer(node), 30, "AAA still knows it after a restart")
        cluster.wait_progress(5, 60)
        cluster.check_no_evidence()
        cluster.check_same_roots()
        cluster.check_audits()


def a_restored_backup_votes_again_in_the_next_epoch(bin_dir):
    with Cluster(bin_dir, 4, Timing(idle=0.1), {"epoch_blocks_max": EPOCH_BLOCKS}) as cluster:
        copy = back_up(cluster, "BBB")
        node = restore(cluster, "BBB", copy)
        wait_until(lambda: is_observer(node), 30, "BBB knows that its record is old")
        wait_until(lambda: node.running and node.ready(), 120, "BBB votes again in a later epoch")
        # Now it must be counted on: without it and one other there is no quorum.
        cluster.nodes["CCC"].kill()
        cluster.wait_progress(5, 60, ["HUB", "AAA", "BBB"])
        cluster.nodes["CCC"].start()
        cluster.wait_ready("CCC")
        cluster.check_no_evidence()
        cluster.check_same_roots()
        cluster.check_audits()


def a_copied_folder_that_runs_beside_its_node_contradicts_nobody(bin_dir):
    """Same keys, same record, two processes: whoever the others are linked to, nothing is signed twice differently."""
    with Cluster(bin_dir, 4) as cluster:
        original = cluster.nodes["CCC"]
        copy = back_up(cluster, "CCC")
        base = free_port_range(2)
        twin = Node(cluster, "CCC", base, base + 1)
        twin.folder = os.path.join(cluster.folder, "twin")
        twin.data, twin.config = os.path.join(twin.folder, "data"), os.path.join(twin.folder, "node.toml")
        twin.log = os.path.join(twin.folder, "tallyd.log")
        shutil.copytree(original.folder, twin.folder, ignore=shutil.ignore_patterns("data", "*.log"))
        shutil.copytree(copy, twin.data)
        cluster.write_config(twin, [node for node in cluster.nodes.values() if node is not original])
        others = [node for node in cluster.nodes.values() if node is not original]
        with Watch(others, submit_every=0.5) as watch:
            twin.start()
            try:
                end = time.monotonic() + 12
                wait_until(lambda: time.monotonic() > end, 30, "the two have run together")
                cluster.wait_progress(5, 60, [node.name for node in others])
                check(twin.running, f"the copy ended: {pathlib.Path(twin.log).read_text(errors='replace')[-400:]}")
            finally:
                twin.kill()
        watch.check_longest(cluster.timing.stop_bound(1), "with a node running twice")
        cluster.check_no_evidence()
        cluster.wait_progress(5, 60)
        cluster.check_same_roots()


main([a_restored_backup_observes_while_the_others_go_on, a_restored_backup_votes_again_in_the_next_epoch,
      a_copied_folder_that_runs_beside_its_node_contradicts_nobody])
