"""Whose key signs envelopes: follows admissions, rotations and decided replacements (ledger.md, section 3).

Only transactions with result ok are taken in. Which validators vote follows from the seals, not from here.
"""

import dataclasses

from codec import Malformed, fields, message

REF = {1: ("signer", "bytes"), 2: ("id", "bytes")}
MEMBER = {1: ("party", "bytes"), 2: ("country", "text"), 3: ("role", "uint"), 4: ("operator_id", "text"),
          5: ("member_key", "bytes"), 6: ("consensus_key", "bytes"), 7: ("link_key", "bytes"), 8: ("validator", "bool")}
ADMIT = {1: ("member", MEMBER), 2: ("member_possession", "bytes"), 3: ("consensus_possession", "bytes"),
         4: ("link_possession", "bytes")}
PARAMETERS = {number: (f"parameter_{number}", "int") for number in range(1, 32)}
LEG = {1: ("cycle", "uint"), 2: ("currency", "bytes"), 3: ("debtor", "bytes"), 4: ("creditor", "bytes")}
PROPOSE = {1: ("kind", "uint"), 2: ("member", "bytes"), 3: ("member_key", "bytes"), 4: ("consensus_key", "bytes"),
           5: ("link_key", "bytes"), 6: ("parameters", PARAMETERS), 7: ("member_possession", "bytes"),
           8: ("consensus_possession", "bytes"), 9: ("link_possession", "bytes"), 10: ("feature", "uint"), 11: ("leg", LEG)}
VOTE = {1: ("proposal", REF), 2: ("approve", "bool")}
ROTATE = {1: ("role", "uint"), 2: ("new_key", "bytes"), 3: ("possession", "bytes")}
SCHEMAS = {22: ADMIT, 23: PROPOSE, 24: VOTE, 25: ROTATE}
ADMIT_FOLLOWER, PROPOSE_CHANGE, VOTE_ON_CHANGE, ROTATE_KEY = 22, 23, 24, 25
REPLACE_KEYS, CONFIRM_LEG = 5, 9
MEMBER_ROLE = 1
FIRST_ACTION = 10


@dataclasses.dataclass(frozen=True)
class Transaction:
    id: bytes
    not_after: int
    number: int  # of the action
    action: bytes  # encoded

    @staticmethod
    def decode(data):
        seen, action = {}, None
        for number, value in fields(data):
            if number >= FIRST_ACTION:
                if action is not None or not isinstance(value, bytes):
                    raise Malformed("not exactly one action")
                action = number, value
            elif number in (1, 2) and number not in seen:
                seen[number] = value
            else:
                raise Malformed(f"field {number}")
        identity, not_after = seen.get(1, b""), seen.get(2, 0)
        if action is None or not isinstance(identity, bytes) or len(identity) != 16 or not isinstance(not_after, int):
            raise Malformed("no transaction")
        schema = SCHEMAS.get(action[0])
        if schema:
            message(action[1], schema)
        return Transaction(identity, not_after, *action)


@dataclasses.dataclass
class _Proposal:
    kind: int
    member: str
    member_key: bytes
    approvals: set
    refusals: set


class Membership:
    def __init__(self, genesis):
        self.keys = dict(genesis.members)
        self._hub = genesis.hub
        self._proposals = {}

    def apply(self, signer, transaction, validators):
        """`validators` are the parties of the current epoch."""
        if transaction.number not in SCHEMAS:
            return
        action = message(transaction.action, SCHEMAS[transaction.number])
        if transaction.number == ADMIT_FOLLOWER:
            self.keys[action["member"]["party"].decode()] = action["member"]["member_key"]
        elif transaction.number == ROTATE_KEY:
            if action["role"] == MEMBER_ROLE:
                self.keys[signer] = action["new_key"]
        elif transaction.number == PROPOSE_CHANGE:
            about = action["leg"]["creditor"] if action["kind"] == CONFIRM_LEG else action["member"]
            proposal = _Proposal(action["kind"], about.decode(), action["member_key"], set(), set())
            self._proposals[signer, transaction.id] = proposal
            if signer in validators or signer == self._hub:
                proposal.approvals.add(signer)
            self._count((signer, transaction.id), validators)
        else:
            ref = action["proposal"]["signer"].decode(), action["proposal"]["id"]
            proposal = self._proposals[ref]
            (proposal.approvals if action["approve"] else proposal.refusals).add(signer)
            self._count(ref, validators)

    def expired(self, event):
        self._proposals.pop((event.signer, event.id), None)

    def _count(self, ref, validators):
        proposal = self._proposals[ref]
        approvals = len(proposal.approvals & set(validators))
        refusals = len(proposal.refusals & set(validators))
        without_hub = proposal.kind in (REPLACE_KEYS, CONFIRM_LEG) and proposal.member == self._hub
        if (without_hub or self._hub in proposal.approvals) and approvals * 3 > len(validators) * 2:
            if proposal.kind == REPLACE_KEYS and proposal.member_key:
                self.keys[proposal.member] = proposal.member_key
            del self._proposals[ref]
        elif ((not without_hub and self._hub in proposal.refusals)
              or (len(validators) - refusals) * 3 <= len(validators) * 2):
            del self._proposals[ref]
