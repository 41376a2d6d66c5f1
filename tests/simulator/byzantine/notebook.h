#pragma once

#include "consensus/simplex/messages.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace tally::simulator {

/// What a corrupted validator has learned in one epoch: certificates, votes and proposals of recent
/// views. It keeps both certificates of a view when it gets them, and makes certificates out of
/// votes, its own among them.
///
/// Bounds: the newest `views_kept` views. Nothing here is checked but certificates.
class Notebook {
public:
    static constexpr consensus::View views_kept{256};
    using Check = std::function<bool(const QuorumCertificate&)>;

    /// Forgets everything; `validators` is the size of the epoch's set.
    void begin_epoch(std::uint64_t epoch, std::size_t validators);
    [[nodiscard]] std::uint64_t epoch() const noexcept { return m_epoch; }

    /// Takes what is useful out of a message. `digest` gives the digest of a header.
    using DigestOf = std::function<std::optional<Hash>(const Bytes& header)>;
    void hear(const consensus::Message& message, const Check& check, const DigestOf& digest);
    void hear_vote(const VoteStatement& statement, consensus::ValidatorIndex signer,
                   const Signature& signature);
    void hear_certificate(const QuorumCertificate& certificate, const Check& check);

    /// The certificate of a quorum of the votes heard, if there are as many.
    [[nodiscard]] std::optional<QuorumCertificate> assemble(const VoteStatement& statement) const;
    [[nodiscard]] const QuorumCertificate* notarization(consensus::View view) const;
    [[nodiscard]] const QuorumCertificate* nullification(consensus::View view) const;
    [[nodiscard]] const std::optional<QuorumCertificate>& finalization() const {
        return m_finalization;
    }
    /// Statements that validators voted for in a view.
    [[nodiscard]] std::vector<VoteStatement> statements(consensus::View view) const;
    [[nodiscard]] const consensus::Proposal* proposal(consensus::View view) const;
    [[nodiscard]] consensus::View newest_view() const { return m_newest; }

    /// Parent (view and digest) and justification for a proposal of `view`; nothing while a
    /// certificate is lacking. `final_view` and `final_digest` say where the epoch begins for us.
    struct Ground {
        consensus::View parent_view{0};
        Hash parent;
        consensus::Justification justification;
    };
    [[nodiscard]] std::optional<Ground> ground(consensus::View view, const Hash& genesis) const;

private:
    void prune();

    std::uint64_t m_epoch{0};
    std::size_t m_validators{0};
    consensus::View m_newest{0};
    std::map<consensus::View, QuorumCertificate> m_notarizations;
    std::map<consensus::View, QuorumCertificate> m_nullifications;
    std::optional<QuorumCertificate> m_finalization;
    std::map<consensus::View, consensus::Proposal> m_proposals;
    std::map<VoteStatement, std::map<consensus::ValidatorIndex, Signature>> m_votes;
};

}  // namespace tally::simulator
