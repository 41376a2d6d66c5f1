#include "consensus/wire/wire.h"

#include "consensus/wire/consensus.pb.h"
#include "ledger/base/check.h"
#include "ledger/base/overloaded.h"

#include <string>

namespace tally::consensus {
namespace {

std::string text(ByteView bytes) { return std::string{as_text(bytes)}; }
Bytes bytes_of(const std::string& value) {
    const ByteView view = as_bytes(value);
    return {view.begin(), view.end()};
}

std::string join(const std::vector<Hash>& hashes) {
    std::string joined;
    joined.reserve(hashes.size() * Hash::size);
    for (const Hash& hash : hashes) {
        joined.append(as_text(hash.view()));
    }
    return joined;
}

template <typename Repeated>
void add_all(Repeated* out, const std::vector<Bytes>& items) {
    for (const Bytes& item : items) {
        out->Add(text(item));
    }
}

void fill(proto::Vote& out, const Vote& vote) {
    const VoteStatement& statement = vote.statement;
    out.set_epoch(statement.epoch);
    out.set_kind(static_cast<std::uint32_t>(statement.kind));
    out.set_view(statement.view);
    out.set_parent_view(statement.parent_view);
    if (!statement.digest.is_zero()) {
        out.set_digest(text(statement.digest.view()));
    }
    out.set_signer(vote.signer);
    out.set_signature(text(vote.signature.view()));
}

void fill(proto::Proposal& out, const Proposal& proposal) {
    out.set_epoch(proposal.epoch);
    out.set_view(proposal.view);
    out.set_parent_view(proposal.parent_view);
    out.set_header(text(proposal.header));
    out.set_envelopes(join(proposal.envelopes));
    if (proposal.justification.parent) {
        out.set_parent_certificate(text(proposal.justification.parent->encode()));
    }
    for (const QuorumCertificate& nullification : proposal.justification.nullifications) {
        out.add_nullifications(text(nullification.encode()));
    }
    out.set_leader_signature(text(proposal.leader_signature.view()));
}

void fill(proto::RangeResponse& out, const RangeResponse& response) {
    out.set_id(response.id);
    for (const FinalBlock& block : response.blocks) {
        proto::FinalBlock& item = *out.add_blocks();
        item.set_header(text(block.header));
        add_all(item.mutable_envelopes(), block.envelopes);
        item.set_certificate(text(block.certificate.encode()));
    }
}

void fill(proto::Status& out, const Status& status) {
    out.set_epoch(status.epoch);
    out.set_view(status.view);
    out.set_last_final_view(status.last_final_view);
    out.set_last_final_height(status.last_final_height);
    out.set_last_final_digest(text(status.last_final_digest.view()));
    for (const Vote& vote : status.your_votes) {
        fill(*out.add_your_votes(), vote);
    }
}

void fill(proto::ConsensusMessage& out, const Message& message) {
    std::visit(Overloaded{
                   [&](const Vote& m) { fill(*out.mutable_vote(), m); },
                   [&](const QuorumCertificate& m) { out.set_certificate(text(m.encode())); },
                   [&](const Proposal& m) { fill(*out.mutable_proposal(), m); },
                   [&](const CertificateRequest& m) {
                       proto::CertificateRequest& body = *out.mutable_certificate_request();
                       body.set_id(m.id);
                       body.set_epoch(m.epoch);
                       body.set_from_view(m.from_view);
                       body.set_to_view(m.to_view);
                   },
                   [&](const CertificateResponse& m) {
                       out.mutable_certificate_response()->set_id(m.id);
                       for (const QuorumCertificate& certificate : m.certificates) {
                           out.mutable_certificate_response()->add_certificates(
                               text(certificate.encode()));
                       }
                   },
                   [&](const BlockRequest& m) {
                       out.mutable_block_request()->set_id(m.id);
                       out.mutable_block_request()->set_digest(text(m.digest.view()));
                   },
                   [&](const BlockResponse& m) {
                       out.mutable_block_response()->set_id(m.id);
                       out.mutable_block_response()->set_header(text(m.header));
                       add_all(out.mutable_block_response()->mutable_envelopes(), m.envelopes);
                   },
                   [&](const RangeRequest& m) {
                       out.mutable_range_request()->set_id(m.id);
                       out.mutable_range_request()->set_from_height(m.from_height);
                       out.mutable_range_request()->set_count(m.count);
                   },
                   [&](const RangeResponse& m) { fill(*out.mutable_range_response(), m); },
                   [&](const EnvelopeRequest& m) {
                       out.mutable_envelope_request()->set_id(m.id);
                       out.mutable_envelope_request()->set_hashes(join(m.hashes));
                   },
                   [&](const EnvelopeResponse& m) {
                       out.mutable_envelope_response()->set_id(m.id);
                       add_all(out.mutable_envelope_response()->mutable_envelopes(), m.envelopes);
                   },
                   [&](const EnvelopeGossip& m) {
                       out.mutable_envelope_gossip()->set_envelope(text(m.envelope));
                   },
                   [&](const Status& m) { fill(*out.mutable_status(), m); },
                   [&](const EpochProofRequest& m) {
                       out.mutable_epoch_proof_request()->set_id(m.id);
                       out.mutable_epoch_proof_request()->set_epoch(m.epoch);
                   },
                   [&](const EpochProofResponse& m) {
                       out.mutable_epoch_proof_response()->set_id(m.id);
                       out.mutable_epoch_proof_response()->set_proof(text(m.proof));
                   },
                   [&](const SnapshotRequest& m) {
                       out.mutable_snapshot_request()->set_id(m.id);
                       out.mutable_snapshot_request()->set_query(text(m.query));
                   },
                   [&](const SnapshotResponse& m) {
                       out.mutable_snapshot_response()->set_id(m.id);
                       out.mutable_snapshot_response()->set_answer(text(m.answer));
                   },
               },
               message);
}

/// Collects the first problem; every reader gives a harmless value once there is one.
class Reader {
public:
    [[nodiscard]] const std::optional<WireError>& error() const { return m_error; }
    void require(bool condition, WireError otherwise) {
        if (!condition && !m_error) {
            m_error = otherwise;
        }
    }

