"""The ledger and receipts of a network of real processes: verified by the second verifier, and every change is found.

    python3 tests/verifier/test_real.py BIN_DIR
"""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
sys.path.insert(0, str(HERE))

from harness import Devnet, check, check_equal, main  # noqa: E402  pylint: disable=wrong-import-position

import blocks  # noqa: E402
import builder  # noqa: E402
import genesis as genesis_file  # noqa: E402
import receipt  # noqa: E402
import segments  # noqa: E402
import state_proof  # noqa: E402
from findings import Finding  # noqa: E402
from verify import verify_ledger  # noqa: E402


def changed(data, place, bits=1):
    return data[:place] + bytes([data[place] ^ bits]) + data[place + 1:]


class Copy:
    """A node's blocks, to be changed and written with right checksums."""

    def __init__(self, net, data_dir, genesis):
        self.genesis = genesis
        self.folder = os.path.join(net.folder, "changed")
        self.payloads = [payload for _, _, payload in
                         segments.records(segments.files_of(data_dir), genesis.chain_id)]
        self.blocks = [blocks.Block.decode(payload) for payload in self.payloads]

    def finding(self, payloads):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.mkdir(self.folder)
        builder.write_segments(self.folder, self.genesis.chain_id, [payloads])
        try:
            verify_ledger(self.folder, self.genesis)
        except Finding as finding:
            return finding.kind
        return None

    def check(self, what, kinds, payloads):
        found = self.finding(payloads)
        check(found in kinds, f"{what}: found {found}, not {' or '.join(kinds)}")

    def check_at(self, what, kinds, place, payload):
        check(payload != self.payloads[place], f"{what} changes nothing")
        self.check(what, kinds, self.payloads[:place] + [payload] + self.payloads[place + 1:])


# Name, offset in the header, what is found. Those behind `proposer` are under the digest that validators signed.
HEADER_FIELDS = (
    ("version", 1, "undecodable"), ("chain id", 2, "chain_id"), ("epoch", 41, "epoch"), ("height", 49, "height"),
    ("view", 57, "view certificate_kind"), ("parent", 58, "parent"), ("parent view", 97, "view"),
    ("time", 105, "certificate_block time"), ("proposer", 109, "certificate_block"),
    ("body root", 110, "certificate_block"), ("log size", 149, "certificate_block"),
    ("log root", 150, "certificate_block"), ("state root", 182, "certificate_block"),
    ("next validators", 214, "certificate_block"), ("seal", 246, "certificate_block certificate_kind"))


def header_fields(copy, place):
    for name, offset, kinds in HEADER_FIELDS:
        copy.check_at(name, kinds.split(), place, changed(copy.payloads[place], offset))


def certificates(copy, place):
    payload = copy.payloads[place]
    begin = blocks.HEADER_BYTES + 4
    bitmap = begin + 57
    signed = copy.blocks[place].certificate
    for name, offset, kinds in (
            ("epoch", 7, "certificate_epoch"), ("kind", 8, "certificate_kind"), ("view", 16, "certificate_kind"),
            ("parent view", 24, "certificate_kind"), ("digest", 25, "certificate_block"),
            ("signature", 65, "certificate_signature")):
        copy.check_at("certificate's " + name, kinds.split(), place, changed(payload, begin + offset))
    size = int.from_bytes(payload[begin - 4:begin], "big")
    bits = int.from_bytes(payload[bitmap:bitmap + 8], "big")
    last = 1 << signed.signatures[-1][0]
    without = (payload[:begin - 4] + (size - 64).to_bytes(4, "big") + payload[begin:bitmap]
               + (bits & ~last).to_bytes(8, "big") + payload[bitmap + 8:begin + size - 64] + payload[begin + size:])
    copy.check_at("too few signers", ["certificate_signers"], place, without)
    first = payload[bitmap + 8:bitmap + 72]
    repeated = payload[:bitmap + 72] + first + payload[bitmap + 136:]
    copy.check_at("a repeated signer", ["certificate_signature"], place, repeated)
    unknown = payload[:bitmap] + (bits & ~last | 1 << 9).to_bytes(8, "big") + payload[bitmap + 8:]
    copy.check_at("an unknown signer", ["certificate_signers"], place, unknown)


def bodies(copy, place):
    payload, block = copy.payloads[place], copy.blocks[place]
    begin = payload.index(block.envelopes[0])
    end = begin + len(block.envelopes[0])
    for name, offset, kinds in (
            ("version", begin, "envelope"), ("signer", begin + 1, "body_root envelope"),
            ("transaction", begin + 14, "body_root"), ("signature", end - 1, "body_root"),
            ("result", payload.index(block.envelopes[-1]) + len(block.envelopes[-1]) + 5, "log_root")):
        copy.check_at("envelope's " + name, kinds.split(), place, changed(payload, offset))


def events(copy, place):
    payload = copy.payloads[place]
    begin = payload.index(copy.blocks[place].events[-1])
    copy.check_at("sealed epoch", ["validator_set"], place, changed(payload, begin + 8))
    copy.check_at("a validator's key", ["validator_set", "undecodable"], place, changed(payload, begin + 30))


def order(copy):
    payloads = copy.payloads
    copy.check("a dropped block", ["height"], payloads[:4] + payloads[5:])
    copy.check("swapped blocks", ["height"], payloads[:4] + [payloads[5], payloads[4]] + payloads[6:])
    copy.check("a repeated block", ["height"], payloads[:5] + payloads[4:])
    copy.check("bytes behind a block", ["undecodable"], payloads[:4] + [payloads[4] + b"\0"] + payloads[5:])
    copy.check("a block that is cut", ["undecodable"], payloads[:4] + [payloads[4][:-1]] + payloads[5:])


