"""Joining a network with a history that is too long to replay: ready without it, the others undisturbed, the same state.

`TALLY_PAST_TRANSACTIONS` and `TALLY_PAST_DIR` (an existing folder of `tally bench ledger`, or a new one that is kept)
repeat it with a longer history; docs/testing.md has figures.
"""

import json
import os
import shutil
import time

from harness import check, check_equal, main, wait_until
from past import FINISHED, Past, Phase, SteadyLoad, folder_mb, memory_mb, sync_log

TRANSACTIONS = int(os.environ.get("TALLY_PAST_TRANSACTIONS", "50000"))
FOLDER = os.environ.get("TALLY_PAST_DIR")
SYNC = "min_blocks = 50\nmin_chain_age_s = 0\n"
BLOCKS = int(os.environ.get("TALLY_PAST_BLOCKS", "300"))
JOIN_S = 900
RATIO_MAX = 2.0
# Below this a longer interval is the machine's business: processes that start, two cores for five nodes.
FLOOR_MS = 400


def show(**figures):
    print("        " + json.dumps(figures), flush=True)


def joins(past, node):
    """Starts and admits it; the figures of its joining."""
    node.start()
    past.admit(node)
    seconds = past.wait_joined(node, JOIN_S)
    done = sync_log(node, "complete")
    check_equal(len(done), 1, "snapshots that were completed")
    return {"ready_s": round(seconds, 2), "snapshot_height": int(done[0]["height"]), "entries": int(done[0]["entries"]),
            "blocks": int(done[0]["blocks"]), "fetched_mb": round(int(done[0]["bytes"]) / 1e6, 2),
            "replayed_blocks": node.metric("tally_blocks_fetched_total"), "peak_memory_mb": memory_mb(node),
            "serving_peak_memory_mb": memory_mb(past.nodes["HUB"])}


def killed_and_resumed(past, node):
    """Kills it as soon as some of the snapshot is there; it goes on where it was."""
    node.start()
    past.admit(node)
    state = os.path.join(node.data, "ledger", "state")
    wait_until(lambda: folder_mb(state) > 0.2, JOIN_S, "a part of the snapshot is here")
    node.kill()
    check_equal(len(sync_log(node, "complete")), 0, "snapshots that were completed before the kill")
    node.start()
    seconds = past.wait_joined(node, JOIN_S)
    resumed = sync_log(node, "resumed")
    check_equal(len(resumed), 1, "imports that went on")
    check(int(resumed[0]["entries"]) > 0, "it began anew")
    return {"ready_s": round(seconds, 2), "entries_kept": int(resumed[0]["entries"]),
            "entries": int(sync_log(node, "complete")[0]["entries"])}


def a_newcomer_is_ready_without_the_past(bin_dir):
    begin = time.monotonic()
    with Past(bin_dir, TRANSACTIONS, FOLDER, SYNC) as past:
        made = time.monotonic() - begin
        past.start_all()
        hub = past.nodes["HUB"]
        show(past=past.past, made_s=round(made, 1), started_s=round(time.monotonic() - begin - made, 1))
        node = past.newcomer("NEW")
        with SteadyLoad(past) as load:
            with Phase(hub, BLOCKS) as before:
                pass
            with Phase(hub, BLOCKS) as during:
                joined = joins(past, node)
                joined_at = hub.height()
            with Phase(hub, BLOCKS) as after:
                pass
        show(**joined)
        show(before=before.figures, during=during.figures, after=after.figures)
        check(joined["snapshot_height"] >= past.past["blocks"], "the snapshot is older than the past")
        check_equal(node.ask("/api/v1/blocks/1")[0], 404, "the answer about a block from before the snapshot")
        check((joined["replayed_blocks"] or 0) < joined_at - joined["snapshot_height"] + 2 * BLOCKS,
              "the past was replayed")
        check(during.figures["p99"] <= RATIO_MAX * before.figures["p99"] + FLOOR_MS,
              f"p99 of the block interval: {before.figures['p99']} ms before, {during.figures['p99']} ms while one joins")
        check(len(load.final) > 10, "the load went on")
        if os.environ.get("TALLY_PAST_KILL", "1") == "1":
            show(killed=killed_and_resumed(past, past.newcomer("OLD")))
        past.come_to_rest(node)
        past.check_same_state(hub, past.nodes["AAA"])
        past.check_same_state(hub, node, but=(FINISHED,))
        rebuild(past, past.nodes["AAA"])
        past.check_same_state(hub, past.nodes["AAA"])
        check_equal(past.tables(past.nodes["AAA"])["c2"], past.tables(hub)["c2"], "indexes of transactions")


def rebuild(past, node):
    shutil.rmtree(os.path.join(node.data, "ledger", "state.old"), ignore_errors=True)
    begin = time.monotonic()
    past.run("rebuild", node.data, "--genesis", past.genesis, timeout=3600)
    show(rebuild_s=round(time.monotonic() - begin, 1))


main([a_newcomer_is_ready_without_the_past])
