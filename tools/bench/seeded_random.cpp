#include "tools/bench/seeded_random.h"

#include "ledger/base/codec.h"

namespace tally::tools {

void SeededRandom::fill(std::span<std::uint8_t> out) {
    for (std::uint8_t& byte : out) {
        if (m_used == Hash::size) {
            Encoder encoder;
            encoder.u64(m_seed).u64(m_blocks++);
            m_block = sha256(encoder.bytes());
            m_used = 0;
        }
        byte = m_block.data[m_used++];
    }
}

}  // namespace tally::tools
