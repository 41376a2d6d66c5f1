"""Hashes and the trees of RFC 9162."""

import hashlib


def sha256(data):
    return hashlib.sha256(data).digest()


def tagged_hash(tag, *parts):
    return sha256(bytes([len(tag)]) + tag.encode() + b"".join(parts))


def leaf_hash(entry):
    return sha256(b"\x00" + entry)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


class Log:
    """A tree that grows at its right end: only the roots of its full subtrees are kept."""

    def __init__(self):
        self.size = 0
        self._peaks = []  # of falling height; one for each bit of the size that is set

    def append(self, leaf):
        self._peaks.append(leaf)
        carry = self.size
        while carry & 1:
            right = self._peaks.pop()
            self._peaks.append(node_hash(self._peaks.pop(), right))
            carry >>= 1
        self.size += 1

    def peaks(self):
        return list(self._peaks)

    def root(self):
        if not self._peaks:
            return sha256(b"")
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(entries):
    log = Log()
    for entry in entries:
        log.append(leaf_hash(entry))
    return log.root()


def root_from_path(leaf, index, size, path):
    """The root that a leaf and its inclusion path lead to (RFC 9162, 2.1.3.2); None when the path has another length."""
    if index >= size:
        return None
    first, second, root = index, size - 1, leaf
    for sibling in path:
        if second == 0:
            return None
        if first & 1 or first == second:
            root = node_hash(sibling, root)
            while not first & 1 and first:
                first >>= 1
                second >>= 1
        else:
            root = node_hash(root, sibling)
        first >>= 1
        second >>= 1
    return root if second == 0 else None
