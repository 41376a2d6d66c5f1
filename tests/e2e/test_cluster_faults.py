"""Four and seven real nodes under kill -9, pauses, partitions, slow links, restart loops and a full disk.

Whatever happens to at most f of them, heights go on rising: never later than the timers explain (`Timing.stop_bound`).
Afterwards every node has the same blocks, what clients saw final is on all of them, nobody contradicted himself, and
every ledger passes the audit.
"""

import itertools
import os
import pathlib
import random
import shutil
import threading
import time

from cluster import Cluster, RECONNECT_MAX_S, SILENCE_MAX_S, Timing, Watch, check_submitted, faults_of
from harness import check, check_equal, main, wait_until

KILLS = 20
FILLER_BYTES = 400 * 1024 * 1024


def settle(cluster, submitted=(), least=0):
    """The end of every scenario."""
    cluster.check_same_roots()
    check_submitted(cluster, submitted, least)
    cluster.check_no_evidence()
    cluster.check_audits()


def kill_up_to_f_in_turn(bin_dir, count):
    with Cluster(bin_dir, count) as cluster:
        faults = faults_of(count)
        groups = [cluster.names[first:first + faults] for first in range(0, count - faults + 1, faults)][:3]
        submitted = []
        for group in groups:
            others = [node for node in cluster.nodes.values() if node.name not in group]
            with Watch(others, submit_every=0.3) as watch:
                for name in group:
                    cluster.nodes[name].kill()
                cluster.wait_progress(10, 60, [node.name for node in others])
            watch.check_longest(cluster.timing.stop_bound(faults), f"{count} nodes without {' '.join(group)}")
            submitted += watch.submitted
            for name in group:
                cluster.nodes[name].start()
            cluster.wait_ready(*group)
        settle(cluster, submitted, 1)


def four_nodes_lose_each_in_turn(bin_dir):
    kill_up_to_f_in_turn(bin_dir, 4)


def seven_nodes_lose_two_at_a_time(bin_dir):
    kill_up_to_f_in_turn(bin_dir, 7)


def all_nodes_are_killed_at_once(bin_dir):
    with Cluster(bin_dir, 4) as cluster:
        for _ in range(3):
            cluster.wait_progress(3, 30)
            with Watch(cluster.nodes.values(), submit_every=0.1) as before:
                wait_until(lambda before=before: before.submitted, 30, "a transaction is final")
            height = max(node.height() for node in cluster.nodes.values())
            for node in cluster.nodes.values():
                node.kill()
            begin = time.monotonic()
            cluster.start_all()
            cluster.wait_height(height + 1, 60)
            stopped = time.monotonic() - begin
            bound = cluster.timing.stop_bound(faults_of(4), reconnect=True)
            check(stopped <= bound, f"after a start of all: {stopped:.1f} s, the timers allow {bound:.1f} s")
            check_submitted(cluster, before.submitted)
        settle(cluster)


def a_paused_node_is_waited_for_by_nobody_and_comes_back(bin_dir):
    with Cluster(bin_dir, 4) as cluster:
        for name in ("AAA", "HUB"):
            others = [node for node in cluster.nodes.values() if node.name != name]
            with Watch(others, submit_every=0.3) as watch:
                cluster.nodes[name].pause()
                begin = time.monotonic()
                longer_than_timers = cluster.timing.skip + SILENCE_MAX_S + 1
                wait_until(lambda: time.monotonic() - begin > longer_than_timers, 30, "the pause")
                cluster.nodes[name].resume()
                cluster.wait_progress(5, RECONNECT_MAX_S + cluster.timing.stop_bound(1))
            watch.check_longest(cluster.timing.stop_bound(1), f"{name} paused")
            check_submitted(cluster, watch.submitted)
        settle(cluster)


