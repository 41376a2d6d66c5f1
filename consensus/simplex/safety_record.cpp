#include "consensus/simplex/safety_record.h"

#include "consensus/planted_bug.h"
#include "ledger/base/check.h"
#include "ledger/base/codec.h"

namespace tally::consensus {
namespace {

void encode_vote(Encoder& out, const ReleasedVote& vote) {
    out.u64(vote.view).u64(vote.parent_view).fixed(vote.digest).fixed(vote.signature);
}

ReleasedVote decode_vote(Decoder& in) {
    ReleasedVote vote;
    vote.view = in.u64();
    vote.parent_view = in.u64();
    vote.digest = in.fixed<Hash>();
    vote.signature = in.fixed<Signature>();
    return vote;
}

bool is_same(const ReleasedVote& released, const VoteStatement& statement) {
    return released.view == statement.view && released.parent_view == statement.parent_view &&
           released.digest == statement.digest;
}

}  // namespace

Bytes SafetyRecord::encode() const {
    Encoder out;
    out.u64(epoch).u64(sequence);
    encode_vote(out, notarize);
    encode_vote(out, nullify);
    encode_vote(out, finalize);
    return std::move(out).take();
}

std::optional<SafetyRecord> SafetyRecord::decode(ByteView bytes) {
    Decoder in{bytes};
    SafetyRecord record;
    record.epoch = in.u64();
    record.sequence = in.u64();
    record.notarize = decode_vote(in);
    record.nullify = decode_vote(in);
    record.finalize = decode_vote(in);
    return in.finished() ? std::optional{record} : std::nullopt;
}

const ReleasedVote& SafetyRecord::of(VoteKind kind) const {
    switch (kind) {
        case VoteKind::notarize:
            return notarize;
        case VoteKind::nullify:
            return nullify;
        case VoteKind::finalize:
            break;
    }
    return finalize;
}

ReleasedVote& SafetyRecord::of(VoteKind kind) {
    switch (kind) {
        case VoteKind::notarize:
            return notarize;
        case VoteKind::nullify:
            return nullify;
        case VoteKind::finalize:
            break;
    }
    return finalize;
}

bool SafetyRecord::allows(const VoteStatement& statement) const {
    if (statement.epoch != epoch || statement.view == 0) {
        return false;
    }
    const View view = statement.view;
    if (is_same(of(statement.kind), statement)) {
        return true;
    }
    switch (statement.kind) {
        case VoteKind::notarize:
            return (view > notarize.view || planted(PlantedBug::notarize_twice_after_restart) ||
                    planted(PlantedBug::notarize_both_proposals)) &&
                   (view > nullify.view || planted(PlantedBug::notarize_after_nullify));
        case VoteKind::nullify:
            return view > nullify.view &&
                   (view > finalize.view || planted(PlantedBug::nullify_after_finalize));
        case VoteKind::finalize:
            break;
    }
    return view > finalize.view &&
           (view > nullify.view || planted(PlantedBug::finalize_after_nullify));
}

Vote SafetyRecord::vote(VoteKind kind, ValidatorIndex self) const {
    const ReleasedVote& released = of(kind);
    ENSURE(released.view != 0);
    Vote vote;
    vote.statement = {epoch, kind, released.view, released.parent_view, released.digest};
    vote.signer = self;
    vote.signature = released.signature;
    return vote;
}

}  // namespace tally::consensus
