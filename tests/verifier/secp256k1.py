"""ECDSA verification over secp256k1 in plain integers.

A ledger has few keys and many signatures, so each key gets a table of the multiples d * 256^i of its point: a
verification is then 64 additions without a doubling, and no inversion but that of s. Public data only: nothing here is
constant-time.
"""

import functools

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
GENERATOR = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
             0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)
WINDOWS = 32
TABLES_MAX = 256  # keys whose tables are kept, about 2 MB each


def point_of(key):
    """The point of a compressed key of 33 bytes; None when it is none."""
    if len(key) != 33 or key[0] not in (2, 3):
        return None
    x = int.from_bytes(key[1:], "big")
    if x >= P:
        return None
    square = (x * x * x + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        return None
    return (x, y if y & 1 == key[0] & 1 else P - y)


def _double(point):
    x, y, z = point
    if y == 0 or z == 0:
        return (0, 1, 0)
    yy = y * y % P
    s = 4 * x * yy % P
    m = 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return (x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P)


def _add_affine(point, other):
    """Jacobian plus affine; covers equal and opposite points."""
    x1, y1, z1 = point
    x2, y2 = other
    if z1 == 0:
        return (x2, y2, 1)
    zz = z1 * z1 % P
    h = (x2 * zz - x1) % P
    r = (y2 * zz * z1 - y1) % P
    if h == 0:
        return _double(point) if r == 0 else (0, 1, 0)
    hh = h * h % P
    hhh = hh * h % P
    v = x1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return (x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P)


def _to_affine(points):
    """All with one inversion; none may be the point at infinity."""
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % P)
    inverse = pow(products[-1], -1, P)
    affine = []
    for (x, y, z), before in zip(reversed(points), reversed(products[:-1])):
        own = inverse * before % P
        inverse = inverse * z % P
        square = own * own % P
        affine.append((x * square % P, y * square * own % P))
    affine.reverse()
    return affine


def _table(point):
    """For each window i the points d * 256^i * point for d of 1 to 255 at [i][d]."""
    bases = [(point[0], point[1], 1)]
    for _ in range(WINDOWS - 1):
        base = bases[-1]
        for _ in range(8):
            base = _double(base)
        bases.append(base)
    table = []
    for base in _to_affine(bases):
        row = [(base[0], base[1], 1)]
        for _ in range(254):
            row.append(_add_affine(row[-1], base))
        table.append([None] + _to_affine(row))
    return table


_GENERATOR_TABLE = _table(GENERATOR)


@functools.lru_cache(maxsize=TABLES_MAX)
def _table_of_key(key):
    point = point_of(key)
    return _table(point) if point else None


def verify(key, digest, signature):
    """Whether `signature` (r then s, 64 bytes, s in the lower half) is that of `key` over the 32 bytes `digest`."""
    if len(signature) != 64 or len(digest) != 32:
        return False
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if not 1 <= r < N or not 1 <= s <= N // 2:
        return False
    table = _table_of_key(bytes(key))
    if table is None:
        return False
    inverse = pow(s, -1, N)
    point = (0, 1, 0)
    for scalar, rows in ((int.from_bytes(digest, "big") * inverse % N, _GENERATOR_TABLE), (r * inverse % N, table)):
        for digit, row in zip(scalar.to_bytes(32, "little"), rows):
            if digit:
                point = _add_affine(point, row[digit])
    x, _, z = point
    if z == 0:
        return False
    zz = z * z % P
    return r * zz % P == x or (r + N < P and (r + N) * zz % P == x)
