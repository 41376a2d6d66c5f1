"""An empty node joins a chain with history by a snapshot: it is ready without replaying, also after a kill in the middle."""

import pathlib
import re
import time

from cluster import Cluster, Timing, Watch, check_submitted
from harness import check, check_equal, main, wait_until

SYNC = "[sync]\nmin_blocks = 50\nmin_chain_age_s = 0\nsnapshot_interval = 20\n"
HISTORY_BLOCKS = 150
JOINER = "DDD"


def add_sync(node):
    with open(node.config, "a", encoding="utf-8") as config:
        config.write(SYNC)


def log_lines(node, event):
    return [line for line in pathlib.Path(node.log).read_text(errors="replace").splitlines()
            if '"sync"' in line and event in line or re.search(rf"\bsync\b.*\b{event}\b", line)]


def start_with_history(bin_dir):
    """Four of five validators, and so many blocks that the fifth has something to catch up with."""
    cluster = Cluster(bin_dir, 5, Timing(delta=0.2, idle=0.05), start=False)
    try:
        for node in cluster.nodes.values():
            add_sync(node)
        others = [node for name, node in cluster.nodes.items() if name != JOINER]
        for node in others:
            node.start()
        cluster.wait_ready(*[node.name for node in others])
        with Watch(others, submit_every=0.2) as watch:
            wait_until(lambda: others[0].height() >= HISTORY_BLOCKS, 180, f"{HISTORY_BLOCKS} blocks of history")
        return cluster, others, watch.submitted
    except BaseException:
        cluster._end(True)
        raise


def joins_by_snapshot(bin_dir):
    cluster, others, submitted = start_with_history(bin_dir)
    with cluster:
        joiner = cluster.nodes[JOINER]
        before = time.monotonic()
        joiner.start()
        cluster.wait_ready(JOINER)
        print(f"        ready after {time.monotonic() - before:.1f} s", flush=True)
        check_equal(len(log_lines(joiner, "complete")), 1, "snapshots that were completed")
        fetched = joiner.metric("tally_blocks_fetched_total")
        check(fetched is None or fetched < HISTORY_BLOCKS // 2, f"{fetched} blocks were replayed")
        check_submitted(cluster, submitted)
        cluster.check_same_roots()
        with Watch(cluster.nodes.values(), submit_every=0.2):
            cluster.wait_progress(5, 30)
        joiner.stop()
        joiner.start()
        cluster.wait_ready(JOINER)
        check_equal(len(log_lines(joiner, "complete")), 1, "snapshots that were completed after a restart")
        cluster.check_same_roots()
        cluster.check_no_evidence()


def goes_on_after_a_kill(bin_dir):
    cluster, others, submitted = start_with_history(bin_dir)
    with cluster:
        joiner = cluster.nodes[JOINER]
        for other in others:
            # A round trip takes longer than the pause between two lines about progress.
            cluster.proxy.set_both(JOINER, other.name, delay=0.8)
        joiner.start()
        wait_until(lambda: any(int(count) > 0 for line in log_lines(joiner, "progress")
                               for count in re.findall(r'blocks"?[=:] ?"?(\d+)', line)),
                   60, "some blocks of the snapshot are here")
        check(not joiner.ready() and joiner.not_ready_reasons()[0].startswith("syncing"), "the reason is named")
        joiner.kill()
        cluster.proxy.heal()
        joiner.start()
        cluster.wait_ready(JOINER)
        check_equal(len(log_lines(joiner, "resumed")), 1, "imports that went on")
        check_submitted(cluster, submitted)
        cluster.check_same_roots()


main([joins_by_snapshot, goes_on_after_a_kill])
