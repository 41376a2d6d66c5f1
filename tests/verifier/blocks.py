"""Blocks, headers, certificates, envelopes and events as values, from their encodings."""

import dataclasses

from codec import Malformed, Reader
from merkle import root_of, tagged_hash

HEADER_BYTES = 247
VALIDATORS_MAX = 64
MEMBERS_MAX = 256
ENVELOPES_MAX = 1024
BODY_BYTES_MAX = 4 << 20
ENVELOPE_BYTES_MAX = 524288
TRANSACTIONS_MAX = 512
TRANSACTION_BYTES_MAX = 16384
NOTARIZE, NULLIFY, FINALIZE = 1, 2, 3
NOBODY = b"\0\0\0"


@dataclasses.dataclass(frozen=True)
class Header:
    version: int
    chain_id: bytes
    epoch: int
    height: int
    view: int
    parent: bytes
    parent_view: int
    time: int
    proposer: int
    body_root: bytes
    log_size: int
    log_root: bytes
    state_root: bytes
    next_validators_hash: bytes
    seals_epoch: bool
    digest: bytes

    @staticmethod
    def decode(data):
        reader = Reader(data)
        header = Header(reader.number(2), reader.take(32), reader.number(8), reader.number(8), reader.number(8),
                        reader.take(32), reader.number(8), reader.signed(8), reader.number(4), reader.take(32),
                        reader.number(8), reader.take(32), reader.take(32), reader.take(32), reader.flag(),
                        tagged_hash("tally/block-header/v1", data))
        reader.end()
        return header


@dataclasses.dataclass(frozen=True)
class Certificate:
    epoch: int
    kind: int
    view: int
    parent_view: int
    digest: bytes
    statement: bytes
    signatures: tuple  # of (validator's index, signature)

    @staticmethod
    def decode(data):
        reader = Reader(data)
        epoch, kind, view, parent_view, digest = (
            reader.number(8), reader.number(1), reader.number(8), reader.number(8), reader.take(32))
        bitmap = reader.number(8)
        signers = [index for index in range(VALIDATORS_MAX) if bitmap >> index & 1]
        signatures = tuple((index, reader.take(64)) for index in signers)
        reader.end()
        return Certificate(epoch, kind, view, parent_view, digest, bytes(data[:57]), signatures)


@dataclasses.dataclass(frozen=True)
class Envelope:
    signer: str
    transactions: tuple
    signature: bytes
    root: bytes
    hash: bytes

    @staticmethod
    def decode(data):
        reader = Reader(data)
        if reader.number(1) != 1:
            raise Malformed("unknown version of an envelope")
        signer = reader.party()
        count = reader.count(TRANSACTIONS_MAX)
        if count == 0:
            raise Malformed("an envelope without transactions")
        transactions = tuple(reader.bytes(TRANSACTION_BYTES_MAX) for _ in range(count))
        if not all(transactions):
            raise Malformed("an empty transaction")
        signature = reader.take(64)
        reader.end()
        return Envelope(signer, transactions, signature, root_of(transactions),
                        tagged_hash("tally/envelope-hash/v1", data))


@dataclasses.dataclass(frozen=True)
class Block:
    header: Header
    certificate: Certificate
    envelopes: tuple  # as bytes
    results: tuple
    events: tuple  # as bytes

    @staticmethod
    def decode(data):
        reader = Reader(data)
        header = Header.decode(reader.take(HEADER_BYTES))
        certificate = Certificate.decode(reader.bytes(57 + 8 + 64 * VALIDATORS_MAX))
        envelopes = tuple(reader.bytes(ENVELOPE_BYTES_MAX) for _ in range(reader.count(ENVELOPES_MAX)))
        results = tuple(reader.number(2) for _ in range(reader.count(ENVELOPES_MAX * TRANSACTIONS_MAX)))
        events = tuple(reader.bytes(8192) for _ in range(reader.count(8192)))
        reader.end()
        return Block(header, certificate, envelopes, results, events)


@dataclasses.dataclass(frozen=True)
class Expired:
    cause: int
    signer: str
    id: bytes
    debtor: bytes
    creditor: bytes
    currency: bytes
    amount: int


@dataclasses.dataclass(frozen=True)
class EpochSealed:
    epoch: int
    validators: tuple
    features: tuple


@dataclasses.dataclass(frozen=True)
class CycleClosed:
    cycle: int
    currency: str
    net: tuple  # (party, amount) of each, by party
    matrix_hash: bytes


@dataclasses.dataclass(frozen=True)
class LegDefaulted:
    cycle: int
    currency: str
    debtor: str
    creditor: str
    amount: int
    shares: tuple  # (party, amount) of each, by party


def event_of(data):
    """An Expired, EpochSealed, CycleClosed or LegDefaulted."""
    reader = Reader(data)
    kind = reader.number(1)
    if kind == 1:
        event = Expired(reader.number(1), reader.party(), reader.take(16), reader.take(3), reader.take(3),
                        reader.take(3), reader.signed(8))
        if not 1 <= event.cause <= 7:
            raise Malformed(f"cause {event.cause}")
    elif kind == 2:
        event = EpochSealed(reader.number(8), validators_of(reader),
                            tuple(reader.number(4) for _ in range(reader.count(64))))
    elif kind == 3:
        event = CycleClosed(reader.number(8), reader.party(), positions_of(reader), reader.take(32))
        if sum(amount for _, amount in event.net) != 0:
            raise Malformed("net figures that do not sum to 0")
    elif kind == 4:
        event = LegDefaulted(reader.number(8), reader.party(), reader.party(), reader.party(), reader.signed(8),
                             positions_of(reader))
    else:
        raise Malformed(f"unknown kind of event {kind}")
    reader.end()
    return event


def positions_of(reader):
    """((party, amount), ...), ordered by party."""
    positions = tuple((reader.party(), reader.signed(8)) for _ in range(reader.count(MEMBERS_MAX)))
    parties = [party for party, _ in positions]
    if sorted(set(parties)) != parties:
        raise Malformed("positions are not in the order of their parties, each once")
    return positions


def validators_of(reader):
    """((party, consensus key), ...), ordered by key."""
    validators = tuple((reader.party(), reader.take(33)) for _ in range(reader.count(VALIDATORS_MAX)))
    keys = [key for _, key in validators]
    if not keys or sorted(set(keys)) != keys:
        raise Malformed("validators are not in the order of their keys, each once")
    return validators


def encoded_validators(validators):
    return len(validators).to_bytes(4, "big") + b"".join(party.encode() + key for party, key in validators)


def validators_hash(validators):
    return tagged_hash("tally/validators/v1", encoded_validators(validators))


def event_hash(data):
    return tagged_hash("tally/event/v1", data)


def encoded_leaf(index, height, digest, signer, result):
    return (index.to_bytes(8, "big") + height.to_bytes(8, "big") + digest + signer + result.to_bytes(2, "big"))


def quorum(validators):
    return len(validators) - (len(validators) - 1) // 3
