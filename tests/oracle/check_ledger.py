"""Recomputes the clearing of a ledger from its transactions and compares results, expiries and accounts.

    check_ledger.py DATA_DIR --genesis genesis.json [--accounts FILE]

FILE holds a JSON list of what GET /api/v1/accounts/{member} answers (or `tally show account PTY --json`) for each member at
the ledger's last block. Exit codes: 0 the same, 1 a difference.
"""

import argparse
import json
import sys

import actions  # noqa: F401  finds the verifier's modules, so it comes first
import genesis as genesis_file
import oracle as rules
import segments
import tables
from blocks import Block, Envelope, EpochSealed, event_of
from months import as_expiry


class Difference(Exception):
    """Where oracle and ledger disagree."""


def replay(folder, genesis, with_activity):
    """The oracle after the ledger's last block. Blocks are believed to be what the validators signed: that is verify.py's."""
    oracle = rules.Oracle(genesis, with_activity)
    for _, _, payload in segments.records(segments.files_of(folder), genesis.chain_id):
        block = Block.decode(payload)
        transactions = [(envelope.signer, transaction) for envelope in map(Envelope.decode, block.envelopes)
                        for transaction in envelope.transactions]
        results, expiries = oracle.block(block.header.time, transactions, block.results)
        for (signer, body), ours, theirs in zip(transactions, results, block.results):
            if ours != theirs:
                raise Difference(f"height {block.header.height} {signer} {actions.transaction(body)}: oracle {ours}, "
                                 f"ledger {theirs}")
        events = [event_of(event) for event in block.events]
        seals = [event for event in events if isinstance(event, EpochSealed)]
        seen = [as_expiry(event) for event in events if event not in seals]
        if seen != expiries:
            raise Difference(f"height {block.header.height}: oracle expects {expiries}, ledger has {seen}")
        for seal in seals:
            oracle.sealed(party for party, _ in seal.validators)
    oracle.check_books()
    return oracle


def compare_accounts(oracle, answers):
    for answer in answers:
        listed = {item["currency"]: item for item in answer["accounts"]}
        ours = {currency: account for (party, currency), account in tables.kept(oracle).items() if party == answer["member"]}
        if set(listed) != set(ours):
            raise Difference(f"{answer['member']}: oracle has {sorted(ours)}, node {sorted(listed)}")
        for currency, account in ours.items():
            expected = {"debits_pending": account.debits_pending, "debits_posted": account.debits_posted,
                        "credits_pending": account.credits_pending, "credits_posted": account.credits_posted,
                        "limit": account.limit, "limit_used": account.used(),
                        "legs_owed": account.legs_owed, "legs_due": account.legs_due,
                        "shares_held": account.shares_held,
                        "net_posted": account.credits_posted - account.debits_posted}
            for name, value in expected.items():
                if listed[currency][name] != decimal(value):
                    raise Difference(f"{answer['member']} {currency} {name}: oracle {decimal(value)}, node "
                                     f"{listed[currency][name]}")


def decimal(value):
    return f"{'-' if value < 0 else ''}{abs(value) // 10000}.{abs(value) % 10000:04}"


def check(folder, genesis_path, answers=()):
    """The oracle; raises Difference. Which form bridges sign in shows when signatures verify."""
    genesis = genesis_file.load(genesis_path)
    try:
        oracle = replay(folder, genesis, True)
    except Difference:
        oracle = replay(folder, genesis, False)
    compare_accounts(oracle, answers)
    return oracle


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir")
    parser.add_argument("--genesis", required=True)
    parser.add_argument("--accounts")
    arguments = parser.parse_args()
    answers = []
    if arguments.accounts:
        with open(arguments.accounts, encoding="utf-8") as file:
            answers = json.load(file)
    try:
        oracle = check(arguments.data_dir, arguments.genesis, answers)
    except Difference as difference:
        print(difference)
        return 1
    print(f"the same: {sum(oracle.seen.values())} results and expiries, {len(oracle.accounts)} accounts, {len(answers)} of "
          "the node's answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