    template <typename Fixed>
    Fixed fixed(const std::string& value) {
        const auto read = Fixed::from(as_bytes(value));
        require(read.has_value(), WireError::out_of_range);
        return read.value_or(Fixed{});
    }
    Bytes blob(const std::string& value, std::size_t bytes_max) {
        require(value.size() <= bytes_max, WireError::out_of_range);
        return m_error ? Bytes{} : bytes_of(value);
    }
    QuorumCertificate certificate(const std::string& value) {
        std::optional<QuorumCertificate> read = QuorumCertificate::decode(as_bytes(value));
        require(read && read->statement.view != 0, WireError::bad_certificate);
        return m_error ? QuorumCertificate{} : std::move(*read);
    }
    std::vector<Hash> hashes(const std::string& joined) {
        require(joined.size() % Hash::size == 0, WireError::out_of_range);
        require(joined.size() / Hash::size <= message_hashes_max, WireError::too_many);
        std::vector<Hash> read;
        for (std::size_t at = 0; !m_error && at < joined.size(); at += Hash::size) {
            read.push_back(*Hash::from(as_bytes(joined).subspan(at, Hash::size)));
        }
        return read;
    }
    template <typename Repeated>
    std::vector<Bytes> envelopes(const Repeated& items) {
        require(static_cast<std::size_t>(items.size()) <= message_hashes_max, WireError::too_many);
        std::vector<Bytes> read;
        for (int i = 0; !m_error && i < items.size(); ++i) {
            read.push_back(blob(items.Get(i), wire_envelope_bytes_max));
        }
        return read;
    }
    template <typename Repeated>
    std::vector<QuorumCertificate> certificates(const Repeated& items, std::size_t count_max) {
        require(static_cast<std::size_t>(items.size()) <= count_max, WireError::too_many);
        std::vector<QuorumCertificate> read;
        for (int i = 0; !m_error && i < items.size(); ++i) {
            read.push_back(certificate(items.Get(i)));
        }
        return read;
    }
    Vote vote(const proto::Vote& in) {
        Vote vote;
        require(in.kind() >= 1 && in.kind() <= 3 && in.signer() < validators_max && in.view() != 0,
                WireError::out_of_range);
        vote.statement.epoch = in.epoch();
        vote.statement.kind = m_error ? VoteKind::notarize : static_cast<VoteKind>(in.kind());
        vote.statement.view = in.view();
        vote.statement.parent_view = in.parent_view();
        if (vote.statement.kind == VoteKind::nullify) {
            require(in.parent_view() == 0 && in.digest().empty(), WireError::out_of_range);
        } else {
            vote.statement.digest = fixed<Hash>(in.digest());
        }
        vote.signer = in.signer();
        vote.signature = fixed<Signature>(in.signature());
        return vote;
    }

private:
    std::optional<WireError> m_error;
};

Message read(Reader& reader, const proto::Proposal& in) {
    Proposal out;
    out.epoch = in.epoch();
    out.view = in.view();
    out.parent_view = in.parent_view();
    reader.require(in.view() != 0, WireError::out_of_range);
    out.header = reader.blob(in.header(), wire_header_bytes_max);
    out.envelopes = reader.hashes(in.envelopes());
    if (!in.parent_certificate().empty()) {
        out.justification.parent = reader.certificate(in.parent_certificate());
    }
    out.justification.nullifications =
        reader.certificates(in.nullifications(), inline_nullifications_max);
    out.leader_signature = reader.fixed<Signature>(in.leader_signature());
    return out;
}

Message read(Reader& reader, const proto::CertificateRequest& in) {
    reader.require(
        in.from_view() <= in.to_view() && in.to_view() - in.from_view() < request_views_max,
        WireError::out_of_range);
    return CertificateRequest{in.id(), in.epoch(), in.from_view(), in.to_view()};
}

Message read(Reader& reader, const proto::RangeRequest& in) {
    reader.require(in.count() >= 1 && in.count() <= response_blocks_max, WireError::out_of_range);
    return RangeRequest{in.id(), in.from_height(), in.count()};
}

Message read(Reader& reader, const proto::RangeResponse& in) {
    RangeResponse out;
    out.id = in.id();
    reader.require(static_cast<std::size_t>(in.blocks_size()) <= response_blocks_max,
                   WireError::too_many);
    for (int i = 0; !reader.error() && i < in.blocks_size(); ++i) {
        FinalBlock block;
        block.header = reader.blob(in.blocks(i).header(), wire_header_bytes_max);
        block.envelopes = reader.envelopes(in.blocks(i).envelopes());
        block.certificate = reader.certificate(in.blocks(i).certificate());
        out.blocks.push_back(std::move(block));
    }
    return out;
}

Message read(Reader& reader, const proto::Status& in) {
    Status out;
    out.epoch = in.epoch();
    out.view = in.view();
    out.last_final_view = in.last_final_view();
    out.last_final_height = in.last_final_height();
    out.last_final_digest = reader.fixed<Hash>(in.last_final_digest());
    reader.require(in.your_votes_size() <= 3, WireError::too_many);
    for (int i = 0; !reader.error() && i < in.your_votes_size(); ++i) {
        out.your_votes.push_back(reader.vote(in.your_votes(i)));
    }
    return out;
}

Message read(Reader& reader, const proto::ConsensusMessage& in) {
    using Body = proto::ConsensusMessage::BodyCase;
    switch (in.body_case()) {
        case Body::kVote:
            return reader.vote(in.vote());
        case Body::kCertificate:
            return reader.certificate(in.certificate());
        case Body::kProposal:
            return read(reader, in.proposal());
        case Body::kCertificateRequest:
            return read(reader, in.certificate_request());
        case Body::kCertificateResponse:
            return CertificateResponse{in.certificate_response().id(),
                                       reader.certificates(in.certificate_response().certificates(),
                                                           response_certificates_max)};
        case Body::kBlockRequest:
            return BlockRequest{in.block_request().id(),
                                reader.fixed<Hash>(in.block_request().digest())};
        case Body::kBlockResponse:
            return BlockResponse{in.block_response().id(),
                                 reader.blob(in.block_response().header(), wire_header_bytes_max),
                                 reader.envelopes(in.block_response().envelopes())};
        case Body::kRangeRequest:
            return read(reader, in.range_request());
        case Body::kRangeResponse:
            return read(reader, in.range_response());
        case Body::kEnvelopeRequest:
            return EnvelopeRequest{in.envelope_request().id(),
                                   reader.hashes(in.envelope_request().hashes())};
        case Body::kEnvelopeResponse:
            return EnvelopeResponse{in.envelope_response().id(),
                                    reader.envelopes(in.envelope_response().envelopes())};
        case Body::kEnvelopeGossip:
            return EnvelopeGossip{
                reader.blob(in.envelope_gossip().envelope(), wire_envelope_bytes_max)};
        case Body::kStatus:
            return read(reader, in.status());
        case Body::kEpochProofRequest:
            return EpochProofRequest{in.epoch_proof_request().id(),
                                     in.epoch_proof_request().epoch()};
        case Body::kEpochProofResponse:
            return EpochProofResponse{
                in.epoch_proof_response().id(),
                reader.blob(in.epoch_proof_response().proof(), epoch_proof_bytes_max)};
        case Body::kSnapshotRequest:
            return SnapshotRequest{
                in.snapshot_request().id(),
                reader.blob(in.snapshot_request().query(), snapshot_query_bytes_max)};
        case Body::kSnapshotResponse:
            return SnapshotResponse{
                in.snapshot_response().id(),
                reader.blob(in.snapshot_response().answer(), snapshot_answer_bytes_max)};
        case Body::BODY_NOT_SET:
            break;
    }
    reader.require(false, WireError::malformed);
    return Status{};
}

}  // namespace

const char* to_text(WireError error) {
    switch (error) {
        case WireError::too_large:
            return "message too large";
        case WireError::malformed:
            return "message malformed";
        case WireError::out_of_range:
            return "message field out of range";
        case WireError::too_many:
            return "message with too many items";
        case WireError::bad_certificate:
            break;
    }
    return "message with a malformed certificate";
}

Bytes encode_message(const Message& message) {
    proto::ConsensusMessage out;
    fill(out, message);
    Bytes bytes(out.ByteSizeLong());
    ENSURE(bytes.size() <= message_bytes_max);
    ENSURE(out.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())));
    return bytes;
}

Expected<Message, WireError> decode_message(ByteView bytes) {
    if (bytes.size() > message_bytes_max) {
        return Unexpected{WireError::too_large};
    }
    proto::ConsensusMessage in;
    if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return Unexpected{WireError::malformed};
    }
    // Whatever we would not write ourselves changes the length: unknown fields are gone,
    // repeated ones merged, defaults left out, numbers shortened.
    in.DiscardUnknownFields();
    if (in.ByteSizeLong() != bytes.size()) {
        return Unexpected{WireError::malformed};
    }
    Reader reader;
    Message message = read(reader, in);
    if (reader.error()) {
        return Unexpected{*reader.error()};
    }
    return message;
}

}  // namespace tally::consensus
