// Every record of the state, its keys, events and proofs: decoding never crashes, and whatever
// decodes is canonical. The first byte chooses the decoder.

#include "ledger/base/check.h"
#include "ledger/state/cycle_records.h"
#include "ledger/state/epoch_records.h"
#include "ledger/state/event.h"
#include "ledger/state/keys.h"
#include "ledger/state/records.h"
#include "ledger/state/state_tree.h"
#include "ledger/state/sublog.h"

#include <algorithm>

using namespace tally;  // NOLINT(google-build-using-namespace): a fuzz target, not a library.

namespace {

bool same(ByteView left, ByteView right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

template <typename Record>
void check_record(ByteView input) {
    if (const std::optional<Record> record = decode_record<Record>(input)) {
        ENSURE(same(encode(*record), input));
    }
}

void check_proof(ByteView input) {
    const std::optional<StateProof> proof = StateProof::decode(input);
    if (!proof) {
        return;
    }
    ENSURE(same(proof->encode(), input));
    const Bytes key{1};
    ENSURE(!verify_present(Hash{}, key, key, *proof));
    ENSURE(!verify_absent(Hash{}, key, *proof) || proof->siblings.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    using Check = void (*)(ByteView);
    static constexpr Check checks[]{
        check_record<MemberRecord>,
        check_record<Account>,
        check_record<AgreementRecord>,
        check_record<BridgeRecord>,
        check_record<ChargerRecord>,
        check_record<Tariff>,
        check_record<Authorization>,
        check_record<CountersignRecord>,
        check_record<Exposure>,
        check_record<Totals>,
        check_record<CycleRecord>,
        check_record<ClosedCycleRecord>,
        check_record<LegRecord>,
        check_record<CycleHistory>,
        check_proof,
        [](ByteView input) {
            if (const std::optional<Event> event = Event::decode(input)) {
                ENSURE(same(event->encode(), input));
            }
        },
        [](ByteView input) {
            if (const auto deadline = keys::decode_deadline(input)) {
                ENSURE(same(keys::deadline(*deadline), input));
            }
        },
        check_record<EpochRecord>,
        check_record<ProposalRecord>,
        check_record<EvidenceRecord>,
        check_record<Parameters>,
        check_record<CorrectionRecord>,
        check_record<SublogRecord>,
    };
    const ByteView input{data, size};
    checks[input[0] % std::size(checks)](input.subspan(1));
    return 0;
}
