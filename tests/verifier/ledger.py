"""Verifies a ledger block by block: chain, certificates, epochs, trees, signatures. Ends with the first Finding."""

import collections
import random

import blocks
import first_state
import secp256k1
from codec import Malformed
from findings import Finding
from membership import Membership, Transaction
from merkle import Log, leaf_hash, root_of, tagged_hash

WINDOW_MS = 120000
OK = 0
TIME_MAX = 253402300799999


class Signatures:
    """Verifies each signature at once, or a sample of `sample` of them, taken evenly, at the end."""

    def __init__(self, sample=None):
        self.seen = 0
        self.verified = 0
        self._sample = sample
        self._kept = []
        self._random = random.SystemRandom()

    def check(self, key, digest, signature, finding):
        self.seen += 1
        if self._sample is None:
            self._verify(key, digest, signature, finding)
        elif len(self._kept) < self._sample:
            self._kept.append((key, digest, signature, finding))
        else:
            place = self._random.randrange(self.seen)
            if place < self._sample:
                self._kept[place] = (key, digest, signature, finding)

    def finish(self):
        for kept in self._kept:
            self._verify(*kept)
        self._kept = []

    def _verify(self, key, digest, signature, finding):
        self.verified += 1
        if not secp256k1.verify(key, digest, signature):
            raise finding


