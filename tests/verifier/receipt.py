"""Verifies a receipt offline, from the genesis on (docs/protocol/ledger.md, section 8)."""

import blocks
import ledger
from codec import Malformed, Reader
from findings import Finding
from merkle import leaf_hash, root_from_path

MAGIC = b"TALLYRCP"
VERSION = 2
PROOFS_MAX = 65536
PATH_MAX = 64


def verify(data, genesis):
    """The transaction's bytes and (index, height, signer, result); raises Finding when it is not proven."""
    try:
        return _verify(Reader(data), genesis)
    except Malformed as error:
        raise Finding("undecodable", str(error)) from error


def _verify(reader, genesis):
    if reader.take(8) != MAGIC or reader.number(2) != VERSION:
        raise Malformed("no receipt of a version that is known")
    transaction = reader.bytes(blocks.TRANSACTION_BYTES_MAX)
    leaf = reader.take(53)
    path = [reader.take(32) for _ in range(reader.count(PATH_MAX))]
    header = final_header(reader, genesis)
    fields = Reader(leaf)
    index, height, digest, signer, result = (
        fields.number(8), fields.number(8), fields.take(32), fields.party(), fields.number(2))
    if digest != leaf_hash(transaction):
        raise Finding("transaction", "the leaf is another transaction's")
    if height > header.height or root_from_path(leaf_hash(leaf), index, header.log_size, path) != header.log_root:
        raise Finding("log_root", "the leaf is not in the log")
    return transaction, (index, height, signer, result)


def final_header(reader, genesis):
    """The header that the rest of a receipt proves: header, finalization, proofs of all epochs before."""
    header = blocks.Header.decode(reader.take(blocks.HEADER_BYTES))
    certificate = blocks.Certificate.decode(reader.bytes(8192))
    proofs = [reader.bytes(65536) for _ in range(reader.count(PROOFS_MAX))]
    reader.end()
    signatures = ledger.Signatures()
    validators = genesis.validators
    for epoch, proof in enumerate(proofs):
        validators = _validators_after(Reader(proof), epoch, validators, genesis, signatures)
    if header.chain_id != genesis.chain_id or header.epoch != len(proofs):
        raise Finding("epoch", "the header is of another chain or epoch")
    _check_finalized(header, certificate, validators, genesis, signatures)
    return header


def _validators_after(reader, epoch, validators, genesis, signatures):
    header = blocks.Header.decode(reader.take(blocks.HEADER_BYTES))
    certificate = blocks.Certificate.decode(reader.bytes(8192))
    following = blocks.validators_of(reader)
    reader.end()
    if header.chain_id != genesis.chain_id or header.epoch != epoch or not header.seals_epoch:
        raise Finding("epoch", f"no proof of the end of epoch {epoch}")
    _check_finalized(header, certificate, validators, genesis, signatures)
    if header.next_validators_hash != blocks.validators_hash(following):
        raise Finding("validator_set", f"not the validators behind epoch {epoch}")
    return following


def _check_finalized(header, certificate, validators, genesis, signatures):
    def found(kind, message, _index=None):
        return Finding(kind, message, header.height)
    view_fits = certificate.view >= header.view if header.seals_epoch else certificate.view == header.view
    if certificate.kind != blocks.FINALIZE or not view_fits:
        raise found("certificate_kind", "no finalization of this block")
    if certificate.epoch != header.epoch:
        raise found("certificate_epoch", f"of epoch {certificate.epoch}")
    if certificate.digest != header.digest:
        raise found("certificate_block", "for another block")
    ledger.check_quorum(certificate, validators, genesis.chain_id, signatures, found)
