// A proof of an epoch's end of any bytes: decoding and checking end, one encoding only, and nobody
// without keys makes one that holds.

#include "ledger/base/check.h"
#include "ledger/chain/epoch_proof.h"
#include "tests/support/ledger_fixture.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const tally::Genesis genesis = tally::test::make_genesis();
    static const auto validators = tally::validators_of(genesis.members);
    static const tally::Hash chain_id = genesis.chain_id();
    const tally::ByteView input{data, size};
    if (const auto proof = tally::EpochProof::decode(input)) {
        const tally::Bytes again = proof->encode();
        ENSURE(std::equal(again.begin(), again.end(), input.begin(), input.end()));
        ENSURE(!check_epoch_proof(*proof, chain_id, proof->header.epoch, validators).has_value());
    }
    return 0;
}
