"""tally backup from a node that runs, tally restore, and that a restored validator contradicts nothing it has signed."""

import json
import os
import pathlib
import shutil

from cluster import Cluster, Timing, Watch, check_submitted
from harness import check, check_equal, main, wait_until

NO_RECORD = "safety record"
EPOCH_BLOCKS = 80


def is_observer(node):
    return any(NO_RECORD in reason for reason in node.not_ready_reasons() or [])


def back_up(cluster, name, *more):
    """A backup of a running node; what it says."""
    to = os.path.join(cluster.folder, "backup-" + name)
    done = cluster.run("backup", "--from", cluster.nodes[name].api, "--genesis", cluster.genesis, "--to", to, "--json",
                       *more)
    return to, json.loads(done.stdout)


def restore(cluster, name, backup):
    """The node's folder is lost and made anew from the backup; keys and configuration are as they were."""
    node = cluster.nodes[name]
    node.kill()
    shutil.rmtree(node.data)
    cluster.run("restore", "--from", backup, "--data", node.data, "--genesis", cluster.genesis)
    check(not os.listdir(os.path.join(node.data, "consensus")), "the restored folder has a safety record")
    node.start()
    return node


def a_restored_validator_never_votes_where_it_might_have(bin_dir):
    with Cluster(bin_dir, 4, Timing(idle=0.1), {"epoch_blocks_max": EPOCH_BLOCKS}) as cluster:
        others = [node for node in cluster.nodes.values() if node.name != "AAA"]
        first = [cluster.submit("BBB", "HUB"), cluster.submit("CCC", "AAA")]
        with Watch(others, submit_every=0.5) as watch:
            backup, report = back_up(cluster, "AAA")
        check(report["height"] >= max(final["height"] for final in first), f"the backup ends early: {report}")
        cluster.run("restore", "--check", "--from", backup, "--genesis", cluster.genesis)
        # AAA goes on and votes; then its disk is gone. What it signed since the backup is known to nobody there.
        cluster.wait_progress(10, 60)
        node = restore(cluster, "AAA", backup)
        epoch = cluster.nodes["HUB"].get("/api/v1/epoch")["epoch"]
        wait_until(lambda: is_observer(node) or cluster.nodes["HUB"].get("/api/v1/epoch")["epoch"] > epoch, 60,
                   "AAA observes")
        check(node.log_has("safety_record_lost"), "AAA does not say that it has no record")
        wait_until(lambda: node.running and node.ready(), 120, "AAA votes again in a later epoch")
        check(node.get("/api/v1/epoch")["epoch"] > epoch, "AAA voted in the epoch that it had voted in before")
        # Now it is counted on: without it and one other there is no quorum.
        cluster.nodes["CCC"].kill()
        cluster.wait_progress(5, 60, ["HUB", "AAA", "BBB"])
        cluster.nodes["CCC"].start()
        cluster.wait_ready("CCC")
        cluster.check_no_evidence()
        cluster.check_same_roots()
        check_submitted(cluster, first + watch.submitted, 2)
        cluster.check_audits()


def while_no_epoch_passes_a_restored_validator_stays_silent(bin_dir):
    with Cluster(bin_dir, 4) as cluster:
        backup, _ = back_up(cluster, "BBB")
        cluster.wait_progress(5, 60)
        node = restore(cluster, "BBB", backup)
        wait_until(lambda: is_observer(node), 60, "BBB observes")
        # With one more gone the others need its vote for a quorum, and must not get it.
        cluster.nodes["CCC"].kill()
        height = cluster.nodes["HUB"].height()
        try:
            wait_until(lambda: cluster.nodes["HUB"].height() > height + 1, 8, "a block")
        except AssertionError:
            pass
        else:
            check(False, "a block became final with the vote of a node that does not know what it signed")
        cluster.nodes["CCC"].start()
        cluster.wait_progress(5, 60)
        check(is_observer(node), "BBB votes without a record")
        cluster.check_no_evidence()
        cluster.check_same_roots()
        cluster.check_audits()


def an_incremental_backup_brings_the_first_one_up_to_date(bin_dir):
    with Cluster(bin_dir, 4, Timing(idle=0.1)) as cluster:
        backup, first = back_up(cluster, "AAA")
        cluster.wait_progress(10, 60)
        refused = cluster.run("backup", "--from", cluster.nodes["AAA"].api, "--genesis", cluster.genesis, "--to", backup,
                              codes=(1,))
        check("--incremental" in refused.stderr, refused.stderr)
        # The node keeps a snapshot for a backup for a minute: another node gives a newer one at once.
        done = cluster.run("backup", "--from", cluster.nodes["HUB"].api, "--genesis", cluster.genesis, "--to", backup,
                           "--incremental", "--json")
        second = json.loads(done.stdout)
        check(second["height"] > first["height"], f"{second} is not newer than {first}")
        names = sorted(os.listdir(backup))
        check_equal([name for name in names if name.startswith(("tail", "snapshot"))],
                    [f"snapshot-{second['height']}.bin", f"tail-{second['height']}.seg"], "files of the backup")
        listed = pathlib.Path(backup, "segments")
        data = os.path.join(cluster.folder, "elsewhere")
        cluster.run("restore", "--from", backup, "--data", data, "--genesis", cluster.genesis)
        cluster.run("audit", data, "--genesis", cluster.genesis, "--level", "replay")
        cluster.run("restore", "--from", backup, "--data", data, "--genesis", cluster.genesis, codes=(1,))
        check(listed.is_dir(), "there is no folder of segments")


main([a_restored_validator_never_votes_where_it_might_have,
      while_no_epoch_passes_a_restored_validator_stays_silent,
      an_incremental_backup_brings_the_first_one_up_to_date])
