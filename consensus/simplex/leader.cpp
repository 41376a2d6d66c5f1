#include "consensus/simplex/leader.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/crypto/sha256.h"

#include <numeric>
#include <utility>

namespace tally::consensus {
namespace {

/// An endless stream of 64-bit numbers: hashes of the seed and a counter.
class SeededNumbers {
public:
    explicit SeededNumbers(const Hash& seed) : m_seed{seed} {}

    /// Uniform in [0, below): values of the last, incomplete span are drawn again.
    std::uint64_t below(std::uint64_t bound) {
        const std::uint64_t rest = (UINT64_MAX % bound + 1) % bound;
        for (;;) {
            const std::uint64_t value = next();
            if (value <= UINT64_MAX - rest) {
                return value % bound;
            }
        }
    }

private:
    std::uint64_t next() {
        const Hash hash =
            tagged_hash("tally/leader-number/v1", Encoder{}.fixed(m_seed).u64(m_counter++).bytes());
        return Decoder{hash.view()}.u64();
    }

    Hash m_seed;
    std::uint64_t m_counter{0};
};

}  // namespace

LeaderSchedule::LeaderSchedule(const Hash& chain_id, std::uint64_t epoch, const Hash& previous_seal,
                               std::size_t count)
    : m_order(count) {
    ENSURE(count >= 1 && count <= validators_max);
    std::iota(m_order.begin(), m_order.end(), ValidatorIndex{0});
    SeededNumbers numbers{tagged_hash(
        "tally/leader/v2", Encoder{}.fixed(chain_id).u64(epoch).fixed(previous_seal).bytes())};
    for (std::size_t i = count - 1; i > 0; --i) {
        std::swap(m_order[i], m_order[numbers.below(i + 1)]);
    }
}

ValidatorIndex LeaderSchedule::leader(View view) const { return m_order[view % m_order.size()]; }

}  // namespace tally::consensus
