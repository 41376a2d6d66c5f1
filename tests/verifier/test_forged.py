"""Ledgers that are made here, with keys we hold: honest ones verify, and every lie is named."""

import copy
import os
import sys
import tempfile
import unittest

import blocks
import genesis as genesis_file
import secp256k1
import segments
from builder import Builder, HUB, field, key_of, message, number, sign, write_segments
from checksum import crc32c
from codec import Malformed, message as decoded
from findings import Finding
from merkle import tagged_hash
from verify import verify_ledger

RELEASE, ADMIT, PROPOSE, VOTE, ROTATE = 17, 22, 23, 24, 25
ID = bytes(16)


def ref(signer, identity):
    return message(f1=signer, f2=identity)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.chain = Builder()
        self.genesis_path = self.chain.begin(self.folder)

    def honest(self, *envelopes, **options):
        self.chain.add(self.chain.block(*envelopes, **options))

    def some_envelope(self, signer="AAA", key=None):
        return self.chain.envelope(signer, self.chain.transaction(RELEASE, message(f1=ref("AAA", ID))), key=key)

    def verify(self):
        self.chain.write(self.folder)
        return verify_ledger(self.folder, genesis_file.load(self.genesis_path))

    def found(self, kind, height=None):
        with self.assertRaises(Finding) as caught:
            self.verify()
        self.assertEqual(caught.exception.kind, kind, str(caught.exception))
        if height is not None:
            self.assertEqual(caught.exception.height, height)


class Honest(Case):
    def test_a_ledger_with_transactions_and_an_expiry(self):
        self.honest(self.some_envelope(), self.some_envelope("BBB"), results=[0, 40])
        expired = b"\1\1" + b"AAA" + ID + b"BBBAAAEUR" + number(5, 8)
        self.honest(self.some_envelope(), events=[expired])
        verified = self.verify()
        self.assertEqual((verified.height, verified.transactions, verified.log_size), (2, 3, 4))

    def test_a_notarized_block_below_a_final_one(self):
        self.chain.add(self.chain.block(), kind=blocks.NOTARIZE)
        self.honest()
        self.assertEqual(self.verify().height, 2)

    def test_epochs_with_other_validators_and_a_seal_that_was_proposed_again(self):
        for parties in (("AAA", "BBB", HUB), ("AAA", "BBB", "CCC", HUB)):
            self.honest()
            following = self.chain.set_of(parties)
            self.chain.add(self.chain.block(following=following), later_views=2, following=following)
            self.honest(self.some_envelope())
        self.assertEqual(self.verify().epoch, 2)

    def test_a_sample_of_signatures(self):
        for _ in range(3):
            self.honest(self.some_envelope())
        self.chain.write(self.folder)
        sampled = verify_ledger(self.folder, genesis_file.load(self.genesis_path), 4).signatures
        self.assertEqual((sampled.verified, sampled.seen), (4, 12))

    def test_a_rotated_key_holds_in_the_same_block(self):
        rotate = self.chain.transaction(ROTATE, message(f1=1, f2=key_of("new"), f3=bytes(64)))
        self.honest(self.chain.envelope("AAA", rotate), self.some_envelope(key="new"))
        self.verify()

    def test_a_refused_rotation_changes_nothing(self):
        rotate = self.chain.transaction(ROTATE, message(f1=1, f2=key_of("new"), f3=bytes(64)))
        self.honest(self.chain.envelope("AAA", rotate), self.some_envelope(), results=[97, 0])
        self.verify()

    def test_an_admitted_member_signs(self):
        member = message(f1="NEW", f2="DE", f3=2, f5=key_of("n"), f6=key_of("o"), f7=key_of("p"))
        admit = message(f1=member, f2=bytes(64), f3=bytes(64), f4=bytes(64))
        self.honest(self.chain.envelope(HUB, self.chain.transaction(ADMIT, admit)))
        self.honest(self.some_envelope("NEW", key="n"))
        self.verify()

    def replaced(self, party, proposer, votes):
        """Whether the new key of `party` signs after these votes (voter, approves)."""
        change = message(f1=5, f2=party, f3=key_of("new"), f7=bytes(64))
        self.honest(self.chain.envelope(proposer, self.chain.transaction(PROPOSE, change)))
        proposal = ref(proposer, number(self.chain.transactions_made, 16))
        for voter, approves in votes:
            vote = field(1, proposal) + (field(2, 1) if approves else b"")
            self.honest(self.chain.envelope(voter, self.chain.transaction(VOTE, vote)))
        self.honest(self.some_envelope(party, key="new"))
        try:
            self.verify()
            return True
        except Finding as finding:
            self.assertEqual((finding.kind, finding.height), ("signature", len(self.chain.payloads)), str(finding))
            return False

    def test_three_of_four_with_the_hub_replace_a_key(self):
        self.assertTrue(self.replaced("BBB", "CCC", [("AAA", True), (HUB, True)]))

    def test_two_of_four_with_the_hub_replace_no_key(self):
        self.assertFalse(self.replaced("BBB", "CCC", [(HUB, True)]))

    def test_three_of_four_without_the_hub_replace_no_key(self):
        self.assertFalse(self.replaced("BBB", "CCC", [("AAA", True), ("BBB", True)]))

    def test_the_hub_is_not_needed_to_replace_its_own_keys(self):
        self.assertTrue(self.replaced(HUB, "CCC", [("AAA", True), ("BBB", True)]))

    def test_a_vote_for_a_proposal_that_was_rejected_cannot_be_ok(self):
        change = message(f1=3, f2="BBB")
        self.honest(self.chain.envelope("CCC", self.chain.transaction(PROPOSE, change)))
        proposal = ref("CCC", number(self.chain.transactions_made, 16))
        for voter in (HUB, "AAA"):
            self.honest(self.chain.envelope(voter, self.chain.transaction(VOTE, field(1, proposal))))
        self.found("result_differs", 3)


