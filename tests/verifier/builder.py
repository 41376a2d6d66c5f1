"""Makes ledgers for tests: signs, hashes and writes them, and lies where it is told to.

What is signed and how files look is written here once more, on purpose: the verifier's reading side is not used, only its
hashes and curve.
"""

import dataclasses
import hashlib
import json
import os

import blocks
import first_state
import genesis as genesis_file
import secp256k1
from checksum import crc32c
from merkle import Log, leaf_hash, root_of, sha256, tagged_hash

START = 1_800_000_000_000
HUB = "HUB"


def number(value, width):
    return value.to_bytes(width, "big")


def counted(items, encode=lambda item: number(len(item), 4) + item):
    return number(len(items), 4) + b"".join(encode(item) for item in items)


# ---- keys

def secret_of(name):
    return int.from_bytes(hashlib.sha256(name.encode()).digest(), "big") % secp256k1.N


def _base_times(scalar):
    point = (0, 1, 0)
    for digit, row in zip(scalar.to_bytes(32, "little"), secp256k1._GENERATOR_TABLE):
        if digit:
            point = secp256k1._add_affine(point, row[digit])
    return secp256k1._to_affine([point])[0]


def key_of(name):
    x, y = _base_times(secret_of(name))
    return bytes([2 + (y & 1)]) + number(x, 32)


def sign(name, digest):
    secret = secret_of(name)
    nonce = int.from_bytes(sha256(number(secret, 32) + digest), "big") % secp256k1.N
    r = _base_times(nonce)[0] % secp256k1.N
    s = pow(nonce, -1, secp256k1.N) * (int.from_bytes(digest, "big") + r * secret) % secp256k1.N
    return number(r, 32) + number(min(s, secp256k1.N - s), 32)


# ---- protobuf

