"""A changed ledger is found out."""

import json
import os
import pathlib
import random
import shutil

from harness import Devnet, check, check_equal, main

CHANGES = 60


def one_changed_byte_is_found_and_named(bin_dir):
    with Devnet(bin_dir) as net:
        net.charge("AAA", "BBB", energy_wh=3000, speed=600)
        node = net.node("CCC")
        net.run("devnet", "stop", "CCC", "--dir", net.net)
        copy = os.path.join(net.folder, "copy")
        shutil.copytree(node["data_dir"], copy)
        segments = sorted(pathlib.Path(copy, "ledger", "segments").iterdir())
        check(segments, "no segment files")
        chance = random.Random(1)
        for number in range(CHANGES):
            segment = chance.choice(segments)
            content = bytearray(segment.read_bytes())
            position = chance.randrange(len(content)) if number else 0
            content[position] ^= 1 << chance.randrange(8)
            intact = segment.read_bytes()
            segment.write_bytes(content)
            report = os.path.join(net.folder, "report.json")
            net.run("audit", copy, "--genesis", net.manifest["genesis"], "--level", "chain", "--json", report, codes=(1,))
            with open(report, encoding="utf-8") as file:
                check(json.load(file)["findings"], f"byte {position} of {segment.name} changed, but nothing is named")
            segment.write_bytes(intact)
        net.audit(data_dir=copy)
        net.restart("CCC")


def a_running_node_is_audited_over_http(bin_dir):
    with Devnet(bin_dir) as net:
        net.charge("CCC", "AAA", energy_wh=3000, speed=600)
        done = net.run("audit", net.node("HUB")["api"], "--genesis", net.manifest["genesis"])
        check_equal(done.returncode, 0, "audit over HTTP")


main([one_changed_byte_is_found_and_named, a_running_node_is_audited_over_http])