class Lies(Case):
    """What a quorum of validators signed although it is false, and certificates that are none."""

    def with_field(self, kind, **fields):
        self.honest(self.some_envelope())
        parts = self.chain.block(self.some_envelope())
        for name, value in fields.items():
            self.assertNotEqual(parts.fields[name], value)
            self.assertEqual(len(parts.fields[name]), len(value))
            parts.fields[name] = value
        self.chain.add(parts)
        self.found(kind)

    def test_version(self):
        self.with_field("undecodable", version=number(2, 2))

    def test_chain_id(self):
        self.with_field("chain_id", chain_id=bytes(32))

    def test_epoch(self):
        self.with_field("epoch", epoch=number(1, 8))

    def test_height(self):
        self.with_field("height", height=number(3, 8))

    def test_view_and_parent_view(self):
        self.with_field("view", view=number(1, 8))

    def test_parent_view(self):
        self.with_field("view", parent_view=number(0, 8))

    def test_parent(self):
        self.with_field("parent", parent=bytes(32))

    def test_time_that_stands_still(self):
        self.with_field("time", time=number(self.chain.time + 1000, 8))

    def test_proposer(self):
        self.with_field("validators", proposer=number(4, 4))

    def test_body_root(self):
        self.with_field("body_root", body_root=bytes(32))

    def test_log_size(self):
        self.with_field("log_size", log_size=number(9, 8))

    def test_log_root(self):
        self.with_field("log_root", log_root=bytes(32))

    def test_next_validators(self):
        self.with_field("validators", next_validators_hash=bytes(32))

    def test_a_seal_without_an_event(self):
        self.with_field("validator_set", seals_epoch=b"\1")

    def test_a_seal_that_names_others_than_the_header(self):
        following = self.chain.set_of(("AAA", "BBB", HUB))
        parts = self.chain.block(following=following)
        parts.fields["next_validators_hash"] = tagged_hash(
            "tally/validators/v1", self.chain.encoded_set(self.chain.validators))
        self.chain.add(parts, following=following)
        self.found("validator_set", 1)

    def test_a_swapped_result(self):
        parts = self.chain.block(self.some_envelope(), self.some_envelope("BBB"), results=[0, 40])
        parts.results.reverse()
        self.chain.add(parts)
        self.found("log_root", 1)

    def test_a_missing_result(self):
        parts = self.chain.block(self.some_envelope())
        parts.results.clear()
        self.chain.add(parts)
        self.found("result_count", 1)

    def test_an_event_that_was_changed(self):
        parts = self.chain.block(events=[b"\1\1" + b"AAA" + ID + b"BBBAAAEUR" + number(5, 8)])
        parts.events[0] = parts.events[0][:-1] + b"\6"
        self.chain.add(parts)
        self.found("log_root", 1)

    def test_a_dropped_envelope(self):
        parts = self.chain.block(self.some_envelope(), self.some_envelope("BBB"))
        parts.envelopes.pop()
        parts.results.pop()
        self.chain.add(parts)
        self.found("body_root", 1)

    def test_a_transaction_dropped_from_an_envelope_by_a_quorum(self):
        """All roots are made right again; what the member signed is not."""
        both = [self.chain.transaction(RELEASE, message(f1=ref("AAA", ID))) for _ in range(2)]
        signed, one = self.chain.envelope("AAA", *both), self.chain.envelope("AAA", both[0])
        self.honest(one[:-64] + signed[-64:])
        self.found("signature", 1)

    def test_a_fork(self):
        """Two blocks of one height, both with certificates: what follows the one does not follow the other."""
        view, digest, time, log = self.chain.view, self.chain.digest, self.chain.time, copy.deepcopy(self.chain.log)
        self.honest(self.some_envelope())
        other = self.chain.payloads.pop()
        self.chain.view, self.chain.digest, self.chain.time, self.chain.log = view, digest, time, log
        self.honest(self.some_envelope("BBB"))
        self.honest()
        self.verify()
        self.chain.payloads[0] = other
        self.found("parent", 2)

    def test_envelopes_in_another_order(self):
        parts = self.chain.block(self.some_envelope(), self.some_envelope("BBB"))
        parts.envelopes.reverse()
        self.chain.add(parts)
        self.found("body_root", 1)

    def test_an_envelope_in_the_name_of_another_member(self):
        self.honest(self.some_envelope("AAA", key=self.chain.keys["BBB", "member"]))
        self.found("signature", 1)

    def test_an_envelope_of_a_stranger(self):
        self.honest(self.some_envelope("XYZ", key="XYZ"))
        self.found("signer", 1)

    def test_an_envelope_twice(self):
        envelope = self.some_envelope()
        self.honest(envelope)
        self.honest(envelope, results=[1])
        self.found("envelope", 2)

    def test_a_key_that_is_not_in_use_any_more(self):
        rotate = self.chain.transaction(ROTATE, message(f1=1, f2=key_of("new"), f3=bytes(64)))
        self.honest(self.chain.envelope("AAA", rotate))
        self.honest(self.some_envelope())
        self.found("signature", 2)

    def test_a_transaction_that_came_too_late(self):
        transaction = message(f1=ID, f2=self.chain.time) + field(RELEASE, message(f1=ref("AAA", ID)))
        self.honest(self.chain.envelope("AAA", transaction))
        self.found("execution", 1)

    def test_a_transaction_that_is_none(self):
        self.honest(self.chain.envelope("AAA", b"\xff\xff"))
        self.found("transaction", 1)

    def test_too_few_signers(self):
        self.chain.add(self.chain.block(), signers=(0, 3))
        self.found("certificate_signers", 1)

    def test_one_signer_under_two_names(self):
        self.chain.add(self.chain.block(), signature_of={2: 1})
        self.found("certificate_signature", 1)

    def test_a_signer_who_is_no_validator(self):
        self.chain.add(self.chain.block(), signers=(0, 1, 2, 7))
        self.found("certificate_signers", 1)

    def test_validators_of_the_epoch_before(self):
        """Three of the four are gone; they still have their keys."""
        self.chain.keys["NEW", "consensus"] = "NEW/consensus/0"
        old, following = self.chain.validators, self.chain.set_of(("NEW",))
        self.chain.add(self.chain.block(following=following), following=following)
        parts = self.chain.block()
        self.chain.validators = old
        self.chain.add(parts)
        self.found("certificate_signers", 2)

    def test_a_seal_that_is_only_notarized(self):
        following = self.chain.set_of(("AAA", "BBB", HUB))
        self.chain.add(self.chain.block(following=following), kind=blocks.NOTARIZE, following=following)
        self.found("certificate_kind", 1)

    def test_a_nullification(self):
        self.chain.add(self.chain.block(), kind=blocks.NULLIFY)
        self.found("certificate_kind", 1)

    def test_a_certificate_of_a_later_view(self):
        self.chain.add(self.chain.block(), later_views=1)
        self.found("certificate_kind", 1)

    def test_last_blocks_that_are_not_final(self):
        self.honest()
        self.chain.add(self.chain.block(), kind=blocks.NOTARIZE)
        self.chain.add(self.chain.block(), kind=blocks.NOTARIZE)
        self.found("not_final", 2)


