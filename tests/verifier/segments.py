"""Reads segment files (docs/protocol/segments.md) in order, one record in memory."""

import os
import re

from blocks import HEADER_BYTES
from checksum import crc32c
from findings import Finding
from merkle import tagged_hash

FILE_HEADER = 54
RECORD_HEADER = 13
RECORD_BYTES_MAX = 8 << 20
BLOCK, CLOSING = 1, 2
NAME = re.compile(r"^\d{20}\.seg$")


def _u(data):
    return int.from_bytes(data, "big")


def files_of(folder):
    """Paths in the order of heights."""
    inside = os.path.join(folder, "ledger", "segments")
    folder = inside if os.path.isdir(inside) else folder
    names = sorted(name for name in os.listdir(folder) if NAME.match(name))
    if not names:
        raise FileNotFoundError(f"no segment files in {folder}")
    return [os.path.join(folder, name) for name in names]


def records(paths, chain_id):
    """(path, offset, payload) of each block. Checks everything about the files themselves."""
    height, digest = 1, b""
    for number, path in enumerate(paths):
        with open(path, "rb") as file:
            first = _check_file_header(file, path, chain_id)
            if first != height:
                raise Finding("missing_blocks", f"begins with height {first}", height=height, path=path)
            closed = False
            offset = file.tell()
            while (record := _read_record(file, path, first, offset)) is not None:
                kind, payload = record
                if closed:
                    raise Finding("after_footer", "a record behind the closing one", path=path, offset=offset)
                if kind == BLOCK:
                    digest = tagged_hash("tally/block-header/v1", payload[:HEADER_BYTES])
                    height += 1
                    yield path, offset, payload
                else:
                    closed = True
                    if payload != (height - 1).to_bytes(8, "big") + digest:
                        raise Finding("wrong_footer", "names another block", path=path, offset=offset)
                offset = file.tell()
            if not closed and number + 1 < len(paths):
                raise Finding("missing_footer", "a file that is not the newest has no closing record", path=path)


def _check_file_header(file, path, chain_id):
    header = file.read(FILE_HEADER)
    if len(header) < FILE_HEADER:
        raise Finding("torn_tail", "the file's header is not whole", path=path)
    if _u(header[50:54]) != crc32c(header[:50]):
        raise Finding("file_header", "wrong checksum", path=path, offset=0)
    if header[:8] != b"TALLYSEG" or _u(header[8:10]) != 1:
        raise Finding("file_header", "no segment of a version that is known", path=path, offset=0)
    if header[10:42] != chain_id:
        raise Finding("file_header", "belongs to another chain", path=path, offset=0)
    first = _u(header[42:50])
    if os.path.basename(path) != f"{first:020}.seg":
        raise Finding("file_header", "name and first height differ", path=path, offset=0)
    return first


def _read_record(file, path, first, offset):
    header = file.read(RECORD_HEADER)
    if not header:
        return None
    if len(header) < RECORD_HEADER:
        raise Finding("torn_tail", "ends inside a record's header", path=path, offset=offset)
    bound = first.to_bytes(8, "big") + offset.to_bytes(8, "big") + header[:9]
    if _u(header[9:13]) != crc32c(bound):
        raise Finding("record_header", "wrong checksum", path=path, offset=offset)
    kind, length = header[0], _u(header[1:5])
    if kind not in (BLOCK, CLOSING) or length > RECORD_BYTES_MAX:
        raise Finding("record_header", f"kind {kind}, {length} bytes", path=path, offset=offset)
    payload = file.read(length)
    if len(payload) < length:
        raise Finding("torn_tail", "ends inside a record", path=path, offset=offset)
    if _u(header[5:9]) != crc32c(payload):
        raise Finding("record_checksum", "wrong checksum", path=path, offset=offset)
    return kind, payload
