// Quorums for every size of the validator set, against what the specification demands of them, and
// certificate checking against counting by hand.

#include "ledger/crypto/quorum_certificate.h"
#include "ledger/crypto/sha256.h"
#include "ledger/crypto/signer.h"

#include <catch2/catch.hpp>

#include <bit>
#include <cstdint>
#include <vector>

namespace tally {
namespace {

/// The largest f with 3f + 1 <= n, by trying.
std::size_t faults_by_trying(std::size_t n) {
    std::size_t faults{0};
    while (3 * (faults + 1) + 1 <= n) {
        ++faults;
    }
    return faults;
}

std::vector<std::uint32_t> subsets_of_size(std::size_t n, std::size_t size) {
    std::vector<std::uint32_t> subsets;
    for (std::uint32_t bits = 0; bits < (1U << n); ++bits) {
        if (static_cast<std::size_t>(std::popcount(bits)) == size) {
            subsets.push_back(bits);
        }
    }
    return subsets;
}

/// Smallest intersection of any two quorums, by looking at all pairs.
std::size_t smallest_overlap(std::size_t n, std::size_t size) {
    const std::vector<std::uint32_t> subsets = subsets_of_size(n, size);
    std::size_t smallest{n};
    for (const std::uint32_t left : subsets) {
        for (const std::uint32_t right : subsets) {
            smallest = std::min(smallest, static_cast<std::size_t>(std::popcount(left & right)));
        }
    }
    return smallest;
}

struct Committee {
    Hash chain_id;
    std::vector<KeySigner> signers;
    std::vector<VerifyKey> keys;

    explicit Committee(std::size_t size) : chain_id{sha256(Bytes{7})} {
        for (std::size_t i = 0; i < size; ++i) {
            SecretKey secret;
            secret.data = sha256(Bytes{static_cast<std::uint8_t>(i), 1}).data;
            signers.emplace_back(secret);
            keys.push_back(*VerifyKey::parse(signers.back().public_key()));
        }
    }
    /// Signed by the `count` last validators.
    [[nodiscard]] QuorumCertificate certificate(const VoteStatement& statement, std::size_t count) {
        QuorumCertificate certificate{.statement = statement, .bitmap = 0, .signatures = {}};
        const Hash digest = statement.signing_digest(chain_id);
        for (std::size_t i = signers.size() - count; i < signers.size(); ++i) {
            certificate.bitmap |= std::uint64_t{1} << i;
            certificate.signatures.push_back(signers[i].sign(digest));
        }
        return certificate;
    }
};

}  // namespace

TEST_CASE("a quorum is n - f for every size", "[consensus][property]") {
    for (std::size_t n = 1; n <= validators_max; ++n) {
        const std::size_t faults = faults_by_trying(n);
        INFO("n = " << n);
        CHECK(faults_tolerated(n) == faults);
        CHECK(quorum(n) == n - faults);
        // The honest alone can form one, and two of them share at least one honest validator.
        CHECK(n - faults >= quorum(n));
        CHECK(2 * quorum(n) - n >= faults + 1);
    }
}

TEST_CASE("any two quorums share an honest validator, by looking at all of them",
          "[consensus][property]") {
    for (std::size_t n = 1; n <= 10; ++n) {
        INFO("n = " << n);
        CHECK(smallest_overlap(n, quorum(n)) >= faults_by_trying(n) + 1);
    }
    // 2f + 1 would not do: with six validators two such sets may share only liars.
    CHECK(smallest_overlap(6, 2 * faults_by_trying(6) + 1) < faults_by_trying(6) + 1);
}

TEST_CASE("a certificate holds from a quorum on and never below", "[consensus][property]") {
    const VoteStatement statement{
        .epoch = 3, .kind = VoteKind::finalize, .view = 9, .parent_view = 8, .digest = {}};
    for (std::size_t n = 1; n <= validators_max; n += n < 16 ? 1 : 16) {
        Committee committee{n};
        const std::size_t enough = n - faults_by_trying(n);
        INFO("n = " << n);
        CHECK_FALSE(check_certificate(committee.certificate(statement, enough), committee.chain_id,
                                      committee.keys));
        CHECK_FALSE(check_certificate(committee.certificate(statement, n), committee.chain_id,
                                      committee.keys));
        CHECK(check_certificate(committee.certificate(statement, enough - 1), committee.chain_id,
                                committee.keys) == CertificateError::too_few_signers);
    }
}

TEST_CASE("each bit, signature and field of a certificate matters", "[consensus][property]") {
    const VoteStatement statement{
        .epoch = 3, .kind = VoteKind::notarize, .view = 9, .parent_view = 7, .digest = {}};
    for (const std::size_t n : {std::size_t{4}, std::size_t{7}, std::size_t{64}}) {
        Committee committee{n};
        const QuorumCertificate whole = committee.certificate(statement, quorum(n));
        const auto refused = [&](const QuorumCertificate& certificate) {
            return check_certificate(certificate, committee.chain_id, committee.keys).has_value();
        };
        REQUIRE_FALSE(refused(whole));
        for (std::size_t bit = 0; bit < 64; ++bit) {
            QuorumCertificate flipped = whole;
            flipped.bitmap ^= std::uint64_t{1} << bit;
            CHECK(refused(flipped));
        }
        for (std::size_t i = 0; i < whole.signatures.size(); ++i) {
            QuorumCertificate forged = whole;
            forged.signatures[i].data[40] ^= 1U;
            CHECK(refused(forged));
        }
        for (int field = 0; field < 5; ++field) {
            QuorumCertificate other = whole;
            other.statement.epoch += field == 0 ? 1 : 0;
            other.statement.view += field == 1 ? 1 : 0;
            other.statement.parent_view += field == 2 ? 1 : 0;
            other.statement.digest.data[5] ^= field == 3 ? 1U : 0U;
            if (field == 4) {
                other.statement.kind = VoteKind::finalize;
            }
            CHECK(refused(other));
        }
    }
}

}  // namespace tally