class Files(Case):
    def setUp(self):
        super().setUp()
        for _ in range(6):
            self.honest(self.some_envelope())

    def write(self, files):
        write_segments(self.folder, self.chain.chain_id, files)

    def found_in_files(self, kind):
        with self.assertRaises(Finding) as caught:
            verify_ledger(self.folder, genesis_file.load(self.genesis_path))
        self.assertEqual(caught.exception.kind, kind, str(caught.exception))

    def change(self, name, edit):
        path = os.path.join(self.folder, f"{name:020}.seg")
        with open(path, "rb") as file:
            content = bytearray(file.read())
        with open(path, "wb") as file:
            file.write(edit(content) or content)

    def test_three_files(self):
        self.write([self.chain.payloads[:2], self.chain.payloads[2:5], self.chain.payloads[5:]])
        self.assertEqual(verify_ledger(self.folder, genesis_file.load(self.genesis_path)).height, 6)

    def test_a_missing_file(self):
        self.write([self.chain.payloads[:2], self.chain.payloads[2:5], self.chain.payloads[5:]])
        os.remove(os.path.join(self.folder, f"{3:020}.seg"))
        self.found_in_files("missing_blocks")

    def test_a_missing_closing_record(self):
        self.write([self.chain.payloads[:2], self.chain.payloads[2:]])
        self.change(1, lambda content: content[:-(13 + 40)])
        self.found_in_files("missing_footer")

    def test_a_closing_record_of_another_block(self):
        self.write([self.chain.payloads[:2], self.chain.payloads[2:]])

        def edit(content):
            payload = number(2, 8) + bytes(32)
            start = content[-53:-49][:1] + number(40, 4) + number(crc32c(payload), 4)
            place = number(1, 8) + number(len(content) - 53, 8)
            return content[:-53] + start + number(crc32c(place + start), 4) + payload
        self.change(1, edit)
        self.found_in_files("wrong_footer")

    def test_a_record_that_was_moved(self):
        """Checksums of headers bind records to their place."""
        self.write([self.chain.payloads])
        size = 13 + len(self.chain.payloads[0])

        def edit(content):
            content[54:54 + size], content[54 + size:54 + 2 * size] = (
                content[54 + size:54 + 2 * size], content[54:54 + size])
        self.assertEqual(len(self.chain.payloads[0]), len(self.chain.payloads[1]))
        self.change(1, edit)
        self.found_in_files("record_header")

    def test_a_dropped_block(self):
        self.write([self.chain.payloads[:2] + self.chain.payloads[3:]])
        self.found_in_files("height")

    def test_blocks_in_another_order(self):
        payloads = self.chain.payloads
        self.write([[payloads[0], payloads[2], payloads[1]] + payloads[3:]])
        self.found_in_files("height")

    def test_a_file_that_was_cut(self):
        self.write([self.chain.payloads])
        self.change(1, lambda content: content[:-7])
        self.found_in_files("torn_tail")

    def test_a_segment_of_another_chain(self):
        write_segments(self.folder, bytes(32), [self.chain.payloads])
        self.found_in_files("file_header")

    def test_every_byte_of_the_first_record_and_the_header_before_it(self):
        self.write([self.chain.payloads])
        path = os.path.join(self.folder, f"{1:020}.seg")
        with open(path, "rb") as file:
            whole = file.read()
        for place in range(54 + 13 + len(self.chain.payloads[0])):
            with open(path, "wb") as file:
                file.write(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1:])
            with self.assertRaises(Finding, msg=f"byte {place}") as caught:
                next(segments.records([path], self.chain.chain_id))
            expected = "file_header" if place < 54 else "record_header" if place < 67 else "record_checksum"
            self.assertEqual(caught.exception.kind, expected, f"byte {place}")