def the_side_with_a_quorum_goes_on(bin_dir):
    with Cluster(bin_dir, 4) as cluster:
        majority, minority = ["HUB", "BBB", "CCC"], ["AAA"]
        with Watch([cluster.nodes[name] for name in majority], submit_every=0.3) as watch:
            cluster.proxy.partition(majority, minority)
            cluster.wait_progress(20, 60, majority)
            alone = cluster.nodes["AAA"].height()
            cluster.wait_progress(10, 60, majority)
            check(cluster.nodes["AAA"].height() <= alone + 1, "a node alone made blocks")
            cluster.proxy.heal()
            cluster.wait_progress(3, RECONNECT_MAX_S + cluster.timing.stop_bound(1))
        watch.check_longest(cluster.timing.stop_bound(1), "three against one")
        settle(cluster, watch.submitted)


def no_side_has_a_quorum_until_it_heals(bin_dir):
    with Cluster(bin_dir, 4) as cluster:
        cluster.wait_progress(3, 30)
        cluster.proxy.partition(["HUB", "AAA"], ["BBB", "CCC"])
        tops = set()

        def stands_still():
            tops.add(max(node.height() for node in cluster.nodes.values()))
            return len(tops)
        begin = time.monotonic()
        wait_until(lambda: stands_still() and time.monotonic() - begin > 6, 30, "the partition")
        check(max(tops) - min(tops) <= 2, f"two of four made blocks: {sorted(tops)}")
        views = cluster.timing.views_until(1.0)
        begin = time.monotonic()
        cluster.proxy.heal()
        cluster.wait_height(max(tops) + 2, 60)
        healed = time.monotonic() - begin
        bound = cluster.timing.stop_bound(views, reconnect=True)
        check(healed <= bound, f"after healing: {healed:.1f} s, the timers allow {bound:.1f} s")
        settle(cluster)


def one_direction_is_dead(bin_dir):
    """What one node says reaches nobody while it hears everything, then the other way round."""
    with Cluster(bin_dir, 4) as cluster:
        others = ["HUB", "AAA", "CCC"]
        for mute in (True, False):
            with Watch([cluster.nodes[name] for name in others], submit_every=0.3) as watch:
                for name in others:
                    cluster.proxy.set_rule(*(("BBB", name) if mute else (name, "BBB")), stalled=True)
                begin = time.monotonic()
                wait_until(lambda: time.monotonic() - begin > SILENCE_MAX_S + 2, 30, "the dead direction")
                cluster.proxy.heal()
                cluster.wait_progress(3, RECONNECT_MAX_S + cluster.timing.stop_bound(1))
            watch.check_longest(cluster.timing.stop_bound(1), "one node is " + ("mute" if mute else "deaf"))
        settle(cluster)


def links_are_slow(bin_dir):
    """50 to 200 ms one way, where the timers are made for 50: they adapt."""
    with Cluster(bin_dir, 4) as cluster:
        cluster.proxy.set_all(cluster.names, delay=0.05, jitter=0.15)
        with Watch(cluster.nodes.values(), submit_every=1.0) as watch:
            cluster.wait_progress(8, 120)
        watch.check_longest(cluster.timing.stop_bound(1, network_delay=0.2), "50 to 200 ms one way")
        check_submitted(cluster, watch.submitted)
        cluster.proxy.heal()
        with Watch(cluster.nodes.values()) as watch:
            cluster.wait_progress(10, 60)
        watch.check_longest(cluster.timing.stop_bound(2), "fast again")
        settle(cluster)


def one_node_is_restarted_all_the_time(bin_dir):
    with Cluster(bin_dir, 4) as cluster:
        victim = cluster.nodes["CCC"]
        others = [node for node in cluster.nodes.values() if node is not victim]
        lives = itertools.cycle((0.1, 2.0, 0.4, 1.0, 0.2, 1.5))
        end, restarts = time.monotonic() + 20, 0
        with Watch(others, submit_every=0.5) as watch:
            while time.monotonic() < end:
                life = next(lives)
                threading.Event().wait(life)
                victim.kill()
                victim.start()
                restarts += 1
        watch.check_longest(cluster.timing.stop_bound(1), f"one node restarted {restarts} times in 20 s")
        check(restarts >= 10, f"only {restarts} restarts")
        cluster.wait_ready("CCC")
        settle(cluster, watch.submitted, 3)


