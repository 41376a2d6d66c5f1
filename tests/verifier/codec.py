"""The fixed-width encodings and the protobuf of docs/protocol/encoding.md. Wrong input raises Malformed."""

MAX_VARINT_BYTES = 10


class Malformed(Exception):
    """Bytes that are not what they should be."""


class Reader:
    """Reads big-endian fields one after the other."""

    def __init__(self, data):
        self._data = data
        self._at = 0

    def take(self, length):
        end = self._at + length
        if end > len(self._data):
            raise Malformed(f"ends {end - len(self._data)} bytes too early")
        piece = self._data[self._at:end]
        self._at = end
        return bytes(piece)

    def number(self, width):
        return int.from_bytes(self.take(width), "big")

    def signed(self, width):
        return int.from_bytes(self.take(width), "big", signed=True)

    def flag(self):
        value = self.number(1)
        if value > 1:
            raise Malformed(f"a flag is {value}")
        return value == 1

    def bytes(self, bound):
        length = self.number(4)
        if length > bound:
            raise Malformed(f"{length} bytes, more than {bound}")
        return self.take(length)

    def count(self, bound):
        value = self.number(4)
        if value > bound:
            raise Malformed(f"{value} items, more than {bound}")
        return value

    def party(self):
        letters = self.take(3)
        if not all(0x41 <= letter <= 0x5A for letter in letters):
            raise Malformed(f"{letters!r} is no party")
        return letters.decode()

    def end(self):
        if self._at != len(self._data):
            raise Malformed(f"{len(self._data) - self._at} bytes too many")


def _varint(data, at):
    value = 0
    for position in range(MAX_VARINT_BYTES):
        if at + position >= len(data):
            raise Malformed("a varint is cut off")
        octet = data[at + position]
        value |= (octet & 0x7F) << (7 * position)
        if octet < 0x80:
            if octet == 0 and position > 0:
                raise Malformed("a varint is longer than it needs to be")
            if value >= 1 << 64:
                raise Malformed("a varint has more than 64 bits")
            return value, at + position + 1
    raise Malformed("a varint has no end")


def fields(data):
    """(number, value) of each field: an integer for a varint, bytes for what has a length. Nothing else is used."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if not 1 <= number < 1 << 29:
            raise Malformed(f"field number {number}")
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise Malformed(f"field {number} is cut off")
            value = bytes(data[at:at + length])
            at += length
        else:
            raise Malformed(f"wire type {wire}")
        yield number, value


def message(data, schema):
    """A message as a dictionary of all fields of its schema: {number: (name, kind)}.

    Kinds: "uint" "int" (64 bits) "sint" "bool" "bytes" "text", a schema for a message, [kind] for a repeated one. A field
    that is absent has its zero value, a message None.
    """
    result = {name: _absent(kind) for name, kind in schema.values()}
    seen = set()
    for number, value in fields(data):
        if number not in schema:
            raise Malformed(f"unknown field {number}")
        name, kind = schema[number]
        if isinstance(kind, list):
            result[name].append(_value(value, kind[0], name))
            continue
        if number in seen:
            raise Malformed(f"{name} comes twice")
        seen.add(number)
        result[name] = _value(value, kind, name)
    return result


_ZERO = {"uint": 0, "int": 0, "sint": 0, "bool": False, "bytes": b"", "text": ""}


def _absent(kind):
    if isinstance(kind, list):
        return []
    return _ZERO[kind] if isinstance(kind, str) else None


def _value(value, kind, name):
    if isinstance(value, int) != (kind in ("uint", "int", "sint", "bool")):
        raise Malformed(f"{name} has the wire type of something else")
    if kind == "int":
        return value - (1 << 64) if value >> 63 else value
    if kind == "sint":
        return (value >> 1) ^ -(value & 1)
    if kind == "bool":
        if value > 1:
            raise Malformed(f"{name} is {value}")
        return value == 1
    if kind == "text":
        if not value.isascii():
            raise Malformed(f"{name} is not ASCII")
        return value.decode()
    return value if isinstance(kind, str) else message(value, kind)