def varint(value):
    result = b""
    while value >= 0x80:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def field(place, value):
    if isinstance(value, int):
        return varint(place << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(place << 3 | 2) + varint(len(value)) + value


def message(**values):
    """message(f1=..., f8=...): the fields by their numbers."""
    return b"".join(field(int(name[1:]), value) for name, value in values.items())


# ---- blocks

@dataclasses.dataclass
class Parts:
    """A block that is not encoded yet; a test changes what it likes before `Builder.add` signs it."""
    fields: dict
    envelopes: list
    results: list
    events: list


class Builder:
    """Four validators, the hub among them, whose keys are named PARTY/role/generation."""

    def __init__(self, parties=("AAA", "BBB", "CCC", HUB)):
        self.keys = {(party, role): f"{party}/{role}/0" for party in parties for role in ("member", "consensus", "link")}
        members = [{"party": party, "country": "DE", "role": "hub" if party == HUB else "operator",
                    **{f"{role}_key": key_of(self.keys[party, role]).hex() for role in ("member", "consensus", "link")}}
                   for party in sorted(parties)]
        self.genesis_json = {"name": "forged", "time_ms": START, "members": members, "agreements": [], "limits": []}
        self.payloads = []
        self.transactions_made = 0
        self.epoch = self.view = 0
        self.log = Log()
        self.validators = self.set_of(parties)
        self.time = START
        self.chain_id, self.digest = None, None

    def begin(self, folder):
        """Writes the genesis, of which everything else is made."""
        path = os.path.join(folder, "genesis.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.genesis_json, file)
        genesis = genesis_file.load(path)
        self.chain_id, self.digest = genesis.chain_id, genesis.digest(first_state.state_root(genesis))
        return path

    def set_of(self, parties):
        """((party, key name), ...) in the order of the keys."""
        return tuple(sorted(((party, self.keys[party, "consensus"]) for party in parties),
                            key=lambda validator: key_of(validator[1])))

    def transaction(self, action, value):
        """A transaction with a new id."""
        self.transactions_made += 1
        return message(f1=number(self.transactions_made, 16), f2=self.time + 60000) + field(action, value)

    def envelope(self, signer, *transactions, key=None):
        root = root_of(transactions)
        digest = tagged_hash("tally/envelope/v1", self.chain_id, signer.encode(), root)
        return (b"\1" + signer.encode() + counted(transactions) + sign(key or self.keys[signer, "member"], digest))

    def block(self, *envelopes, results=None, events=(), following=None):
        """An honest block on the newest one. `following` are the validators of the next epoch, if it seals this one."""
        envelopes, events = list(envelopes), list(events)
        if following is not None:
            events.append(b"\2" + number(self.epoch, 8) + self.encoded_set(following) + number(0, 4))
        transactions = [(envelope[1:4], transaction) for envelope in envelopes
                        for transaction in blocks.Envelope.decode(envelope).transactions]
        results = list(results) if results is not None else [0] * len(transactions)
        seals = 1 if following is not None else 0
        for event in events[:len(events) - seals]:
            self._append(tagged_hash("tally/event/v1", event), bytes(3), 0)
        for (signer, transaction), result in zip(transactions, results):
            self._append(leaf_hash(transaction), signer, result)
        for event in events[len(events) - seals:]:
            self._append(tagged_hash("tally/event/v1", event), bytes(3), 0)
        self.time += 1000
        next_set = following if following is not None else self.validators
        fields = {
            "version": number(1, 2), "chain_id": self.chain_id, "epoch": number(self.epoch, 8),
            "height": number(len(self.payloads) + 1, 8), "view": number(self.view + 1, 8), "parent": self.digest,
            "parent_view": number(self.view, 8), "time": number(self.time, 8), "proposer": number(0, 4),
            "body_root": root_of(tagged_hash("tally/envelope-hash/v1", envelope) for envelope in envelopes),
            "log_size": number(self.log.size, 8), "log_root": self.log.root(), "state_root": sha256(b"not executed"),
            "next_validators_hash": tagged_hash("tally/validators/v1", self.encoded_set(next_set)),
            "seals_epoch": number(seals, 1)}
        return Parts(fields, envelopes, results, events)

    def add(self, parts, kind=blocks.FINALIZE, later_views=0, signers=(0, 1, 2), signature_of=None, following=None):
        """Signs the block and makes it the newest one. `signature_of[i]` is who really signs in the name of i."""
        header = b"".join(parts.fields.values())
        self.digest = tagged_hash("tally/block-header/v1", header)
        view, parent_view = self.view + 1 + later_views, self.view + later_views
        statement = number(self.epoch, 8) + bytes([kind]) + number(view, 8) + number(parent_view, 8) + self.digest
        vote = tagged_hash("tally/vote/v1", self.chain_id, statement)
        real = signature_of or {}
        certificate = statement + number(sum(1 << signer for signer in signers), 8) + b"".join(
            sign(self.validators[real.get(signer, signer) % len(self.validators)][1], vote) for signer in signers)
        self.payloads.append(header + counted([certificate])[4:] + counted(parts.envelopes)
                             + counted(parts.results, lambda result: number(result, 2)) + counted(parts.events))
        self.view += 1
        if following is not None:
            self.epoch, self.view, self.validators = self.epoch + 1, 0, following

    def encoded_set(self, validators):
        return counted(validators, lambda validator: validator[0].encode() + key_of(validator[1]))

    def _append(self, digest, signer, result):
        self.log.append(leaf_hash(number(self.log.size, 8) + number(len(self.payloads) + 1, 8) + digest + signer
                                  + number(result, 2)))

    def write(self, folder):
        write_segments(folder, self.chain_id, [self.payloads])


def write_segments(folder, chain_id, files):
    """Each item of `files` is the list of blocks of one file; all but the last are closed."""
    height = 1
    for place, payloads in enumerate(files):
        content = b"TALLYSEG" + number(1, 2) + chain_id + number(height, 8)
        content += number(crc32c(content), 4)
        records = [(1, payload) for payload in payloads]
        last = height + len(payloads) - 1
        if place + 1 < len(files):
            digest = tagged_hash("tally/block-header/v1", payloads[-1][:247])
            records.append((2, number(last, 8) + digest))
        for kind, payload in records:
            start = bytes([kind]) + number(len(payload), 4) + number(crc32c(payload), 4)
            checksum = crc32c(number(height, 8) + number(len(content), 8) + start)
            content += start + number(checksum, 4) + payload
        with open(os.path.join(folder, f"{height:020}.seg"), "wb") as file:
            file.write(content)
        height = last + 1
