#pragma once

// Keys, votes, certificates and blocks for tests that drive consensus by hand.

#include "consensus/simplex/core.h"
#include "ledger/crypto/signer.h"

#include <initializer_list>
#include <vector>

namespace tally::consensus::testing {

inline constexpr std::uint64_t test_epoch{3};
[[nodiscard]] Hash test_chain_id();
/// The consensus key of validator `index`.
[[nodiscard]] SecretKey secret_of(ValidatorIndex index);
[[nodiscard]] std::vector<PublicKey> public_keys(std::size_t count);
/// The member that stands for validator `index`.
[[nodiscard]] MemberKey member_of(std::size_t index);
[[nodiscard]] std::vector<EpochValidator> validators_of(std::size_t count);
[[nodiscard]] std::vector<VerifyKey> verify_keys(std::size_t count);
/// A digest that is easy to recognise: all bytes are `letter`.
[[nodiscard]] Hash digest_of(char letter);

[[nodiscard]] VoteStatement notarize(View view, View parent_view, const Hash& digest);
[[nodiscard]] VoteStatement nullify(View view);
[[nodiscard]] VoteStatement finalize(View view, View parent_view, const Hash& digest);
[[nodiscard]] Vote vote(ValidatorIndex signer, const VoteStatement& statement);
[[nodiscard]] QuorumCertificate certificate(const VoteStatement& statement,
                                            const std::vector<ValidatorIndex>& signers);

/// Header of TestApplication: what BlockMeta says, a hash of the next epoch's set (zero unless the
/// block seals its epoch) and a body root.
[[nodiscard]] Bytes encode_header(const BlockMeta& meta, const std::vector<Hash>& envelopes,
                                  const Hash& next_set = Hash{});
[[nodiscard]] std::optional<BlockMeta> decode_test_header(ByteView header);
[[nodiscard]] Hash body_hash(const std::vector<Hash>& envelopes);
[[nodiscard]] BlockMeta genesis_meta();

}  // namespace tally::consensus::testing
