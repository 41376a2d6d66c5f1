"""The genesis file (docs/protocol/genesis.md): its fixed-width encoding, and so the chain id."""

import dataclasses
import json

import blocks
from merkle import sha256, tagged_hash

WINDOWS = (("start_window_ms", 300000), ("record_window_ms", 72 * 3600000), ("settle_window_ms", 24 * 3600000),
           ("claim_window_ms", 7 * 86400000), ("countersign_window_ms", 72 * 3600000), ("home_release_after_ms", 120000),
           ("charger_clock_back_ms", 300000), ("charger_clock_ahead_ms", 300000), ("delta_ms", 50),
           ("idle_interval_ms", 1000), ("skip_timeout_ms", 2000))
ARBITRATE_WINDOW, CORRECTION_WINDOW = 14 * 86400000, 400 * 86400000
CYCLES = (("cycle_start_ms", 4 * 86400000), ("cycle_length_ms", 7 * 86400000), ("payment_window_ms", 5 * 86400000))
DEFAULT_BEARERS = {"creditor": 1, "shared": 2}
DISPUTE_DEFAULTS = {"post": 1, "release": 2}


def amount_of(text):
    """A decimal text in 1/10000."""
    whole, _, fraction = text.partition(".")
    if not whole.isdigit() or len(fraction) > 4 or (fraction and not fraction.isdigit()):
        raise ValueError(f"{text!r} is no amount")
    return int(whole) * 10000 + int((fraction + "0000")[:4])


def _u32(value):
    return value.to_bytes(4, "big")


def _i64(value):
    return value.to_bytes(8, "big", signed=True)


def _text(value):
    return _u32(len(value)) + value.encode("ascii")


def _flag(value):
    return b"\1" if value else b"\0"


def _list(items):
    return _u32(len(items)) + b"".join(items)


def cycles_of(parameters):
    return {name: parameters.get(name, default) for name, default in CYCLES}


def period_of(cycles, time):
    """The cycle that a time belongs to."""
    return max(0, time - cycles["cycle_start_ms"]) // cycles["cycle_length_ms"]


def encoded_parameters(parameters):
    return (b"".join(_i64(parameters.get(name, default)) for name, default in WINDOWS)
            + _i64(amount_of(parameters.get("minimum_approval", "0")))
            + _i64(parameters.get("epoch_blocks_max", 100000)) + _i64(parameters.get("epoch_blocks_min", 100))
            + _u32(parameters.get("admissions_per_epoch", 16))
            + _i64(parameters.get("arbitrate_window_ms", ARBITRATE_WINDOW))
            + bytes([DISPUTE_DEFAULTS[parameters.get("dispute_default", "post")]])
            + _i64(parameters.get("correction_window_ms", CORRECTION_WINDOW))
            + b"".join(_i64(value) for value in cycles_of(parameters).values())
            + bytes([DEFAULT_BEARERS[parameters.get("default_bearer", "creditor")]]))


def encoded_member(member):
    return (member["party"].encode() + _text(member["country"]) + bytes([{"hub": 1, "operator": 2}[member["role"]]])
            + _text(member.get("operator_id", "")) + bytes.fromhex(member["member_key"])
            + bytes.fromhex(member["consensus_key"]) + bytes.fromhex(member["link_key"])
            + _flag(member.get("validator", True)))


def encoded_agreement(agreement):
    return (agreement["member"].encode() + agreement["partner"].encode() + _flag(agreement.get("active", True))
            + agreement["currency"].encode() + _list([_text(tariff) for tariff in agreement.get("tariffs_offered", [])])
            + _i64(amount_of(agreement.get("exposure_cap", "0"))))


def encoded_limit(limit):
    return limit["member"].encode() + limit["currency"].encode() + _i64(amount_of(limit["limit"]))


@dataclasses.dataclass
class Genesis:
    chain_id: bytes
    time: int
    hub: str
    members: dict  # party: member key
    validators: tuple  # of epoch 0, as blocks.validators_of gives them
    parsed: dict  # the file

    def digest(self, state_root):
        """The digest of block 0, given the root of the state that the genesis describes."""
        nothing = sha256(b"")
        header = ((1).to_bytes(2, "big") + self.chain_id + bytes(24) + bytes(32) + bytes(8) + _i64(self.time) + bytes(4)
                  + nothing + bytes(8) + nothing + state_root + blocks.validators_hash(self.validators) + b"\0")
        return tagged_hash("tally/block-header/v1", header)


def load(path):
    with open(path, encoding="utf-8") as file:
        parsed = json.load(file)
    encoded = (_text(parsed["name"]) + _i64(parsed["time_ms"]) + encoded_parameters(parsed.get("parameters", {}))
               + _list([encoded_member(member) for member in parsed["members"]])
               + _list([encoded_agreement(agreement) for agreement in parsed["agreements"]])
               + _list([encoded_limit(limit) for limit in parsed["limits"]]))
    chain_id = tagged_hash("tally/genesis/v1", encoded)
    if parsed.get("chain_id", chain_id.hex()) != chain_id.hex():
        raise ValueError(f"the genesis' chain id is {chain_id.hex()}, but the file states {parsed['chain_id']}")
    validators = sorted((bytes.fromhex(member["consensus_key"]), member["party"])
                        for member in parsed["members"] if member.get("validator", True))
    return Genesis(chain_id, parsed["time_ms"], next(m["party"] for m in parsed["members"] if m["role"] == "hub"),
                   {member["party"]: bytes.fromhex(member["member_key"]) for member in parsed["members"]},
                   tuple((party, key) for key, party in validators), parsed)
