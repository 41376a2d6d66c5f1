"""The root of the state that a genesis describes (docs/protocol/ledger.md, sections 1 and 6)."""

import genesis as genesis_file
from blocks import encoded_validators
from merkle import sha256

MEMBER, ACCOUNT, AGREEMENT, TOTALS, SCHEME, EPOCH, CYCLE = 0x01, 0x02, 0x03, 0x0A, 0x0B, 0x0C, 0x0F
VERSION = b"\1"
NOTHING = bytes(32)


def tree_root(entries):
    """The root over {key: value}."""
    leaves = sorted((sha256(key), sha256(value)) for key, value in entries.items())
    return _subtree(leaves, 0)


def _subtree(leaves, depth):
    """Depth is bounded by the 256 bits of a key's hash."""
    if not leaves:
        return NOTHING
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0][0] + leaves[0][1])
    octet, bit = depth >> 3, 7 - (depth & 7)
    split = next((place for place, (path, _) in enumerate(leaves) if path[octet] >> bit & 1), len(leaves))
    return sha256(b"\1" + _subtree(leaves[:split], depth + 1) + _subtree(leaves[split:], depth + 1))


def entries_of(genesis):
    parsed = genesis.parsed
    entries = {}
    for member in parsed["members"]:
        # The member as in the genesis, and the suspended flag.
        entries[bytes([MEMBER]) + member["party"].encode()] = (
            VERSION + genesis_file.encoded_member(member) + b"\0")
    for agreement in parsed["agreements"]:
        encoded = genesis_file.encoded_agreement(agreement)
        entries[bytes([AGREEMENT]) + encoded[:6]] = VERSION + encoded[6:]
    for limit in parsed["limits"]:
        encoded = genesis_file.encoded_limit(limit)
        if not any(encoded[6:]):
            continue  # an account that is all zero is not in the state
        entries[bytes([ACCOUNT]) + encoded[:6]] = VERSION + bytes(32) + encoded[6:] + bytes(24)
        entries[bytes([TOTALS]) + encoded[3:6]] = VERSION + bytes(96)
    entries[bytes([SCHEME])] = VERSION + genesis_file.encoded_parameters(parsed.get("parameters", {}))
    period = genesis_file.period_of(genesis_file.cycles_of(parsed.get("parameters", {})), genesis.time)
    entries[bytes([CYCLE])] = VERSION + period.to_bytes(8, "big") * 2 + genesis.time.to_bytes(8, "big") + b"\0"
    validators = encoded_validators(genesis.validators)
    entries[bytes([EPOCH])] = VERSION + EMPTY_EPOCH_BEFORE + validators + EMPTY_EPOCH_AFTER
    return entries


# Epoch 0 from height 1 on; then the validators, nobody before them, no admissions, nobody ready for the zero hash, and no
# feature active or wanted.
EMPTY_EPOCH_BEFORE = bytes(8) + (1).to_bytes(8, "big")
EMPTY_EPOCH_AFTER = bytes(4) + bytes(4) + bytes(4) + bytes(32) + bytes(4) + bytes(4)


def state_root(genesis):
    return tree_root(entries_of(genesis))