class Ledger:
    def __init__(self, genesis, signatures):
        self._genesis = genesis
        self.signatures = signatures
        self._members = Membership(genesis)
        self._log = Log()
        self._epoch = 0
        self._validators = genesis.validators
        self._recent = collections.OrderedDict()  # (signer, root): time, of the last 120 s
        self._not_final = None
        # Of the newest block.
        self.height = 0
        self.digest = genesis.digest(first_state.state_root(genesis))
        self.transactions = 0
        self._view = 0
        self._time = genesis.time
        self._sealed = False

    @property
    def epoch(self):
        return self._epoch

    @property
    def log_size(self):
        return self._log.size

    def add(self, payload, path, offset):
        """The next block; gives its digest."""
        try:
            block = blocks.Block.decode(payload)
            events = [blocks.event_of(event) for event in block.events]
        except Malformed as error:
            raise Finding("undecodable", str(error), self.height + 1, path, offset) from error

        def found(kind, message, index=None):
            return Finding(kind, message, block.header.height, path, offset, index)
        self._check_header(block.header, found)
        self._check_certificate(block, found)
        seal = self._check_seal(block.header, events, found)
        envelopes = self._check_body(block, found)
        self._check_envelopes(block, envelopes, events, found)
        self._check_log(block, envelopes, events, found)
        self._take(block.header, seal)
        return self.digest

    def finish(self):
        """At the end of the ledger."""
        self.signatures.finish()
        if self._not_final:
            raise self._not_final

    # ---- header and certificate

    def _check_header(self, header, found):
        parent_view, view_min = (0, 1) if self._sealed else (self._view, self._view + 1)
        for right, kind, message in (
                (header.version == 1, "undecodable", f"version {header.version}"),
                (header.chain_id == self._genesis.chain_id, "chain_id", "another chain"),
                (header.height == self.height + 1, "height", f"after {self.height} comes {header.height}"),
                (header.parent == self.digest, "parent", "not the digest of the block before"),
                (header.epoch == self._epoch, "epoch", f"is {header.epoch}, not {self._epoch}"),
                (header.parent_view == parent_view, "view", f"parent view {header.parent_view}, not {parent_view}"),
                (header.view >= view_min, "view", f"view {header.view} is below {view_min}"),
                (self._time < header.time <= TIME_MAX, "time", "not later than the block before"),
                (header.proposer < len(self._validators), "validators", f"proposer {header.proposer}")):
            if not right:
                raise found(kind, message)

    def _check_certificate(self, block, found):
        header, certificate = block.header, block.certificate
        if certificate.kind not in (blocks.NOTARIZE, blocks.FINALIZE):
            raise found("certificate_kind", f"kind {certificate.kind}")
        if header.seals_epoch:
            if certificate.kind != blocks.FINALIZE or certificate.view < header.view:
                raise found("certificate_kind", "a seal without a finalization of its own")
        elif certificate.view != header.view:
            raise found("certificate_kind", f"of view {certificate.view}")
        if certificate.view == header.view and certificate.parent_view != header.parent_view:
            raise found("certificate_kind", f"of parent view {certificate.parent_view}")
        if certificate.epoch != header.epoch:
            raise found("certificate_epoch", f"of epoch {certificate.epoch}")
        if certificate.digest != header.digest:
            raise found("certificate_block", "for another block")
        check_quorum(certificate, self._validators, self._genesis.chain_id, self.signatures, found)
        self._not_final = None if certificate.kind == blocks.FINALIZE else (
            self._not_final or found("not_final", "the last blocks are notarized only"))

    def _check_seal(self, header, events, found):
        seals = [event for event in events if isinstance(event, blocks.EpochSealed)]
        if header.seals_epoch != (len(seals) == 1) or (seals and events[-1] != seals[0]):
            raise found("validator_set", "a seal without its event, or an event without a seal")
        following = seals[0].validators if seals else self._validators
        if seals and seals[0].epoch != self._epoch:
            raise found("validator_set", f"the event seals epoch {seals[0].epoch}")
        if header.next_validators_hash != blocks.validators_hash(following):
            raise found("validator_set" if seals else "validators", "the header commits to other validators")
        return seals[0] if seals else None

    # ---- body

    def _check_body(self, block, found):
        if sum(len(envelope) for envelope in block.envelopes) > blocks.BODY_BYTES_MAX:
            raise found("envelope", "more than 4 MiB of envelopes")
        envelopes = []
        for index, encoded in enumerate(block.envelopes):
            try:
                envelopes.append(blocks.Envelope.decode(encoded))
            except Malformed as error:
                raise found("envelope", str(error), index) from error
        if root_of(envelope.hash for envelope in envelopes) != block.header.body_root:
            raise found("body_root", "not the envelopes that the validators signed")
        if len(block.results) != sum(len(envelope.transactions) for envelope in envelopes):
            raise found("result_count", f"{len(block.results)} results")
        return envelopes

    def _check_envelopes(self, block, envelopes, events, found):
        """In order, because a key that is changed holds for the next envelope."""
        time = block.header.time
        while self._recent and next(iter(self._recent.values())) <= time - WINDOW_MS:
            self._recent.popitem(last=False)
        for event in events:
            if isinstance(event, blocks.Expired):
                self._members.expired(event)
        parties = {party for party, _ in self._validators}
        results = iter(block.results)
        for index, envelope in enumerate(envelopes):
            key = self._members.keys.get(envelope.signer)
            if key is None:
                raise found("signer", f"{envelope.signer} is no member", index)
            if (envelope.signer, envelope.root) in self._recent:
                raise found("envelope", "was there before", index)
            self._recent[envelope.signer, envelope.root] = time
            digest = tagged_hash("tally/envelope/v1", self._genesis.chain_id, envelope.signer.encode(), envelope.root)
            self.signatures.check(key, digest, envelope.signature,
                                   found("signature", f"not signed by {envelope.signer}", index))
            for encoded in envelope.transactions:
                try:
                    transaction = Transaction.decode(encoded)
                except Malformed as error:
                    raise found("transaction", str(error), index) from error
                if not time < transaction.not_after <= time + WINDOW_MS:
                    raise found("execution", "not_after does not fit the block's time", index)
                if next(results) == OK:
                    self._follow(envelope.signer, transaction, parties, index, found)

    def _follow(self, signer, transaction, parties, index, found):
        try:
            self._members.apply(signer, transaction, parties)
        except (KeyError, TypeError, UnicodeDecodeError) as error:
            raise found("result_differs", f"cannot be ok: {error!r}", index) from error

    def _check_log(self, block, envelopes, events, found):
        header = block.header

        def append(digest, signer, result):
            leaf = blocks.encoded_leaf(self._log.size, header.height, digest, signer, result)
            self._log.append(leaf_hash(leaf))
        seals = sum(isinstance(event, blocks.EpochSealed) for event in events)
        for encoded in block.events[:len(events) - seals]:
            append(blocks.event_hash(encoded), blocks.NOBODY, OK)
        results = iter(block.results)
        for envelope in envelopes:
            for transaction in envelope.transactions:
                append(leaf_hash(transaction), envelope.signer.encode(), next(results))
                self.transactions += 1
        for encoded in block.events[len(events) - seals:]:
            append(blocks.event_hash(encoded), blocks.NOBODY, OK)
        if header.log_size != self._log.size:
            raise found("log_size", f"is {header.log_size}, not {self._log.size}")
        if header.log_root != self._log.root():
            raise found("log_root", "not the leaves that the validators signed")

    def _take(self, header, seal):
        self.height, self.digest, self._view, self._time = header.height, header.digest, header.view, header.time
        self._sealed = header.seals_epoch
        if seal:
            self._epoch += 1
            self._validators = seal.validators


def check_quorum(certificate, validators, chain_id, signatures, found):
    """Enough signers, all of them validators, and every signature."""
    if any(index >= len(validators) for index, _ in certificate.signatures):
        raise found("certificate_signers", "a signer who is no validator")
    if len(certificate.signatures) < blocks.quorum(validators):
        raise found("certificate_signers", f"{len(certificate.signatures)} of {len(validators)} signed")
    digest = tagged_hash("tally/vote/v1", chain_id, certificate.statement)
    for index, signature in certificate.signatures:
        signatures.check(validators[index][1], digest, signature,
                         found("certificate_signature", f"the signature of validator {index}"))
