"""A second verifier of ledgers, written from docs/protocol alone. Standard library only.

    verify.py DATA_DIR --genesis genesis.json [--signatures all|N]
    verify.py --receipt FILE --genesis genesis.json

DATA_DIR is a node's data folder or a folder of segment files. Exit codes: 0 verified, 1 something is wrong (the first
finding is printed), 2 nothing can be said.
"""

import argparse
import sys

import genesis as genesis_file
import ledger
import receipt
import segments
from findings import Finding


def verify_ledger(folder, genesis, sample=None):
    """The ledger at its last block; raises Finding."""
    verified = ledger.Ledger(genesis, ledger.Signatures(sample))
    for path, offset, payload in segments.records(segments.files_of(folder), genesis.chain_id):
        verified.add(payload, path, offset)
    verified.finish()
    return verified


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", nargs="?")
    parser.add_argument("--genesis", required=True)
    parser.add_argument("--signatures", default="all", help="all, or how many to verify as a random sample")
    parser.add_argument("--receipt")
    arguments = parser.parse_args()
    if (arguments.data_dir is None) == (arguments.receipt is None):
        parser.error("either a folder or a receipt")
    sample = None if arguments.signatures == "all" else int(arguments.signatures)
    try:
        genesis = genesis_file.load(arguments.genesis)
        if arguments.receipt:
            with open(arguments.receipt, "rb") as file:
                _, (index, height, signer, result) = receipt.verify(file.read(), genesis)
            print(f"proven: leaf {index} of the log, in block {height}, signed by {signer}, result {result}")
            return 0
        verified = verify_ledger(arguments.data_dir, genesis, sample)
    except Finding as finding:
        print(finding)
        return 1
    except (OSError, ValueError, KeyError) as error:
        print(f"cannot be read: {error!r}", file=sys.stderr)
        return 2
    signatures = verified.signatures
    print(f"verified: {verified.height} blocks, {verified.transactions} transactions, {verified.log_size} leaves, "
          f"epoch {verified.epoch}, {signatures.verified} of {signatures.seen} signatures\n"
          f"digest {verified.digest.hex()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