def random_nodes_are_killed_at_random_instants(bin_dir):
    """Every vote that left before a kill was seen by the others, who compare it with what comes afterwards."""
    chance = random.Random(3)
    with Cluster(bin_dir, 4, Timing(idle=0.02)) as cluster:
        with Watch(cluster.nodes.values(), submit_every=0.5) as watch:
            for _ in range(KILLS):
                victim = cluster.nodes[chance.choice(cluster.names)]
                threading.Event().wait(chance.uniform(0.0, 0.2))
                victim.kill()
                victim.start()
                cluster.wait_ready(victim.name)
        watch.check_longest(cluster.timing.stop_bound(1, reconnect=True), f"{KILLS} kills")
        settle(cluster, watch.submitted, 1)


def the_disk_of_one_node_is_full(bin_dir):
    """Its files may not grow any more: the node stops rather than go on without what it must remember."""
    with Cluster(bin_dir, 4) as cluster:
        victim = cluster.nodes["AAA"]
        cluster.wait_progress(5, 60)
        victim.kill()
        others = [node for node in cluster.nodes.values() if node is not victim]
        used = max(path.stat().st_size for path in pathlib.Path(victim.data).rglob("*") if path.is_file())
        with Watch(others, submit_every=0.3) as watch:
            victim.start(file_bytes_max=used + 2048)
            wait_until(lambda: not victim.running, 60, "the node with the full disk stops")
            cluster.wait_progress(5, 60, [node.name for node in others])
        watch.check_longest(cluster.timing.stop_bound(1), "disk of one node full")
        check(victim.process.returncode != 0, "a node with a full disk ended as if asked to")
        check(os.path.exists(victim.log), "no log")
        victim.start()
        cluster.wait_ready("AAA")
        settle(cluster, watch.submitted)


def a_node_stops_in_order_before_its_disk_is_full(bin_dir):
    with Cluster(bin_dir, 4) as cluster:
        victim = cluster.nodes["AAA"]
        cluster.wait_progress(5, 60)
        victim.kill()
        filler = os.path.join(os.path.dirname(victim.config), "filler")
        least = shutil.disk_usage(victim.data).free - FILLER_BYTES // 2
        with open(victim.config, "a", encoding="utf-8") as config:
            config.write(f"\n[storage]\nfree_bytes_min = {least}\n")
        victim.start()
        cluster.wait_ready("AAA")
        others = [node for node in cluster.nodes.values() if node is not victim]
        with Watch(others, submit_every=0.3) as watch:
            with open(filler, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, FILLER_BYTES)
            wait_until(lambda: not victim.running, 60, "the node without room stops")
            check_equal(victim.process.returncode, 74, "exit code of a node without room")
            victim.start()
            wait_until(lambda: not victim.running, 60, "the node without room does not start")
            check_equal(victim.process.returncode, 74, "exit code of a start without room")
            cluster.wait_progress(5, 60, [node.name for node in others])
        watch.check_longest(cluster.timing.stop_bound(1), "one node without room")
        with open(victim.log, encoding="utf-8") as log:
            told = log.read()
        check("event=no_room" in told and "free_bytes_min" in told, "it does not say why it stopped")
        os.remove(filler)
        victim.start()
        cluster.wait_ready("AAA")
        settle(cluster, watch.submitted)


main([four_nodes_lose_each_in_turn, seven_nodes_lose_two_at_a_time, all_nodes_are_killed_at_once,
      a_paused_node_is_waited_for_by_nobody_and_comes_back, the_side_with_a_quorum_goes_on,
      no_side_has_a_quorum_until_it_heals, one_direction_is_dead, links_are_slow,
      one_node_is_restarted_all_the_time, random_nodes_are_killed_at_random_instants, the_disk_of_one_node_is_full,
      a_node_stops_in_order_before_its_disk_is_full])
