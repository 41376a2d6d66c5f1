"""State receipts and sub-logs (docs/protocol/ledger.md, sections 6, 9 and 10): what the state holds under a key, or that it has no
such key, from the genesis on; and whether somebody was given all leaves that touch a member."""

import receipt
from codec import Malformed, Reader
from findings import Finding
from merkle import Log, sha256

MAGIC = b"TALLYSTP"
VERSION = 1
ENTRY = 1  # the kind of content that is one key
KEY_MAX, VALUE_MAX = 1024, 262144
SIBLINGS_MAX = 256
SUBLOG = b"\x11"
DERIVED = 0x80  # tables from here on are not in the tree
NOTHING = bytes(32)


def verify(data, genesis):
    """(header, key, value or None); raises Finding when it is not proven."""
    try:
        return _verify(Reader(data), genesis)
    except Malformed as error:
        raise Finding("undecodable", str(error)) from error


def _verify(reader, genesis):
    if reader.take(8) != MAGIC or reader.number(2) != VERSION or reader.number(1) != ENTRY:
        raise Malformed("no state receipt of a key, of a version that is known")
    key = reader.bytes(KEY_MAX)
    value = reader.bytes(VALUE_MAX) if reader.flag() else None
    proof = reader.bytes(2 + 32 * SIBLINGS_MAX + 65)
    header = receipt.final_header(reader, genesis)
    if not key or key[0] >= DERIVED:
        raise Malformed("a key that is not in the tree")
    if climbed(Reader(proof), key, value) != header.state_root:
        raise Finding("state_mismatch", "not what the state holds", header.height)
    return header, key, value


def climbed(reader, key, value):
    """The root that the proof leads to from the value, or from what stands where the key would be."""
    siblings = [reader.take(32) for _ in range(reader.number(2))]
    other = (reader.take(32), reader.take(32)) if reader.flag() else None
    reader.end()
    path = sha256(key)
    if len(siblings) > SIBLINGS_MAX or (value is not None and other):
        raise Malformed("a proof that is none")
    if value is not None:
        node = sha256(b"\0" + path + sha256(value))
    elif other:
        if other[0] == path or any(_bit(other[0], depth) != _bit(path, depth) for depth in range(len(siblings))):
            raise Malformed("the other leaf does not stand where the key would")
        node = sha256(b"\0" + other[0] + other[1])
    else:
        node = NOTHING
    for depth in reversed(range(len(siblings))):
        pair = (siblings[depth], node) if _bit(path, depth) else (node, siblings[depth])
        node = sha256(b"\1" + pair[0] + pair[1])
    return node


def _bit(path, depth):
    return path[depth >> 3] >> (7 - (depth & 7)) & 1


def check_sublog(member, key, value, leaf_hashes):
    """Raises Finding unless these are all leaves that touch the member, by the proven entry of its sub-log."""
    if key != SUBLOG + member.encode():
        raise Finding("sublog", f"the proof is not of the sub-log of {member}")
    count, peaks = 0, []
    if value is not None:
        reader = Reader(value)
        if reader.number(1) != 1:
            raise Finding("sublog", "a version that is not known")
        count = reader.number(8)
        peaks = [reader.take(32) for _ in range(count.bit_count())]
        reader.end()
    if len(leaf_hashes) != count:
        raise Finding("sublog", f"{len(leaf_hashes)} leaves, but {count} touch {member}")
    log = Log()
    for leaf in leaf_hashes:
        log.append(leaf)
    if log.peaks() != peaks:
        raise Finding("sublog", f"not the leaves that touch {member}")
