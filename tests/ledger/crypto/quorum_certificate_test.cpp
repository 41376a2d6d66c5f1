#include "ledger/crypto/quorum_certificate.h"

#include "ledger/crypto/sha256.h"
#include "tests/ledger/base/seeded_random.h"

#include <catch2/catch.hpp>

#include <bit>

namespace tally {

namespace {

/// Validators with known secrets, in index order.
struct Validators {
    std::vector<SecretKey> secrets;
    std::vector<VerifyKey> keys;

    explicit Validators(std::size_t count) {
        test::SeededRandom random{11};
        for (std::size_t i = 0; i < count; ++i) {
            secrets.push_back(generate_secret(random));
            keys.push_back(*VerifyKey::parse(public_key_of(secrets.back())));
        }
    }

    [[nodiscard]] QuorumCertificate certificate(const VoteStatement& statement,
                                                std::uint64_t bitmap) const {
        QuorumCertificate result;
        result.statement = statement;
        result.bitmap = bitmap;
        for (std::size_t i = 0; i < secrets.size(); ++i) {
            if (((bitmap >> i) & 1U) != 0) {
                result.signatures.push_back(
                    sign_digest(secrets[i], statement.signing_digest(chain())));
            }
        }
        return result;
    }

    [[nodiscard]] static Hash chain() { return sha256(as_bytes("chain")); }
};

VoteStatement finalize_vote() { return {1, VoteKind::finalize, 7, 5, sha256(as_bytes("block"))}; }

}  // namespace

TEST_CASE("a quorum is n - f", "[certificate]") {
    CHECK(quorum(1) == 1);
    CHECK(quorum(2) == 2);
    CHECK(quorum(3) == 3);
    CHECK(quorum(4) == 3);
    CHECK(quorum(6) == 5);
    CHECK(quorum(7) == 5);
    CHECK(quorum(64) == 43);
    for (std::size_t n = 1; n <= validators_max; ++n) {
        // Two quorums share a validator that is not faulty.
        CHECK(2 * quorum(n) - n > faults_tolerated(n));
    }
}

TEST_CASE("a certificate of a quorum holds, whoever signed", "[certificate]") {
    const Validators validators{4};
    for (std::uint64_t bitmap = 0; bitmap < 16; ++bitmap) {
        const auto error = check_certificate(validators.certificate(finalize_vote(), bitmap),
                                             Validators::chain(), validators.keys);
        if (std::popcount(bitmap) >= 3) {
            CHECK_FALSE(error.has_value());
        } else {
            CHECK(error == CertificateError::too_few_signers);
        }
    }
}

TEST_CASE("a certificate of 64 validators holds", "[certificate]") {
    const Validators validators{64};
    const QuorumCertificate all = validators.certificate(finalize_vote(), ~std::uint64_t{0});
    CHECK_FALSE(check_certificate(all, Validators::chain(), validators.keys).has_value());
    CHECK(QuorumCertificate::decode(all.encode()) == all);
}

TEST_CASE("a certificate holds for its chain and its statement only", "[certificate]") {
    const Validators validators{4};
    const QuorumCertificate good = validators.certificate(finalize_vote(), 0b0111);
    CHECK(check_certificate(good, sha256(as_bytes("other chain")), validators.keys) ==
          CertificateError::bad_signature);
    std::vector<QuorumCertificate> changed(5, good);
    changed[0].statement.epoch += 1;
    changed[1].statement.kind = VoteKind::notarize;
    changed[2].statement.view += 1;
    changed[3].statement.parent_view += 1;
    changed[4].statement.digest = sha256(as_bytes("other block"));
    for (const QuorumCertificate& certificate : changed) {
        CHECK(check_certificate(certificate, Validators::chain(), validators.keys) ==
              CertificateError::bad_signature);
    }
}

TEST_CASE("signatures belong to their validators", "[certificate]") {
    const Validators validators{4};
    QuorumCertificate certificate = validators.certificate(finalize_vote(), 0b1110);
    SECTION("two signatures change places") {
        std::swap(certificate.signatures[0], certificate.signatures[1]);
        CHECK(check_certificate(certificate, Validators::chain(), validators.keys) ==
              CertificateError::bad_signature);
    }
    SECTION("another validator is named") {
        certificate.bitmap = 0b1101;
        CHECK(check_certificate(certificate, Validators::chain(), validators.keys) ==
              CertificateError::bad_signature);
    }
    SECTION("a validator that does not exist is named") {
        certificate.bitmap = 0b10110;
        CHECK(check_certificate(certificate, Validators::chain(), validators.keys) ==
              CertificateError::unknown_signer);
    }
    SECTION("a signature is missing or too many") {
        certificate.signatures.pop_back();
        CHECK(check_certificate(certificate, Validators::chain(), validators.keys) ==
              CertificateError::too_few_signers);
        certificate.signatures.resize(4);
        CHECK(check_certificate(certificate, Validators::chain(), validators.keys) ==
              CertificateError::too_few_signers);
    }
    SECTION("nobody is enough for no validators") {
        CHECK(check_certificate({}, Validators::chain(), {}) == CertificateError::too_few_signers);
    }
}

TEST_CASE("decoding a certificate refuses what is not one", "[certificate]") {
    const Validators validators{4};
    const Bytes bytes = validators.certificate(finalize_vote(), 0b0111).encode();
    REQUIRE(QuorumCertificate::decode(bytes));
    CHECK(bytes.size() == 8 + 1 + 8 + 8 + 32 + 8 + 3 * 64);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CHECK_FALSE(QuorumCertificate::decode(ByteView{bytes}.first(length)));
    }
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(QuorumCertificate::decode(longer));
    for (const unsigned kind : {0U, 4U, 255U}) {
        Bytes other = bytes;
        other[8] = static_cast<std::uint8_t>(kind);
        CHECK_FALSE(QuorumCertificate::decode(other));
    }
    Bytes nullification = bytes;
    nullification[8] = static_cast<std::uint8_t>(VoteKind::nullify);
    CHECK_FALSE(QuorumCertificate::decode(nullification));
    const VoteStatement nothing{1, VoteKind::nullify, 7, 0, {}};
    const QuorumCertificate good = validators.certificate(nothing, 0b0111);
    CHECK(QuorumCertificate::decode(good.encode()) == good);
}

TEST_CASE("the encodings of votes and certificates stay", "[certificate][golden]") {
    const Validators validators{4};
    CHECK(to_hex(finalize_vote().signing_digest(Validators::chain())) ==
          "2be0508b0f4d9347f9f72e824a7f34683fabe547c1c0482c23f15d3b179e0a0c");
    const Bytes bytes = validators.certificate(finalize_vote(), 0b0101).encode();
    CHECK(to_hex(ByteView{bytes}.first(65)) ==
          "00000000000000010300000000000000070000000000000005"
          "496aca80e4d8f29fb8e8cd816c3afb48d3f103970b3a2ee1600c08ca67326dee"
          "0000000000000005");
    CHECK(to_hex(sha256(bytes)) ==
          "782c5e4650e704a7b162a11bef505fd2da11ce26a1cec99901c274ba181c3082");
}

}  // namespace tally
