#include "tools/audit/segments_copy.h"

#include "ledger/audit/block_reader.h"

#include <optional>
#include <utility>

namespace tally::tools {

Expected<Done, std::string> SegmentsCopy::visit(std::uint64_t first, std::uint64_t behind,
                                                const Visitor& visitor) {
    auto segments = m_source.list();
    if (!segments) {
        return Unexpected{segments.error().message};
    }
    FindingLog log{1};
    AuditBlockReader reader{m_source, std::move(segments).value(), m_chain_id, true, log};
    reader.skip_to(first);
    std::optional<Hash> before;
    std::uint64_t next{first};
    while (next <= m_height + behind) {
        Expected<std::optional<AuditBlock>, SourceError> read = reader.next();
        if (!read) {
            return Unexpected{read.error().message};
        }
        if (!*read) {
            break;
        }
        const AuditBlock& block = **read;
        if (block.height() < first) {
            continue;
        }
        if (block.height() != next || (before && block.content.block.header.parent != *before) ||
            (next == m_height && block.digest != m_digest)) {
            return Unexpected{"it does not hold block " + std::to_string(next) +
                              " any more, or not the one that was audited"};
        }
        visitor(block);
        before = block.digest;
        ++next;
    }
    if (next <= m_height) {
        return Unexpected{"it does not hold block " + std::to_string(next)};
    }
    return Done{};
}

Expected<std::map<std::uint64_t, Hash>, std::string> SegmentsCopy::digests(
    const std::set<std::uint64_t>& heights) {
    std::map<std::uint64_t, Hash> digests;
    if (heights.empty()) {
        return digests;
    }
    if (*heights.begin() == m_height) {
        digests[m_height] = m_digest;  // nothing has to be read
        return digests;
    }
    const auto visited = visit(*heights.begin(), 0, [&](const AuditBlock& block) {
        if (heights.contains(block.height())) {
            digests[block.height()] = block.digest;
        }
    });
    if (!visited) {
        return Unexpected{visited.error()};
    }
    return digests;
}

Expected<HeaderProof, std::string> SegmentsCopy::prove(std::uint64_t height) {
    HeaderProof proof;
    bool is_final{false};
    bool is_proof{true};
    const auto visited = visit(1, proof_headers_max, [&](const AuditBlock& block) {
        if (is_final) {
            return;
        }
        const FinalizedBlock& content = block.content;
        const BlockHeader& header = content.block.header;
        if (block.height() >= height && proof.headers.size() < proof_headers_max) {
            proof.headers.push_back(header);
            proof.finalization = content.finalization;
            is_final = content.finalization.statement.kind == VoteKind::finalize;
        }
        const Event* const seal = header.seals_epoch ? find_seal(content.events) : nullptr;
        if (!is_final && seal != nullptr) {
            is_proof = is_proof && proof.epochs.size() < header_proof_epochs_max;
            if (is_proof) {
                proof.epochs.push_back({header, content.finalization, seal->validators});
            }
        }
    });
    if (!visited) {
        return Unexpected{visited.error()};
    }
    if (!is_final || !is_proof) {
        return Unexpected{"it holds no finalization of block " + std::to_string(height)};
    }
    return proof;
}

}  // namespace tally::tools
