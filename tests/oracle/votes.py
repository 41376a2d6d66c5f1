"""Membership, as far as clearing depends on it (docs/protocol/ledger.md, section 3): who may, who is suspended, what is in force."""

import dataclasses

from refusal import refuse_if

OK, ID_IN_USE, UNKNOWN_MEMBER, NOT_VALIDATOR, UNKNOWN_PROPOSAL, ALREADY_VOTED, NOTHING_TO_CHANGE = 0, 3, 11, 90, 91, 92, 97
TOO_LATE, TOO_MANY_PROPOSALS = 45, 95
SUSPEND, REINSTATE, REPLACE_KEYS, SET_PARAMETERS, CONFIRM_LEG = 3, 4, 5, 6, 9
OPEN_MAX, OPEN_OF_ONE_MAX = 64, 8


@dataclasses.dataclass
class Proposal:
    kind: int
    member: str
    parameters: dict
    expires: int
    leg: tuple = None  # cycle, currency, debtor, creditor
    approvals: set = dataclasses.field(default_factory=set)
    refusals: set = dataclasses.field(default_factory=set)


class Votes:
    """Open proposals. Suspended members, parameters and members are the oracle's, which this changes."""

    def __init__(self, oracle, validators):
        self._oracle = oracle
        self.validators = set(validators)
        self.open = {}

    def follow(self, name, signer, ref, action):
        """An action that the ledger found ok."""
        if name == "admit_follower":
            self._oracle.members.add(action["member"]["party"].decode())
        elif name == "propose_change":
            self._propose(signer, ref, self._proposal(action))
        elif name == "vote_on_change":
            self._vote(signer, self._voted(action), action["approve"])

    def judge(self, name, signer, ref, action):
        """The same without knowing the result: suspensions, reinstatements, parameters, legs and votes on them only."""
        if name == "propose_change":
            proposal = self._proposal(action)
            refuse_if(ref in self.open, ID_IN_USE)
            refuse_if(proposal.kind not in (SET_PARAMETERS, CONFIRM_LEG) and proposal.member not in self._oracle.members, UNKNOWN_MEMBER)
            self._refuse_nothing(proposal)
            of_signer = sum(other[0] == signer for other in self.open)
            refuse_if(len(self.open) >= OPEN_MAX or of_signer >= OPEN_OF_ONE_MAX, TOO_MANY_PROPOSALS)
            self._propose(signer, ref, proposal)
        else:
            assert name == "vote_on_change", name
            voted = self._voted(action)
            refuse_if(voted not in self.open, UNKNOWN_PROPOSAL)
            proposal = self.open[voted]
            refuse_if(signer not in self.validators | {self._oracle.hub}, NOT_VALIDATOR)
            refuse_if(self._oracle.now > proposal.expires, TOO_LATE)
            refuse_if(signer in proposal.approvals | proposal.refusals, ALREADY_VOTED)
            if action["approve"] and self._passed(proposal, proposal.approvals | {signer}):
                self._refuse_nothing(proposal)
            self._vote(signer, voted, action["approve"])

    def _proposal(self, action):
        expires = self._oracle.now + self._oracle.in_force("countersign_window_ms")
        leg = action["leg"] if action["kind"] == CONFIRM_LEG else None
        named = leg and (leg["cycle"], *(leg[name].decode() for name in ("currency", "debtor", "creditor")))
        return Proposal(action["kind"], action["member"].decode(), action["parameters"], expires, named)

    @staticmethod
    def _voted(action):
        return action["proposal"]["signer"].decode(), action["proposal"]["id"]

    def _refuse_nothing(self, proposal):
        if proposal.kind == CONFIRM_LEG:
            self._oracle.netting.refuse_unless_open(proposal.leg)
        suspended = proposal.member in self._oracle.suspended
        refuse_if((proposal.kind == SUSPEND and suspended) or (proposal.kind == REINSTATE and not suspended)
                  or (proposal.kind == SET_PARAMETERS and proposal.parameters == self._oracle.parameters), NOTHING_TO_CHANGE)

    def _propose(self, signer, ref, proposal):
        self.open[ref] = proposal
        if signer in self.validators or signer == self._oracle.hub:
            proposal.approvals.add(signer)
        self._count(ref, proposal)

    def _vote(self, signer, ref, approve):
        proposal = self.open[ref]
        (proposal.approvals if approve else proposal.refusals).add(signer)
        self._count(ref, proposal)

    def _without_hub(self, proposal):
        whose = proposal.leg[3] if proposal.kind == CONFIRM_LEG else proposal.member
        return proposal.kind in (REPLACE_KEYS, CONFIRM_LEG) and whose == self._oracle.hub

    def _passed(self, proposal, approvals):
        enough = len(approvals & self.validators) * 3 > len(self.validators) * 2
        return enough and (self._without_hub(proposal) or self._oracle.hub in approvals)

    def _count(self, ref, proposal):
        voters = len(self.validators)
        if self._passed(proposal, proposal.approvals):
            del self.open[ref]
            if proposal.kind == SUSPEND:
                self._oracle.suspended.add(proposal.member)
            elif proposal.kind == REINSTATE:
                self._oracle.suspended.discard(proposal.member)
            elif proposal.kind == SET_PARAMETERS:
                self._oracle.parameters = proposal.parameters
            elif proposal.kind == CONFIRM_LEG:
                self._oracle.effects["leg confirmed by vote that was", self._oracle.netting.legs[proposal.leg].status] += 1
                self._oracle.netting.end(proposal.leg, f"vote on {ref[0]}-{ref[1].hex()}")
        elif ((not self._without_hub(proposal) and self._oracle.hub in proposal.refusals)
              or (voters - len(proposal.refusals & self.validators)) * 3 <= voters * 2):
            del self.open[ref]