def receipts(net, genesis, transaction, epochs):
    path = os.path.join(net.folder, "charge.receipt")
    net.run("receipt", transaction, "--api", net.node("HUB")["api"], "--out", path)
    whole = pathlib.Path(path).read_bytes()
    _, (_, _, signer, result) = receipt.verify(whole, genesis)
    check_equal((signer, result), (transaction[:3], 0), "signer and result of the receipt")
    check_equal(whole[-(4 + 36 * 4):][:4] == (4).to_bytes(4, "big"), True, "the last validators of the receipt")
    check(epochs == 1, "one epoch has ended")
    step = max(1, len(whole) // 150)  # every field is longer than that or beside one that is hit
    for place in list(range(0, len(whole), step)) + list(range(16)):
        try:
            receipt.verify(changed(whole, place, 4), genesis)
        except Finding:
            continue
        check(False, f"byte {place} of a receipt was changed, and it verifies")


def state_proofs(net, genesis):
    """Of the second epoch: a member's sub-log is complete, and one that is not in the state is absent."""
    path = os.path.join(net.folder, "state.proof")
    api = net.node("HUB")["api"]
    net.run("proof", "sublog", "BBB", "--api", api, "--genesis", net.manifest["genesis"], "--out", path)
    whole = pathlib.Path(path).read_bytes()
    header, key, value = state_proof.verify(whole, genesis)
    check_equal(header.epoch, 1, "epoch of the state's header")
    count = int.from_bytes(value[1:9], "big")
    leaves = []
    while len(leaves) < count:
        page = net.get("HUB", f"/api/v1/sublog/BBB?from={len(leaves)}&count={min(100, count - len(leaves))}")["items"]
        check(page, "a page of the sub-log is empty")
        leaves += [bytes.fromhex(item["leaf_hash"]) for item in page]
    check(count > 8, f"only {count} leaves touch BBB")
    state_proof.check_sublog("BBB", key, value, leaves)
    lists = [leaves[:place] + leaves[place + 1:] for place in range(count)] + [leaves[:-1] + leaves[:1], leaves[::-1]]
    for wrong in lists:
        try:
            state_proof.check_sublog("BBB", key, value, wrong)
        except Finding:
            continue
        check(False, "a leaf was withheld or moved, and the sub-log is complete")
    everything_changed_is_found(whole, genesis)
    net.run("proof", "sublog", "ZZZ", "--api", api, "--genesis", net.manifest["genesis"], "--out", path)
    whole = pathlib.Path(path).read_bytes()
    check_equal(state_proof.verify(whole, genesis)[1:], (state_proof.SUBLOG + b"ZZZ", None), "the sub-log of nobody")
    everything_changed_is_found(whole, genesis)


def everything_changed_is_found(whole, genesis):
    """But a proof that a key is absent may also prove it of another, where the tree is not deep."""
    said = state_proof.verify(whole, genesis)
    for place in list(range(0, len(whole), max(1, len(whole) // 100))) + list(range(16)):
        try:
            says = state_proof.verify(changed(whole, place, 4), genesis)
        except Finding:
            continue
        check(said[2] is None and says[2] is None and says[1] != said[1], f"byte {place} of a state receipt was changed, and it verifies")


def a_real_ledger_verifies_and_every_change_is_found(bin_dir):
    with Devnet(bin_dir, up_options=("--bridges", "2")) as net:
        net.charge("AAA", "BBB", energy_wh=12000, speed=600)
        for role in ("member", "consensus"):
            check_equal(net.member("rotate-key", "--role", role, by="BBB")["result"], "ok", f"rotation of a {role} key")
        net.wait_epoch("HUB", 1)
        charge = net.charge("BBB", "AAA", prepaid="10.00", energy_wh=60000, speed=600)
        net.charge("AAA", "BBB", energy_wh=5000, speed=600)  # signed with the new key
        net.wait_same_height()
        genesis = genesis_file.load(net.manifest["genesis"])
        receipts(net, genesis, charge["receipt"]["settlement"], net.epoch("HUB")["epoch"])
        state_proofs(net, genesis)
        for member in net.members():
            net.run("devnet", "stop", member, "--dir", net.net)
        for node in net.manifest["nodes"]:
            run = subprocess.run([sys.executable, HERE / "verify.py", node["data_dir"], "--genesis",
                                  net.manifest["genesis"], "--signatures", "all" if node["member"] == "HUB" else "20"],
                                 capture_output=True, text=True, check=False)
            check_equal(run.returncode, 0, f"exit code for {node['member']}: {run.stdout}{run.stderr}")
            check(", epoch 1," in run.stdout, f"no second epoch: {run.stdout}")

        copy = Copy(net, net.node("HUB")["data_dir"], genesis)
        check_equal(copy.finding(copy.payloads), None, "an unchanged copy")
        full = next(place for place, block in enumerate(copy.blocks) if block.envelopes)
        seal = next(place for place, block in enumerate(copy.blocks) if block.header.seals_epoch)
        header_fields(copy, full)
        certificates(copy, full)
        certificates(copy, seal + 1)  # by the validators of the second epoch
        bodies(copy, full)
        events(copy, seal)
        order(copy)


main([a_real_ledger_verifies_and_every_change_is_found])
