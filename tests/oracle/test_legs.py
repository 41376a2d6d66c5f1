"""Who pays whom at the end of a cycle, for random matrices of up to 60 members: the ledger and the oracle must agree.

    test_legs.py BIN/tests/oracle_play [--rounds 2000]
"""

import argparse
import random
import sys

from months import executed
from netting import net_of, payments


def matrix_of(chance):
    """[(debtor, creditor, amount)] in order: few members or many, few debts or many, alike or not."""
    names = sorted({"".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=3)) for _ in range(chance.choice((2, 3, 4, 6, 12, 60)))})
    density, largest = chance.random(), chance.choice((2, 10, 10**6, 10**13))
    return [(debtor, creditor, chance.randrange(1, largest + 1)) for debtor in names for creditor in names
            if debtor != creditor and chance.random() < density]


def check(matrix, answer):
    """Whether the direct debts of the matrix were more than may have legs of their own."""
    net = net_of(matrix)
    expected = payments(net, matrix)
    theirs = [(*answer[place:place + 2], int(answer[place + 2])) for place in range(0, len(answer), 3)]
    assert theirs == expected, f"{matrix}: oracle {expected}, ledger {theirs}"
    assert net_of(expected) == [item for item in net if item[1]], f"{matrix}: the payments do not settle it"
    members = sum(amount != 0 for _, amount in net)
    assert len(expected) <= max(0, 2 * (members - 1)), f"{matrix}: too many payments"
    return len(expected) > members - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=2000)
    arguments = parser.parse_args()
    chance = random.Random(1)
    matrices = [matrix_of(chance) for _ in range(arguments.rounds)]
    lines = [" ".join(["legs"] + [str(word) for row in matrix for word in row]) for matrix in matrices]
    beyond = 0
    for matrix, answer in zip(matrices, executed(arguments.program, lines)):
        beyond += check(matrix, answer)
    assert beyond > arguments.rounds // 20, f"only {beyond} reached the bound of direct payments"
    print(f"{arguments.rounds} matrices give the same payments, {beyond} of them beyond the bound of direct ones")
    return 0


if __name__ == "__main__":
    sys.exit(main())