class Primitives(unittest.TestCase):
    def test_the_check_value_of_crc32c(self):
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)

    def test_signatures(self):
        digest = tagged_hash("test", b"x")
        key, signature = key_of("a"), sign("a", digest)
        self.assertTrue(secp256k1.verify(key, digest, signature))
        self.assertFalse(secp256k1.verify(key_of("b"), digest, signature))
        self.assertFalse(secp256k1.verify(key, tagged_hash("test", b"y"), signature))
        self.assertFalse(secp256k1.verify(key, digest, bytes(64)))
        upper = number(secp256k1.N - int.from_bytes(signature[32:], "big"), 32)
        self.assertFalse(secp256k1.verify(key, digest, signature[:32] + upper), "s in the upper half")

    def test_a_key_that_is_no_point(self):
        self.assertIsNone(secp256k1.point_of(b"\2" + number(5, 32)))
        self.assertFalse(secp256k1.verify(b"\2" + number(5, 32), bytes(32), b"\1" * 64))

    def test_protobuf_that_is_refused(self):
        schema = {1: ("number", "uint"), 2: ("text", "text")}
        self.assertEqual(decoded(b"\x08\x05", schema), {"number": 5, "text": ""})
        for wrong in (b"\x08\x85\x00", b"\x08\x05\x08\x05", b"\x08", b"\x12\x02a", b"\x12\x01\xff", b"\x18\x01",
                      b"\x0d\0\0\0\0", b"\x0a\x01a", b"\x08" + b"\xff" * 10):
            with self.assertRaises(Malformed, msg=wrong.hex()):
                decoded(wrong, schema)


if __name__ == "__main__":
    sys.exit(unittest.main())
