"""CRC-32C (Castagnoli), eight bytes at a step."""

import struct

POLYNOMIAL = 0x82F63B78  # reflected


def _tables():
    first = []
    for octet in range(256):
        value = octet
        for _ in range(8):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
        first.append(value)
    tables = [first]
    for _ in range(7):
        last = tables[-1]
        tables.append([first[value & 0xFF] ^ (value >> 8) for value in last])
    return tables


_TABLES = _tables()


def crc32c(data):
    t0, t1, t2, t3, t4, t5, t6, t7 = _TABLES
    value = 0xFFFFFFFF
    whole = len(data) & ~7
    for low, high in struct.iter_unpack("<II", memoryview(data)[:whole]):
        low ^= value
        value = (t7[low & 0xFF] ^ t6[(low >> 8) & 0xFF] ^ t5[(low >> 16) & 0xFF] ^ t4[low >> 24]
                 ^ t3[high & 0xFF] ^ t2[(high >> 8) & 0xFF] ^ t1[(high >> 16) & 0xFF] ^ t0[high >> 24])
    for octet in data[whole:]:
        value = t0[(value ^ octet) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF
