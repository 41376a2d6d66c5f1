#include "ledger/state/sweep.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/state/authorizations.h"
#include "ledger/state/cycles.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

#include <utility>

namespace tally {
namespace {

ExpiryCause cause_of(const Authorization& authorization) {
    if (authorization.dispute) {
        return ExpiryCause::not_arbitrated;
    }
    if (authorization.record) {
        return ExpiryCause::not_claimed;
    }
    return authorization.start ? ExpiryCause::not_recorded : ExpiryCause::not_started;
}

Event expire_authorization(BlockScope& block, const AuthorizationRef& ref) {
    std::optional<Authorization> found = find_live_authorization(block.state, ref);
    ENSURE(found.has_value());
    const ExpiryCause cause = cause_of(*found);
    Event event{EventKind::expired, cause,           ref,          found->home(),
                found->visited,     found->currency, found->amount};
    Money posted{0};
    if (found->dispute) {
        const bool posts = block.parameters.dispute_default == DisputeDefault::post;
        event.amount = posts ? found->dispute->disputed : 0;
        posted = found->posted_so_far() + event.amount;
    }
    end_live(block.state, std::move(*found), AuthorizationStatus::expired,
             Authorization::End{block.time, posted, {}, cause});
    return event;
}

Event expire_correction(BlockScope& block, const keys::Deadline& deadline) {
    block.state.erase(keys::correction(deadline.ref));
    block.state.erase(keys::deadline(deadline));
    Event event;
    event.cause = ExpiryCause::correction_over;
    event.ref = deadline.ref;
    return event;
}

Event expire_countersign(BlockScope& block, const keys::Deadline& deadline) {
    block.state.erase(keys::countersign(deadline.ref));
    block.state.erase(keys::deadline(deadline));
    Event event;
    event.cause = ExpiryCause::not_countersigned;
    event.ref = deadline.ref;
    return event;
}

Event expire_proposal(BlockScope& block, const keys::Deadline& deadline) {
    block.state.erase(keys::proposal(deadline.ref));
    block.state.erase(keys::deadline(deadline));
    Event event;
    event.cause = ExpiryCause::not_decided;
    event.ref = deadline.ref;
    return event;
}

/// Nothing for a leg that nobody could confirm too late yet: the block is the first one behind its
/// due_by, and a chain that stood still over it took no confirmations meanwhile.
std::optional<Event> end_item(BlockScope& block, const keys::Deadline& deadline) {
    switch (deadline.kind) {
        case DeadlineKind::authorization:
            return expire_authorization(block, deadline.ref);
        case DeadlineKind::countersign:
            return expire_countersign(block, deadline);
        case DeadlineKind::proposal:
            return expire_proposal(block, deadline);
        case DeadlineKind::correction:
            return expire_correction(block, deadline);
        case DeadlineKind::leg:
            break;
    }
    return deadline.time < block.parent_time
               ? std::optional{default_leg(block, leg_key_of(deadline.ref))}
               : std::nullopt;
}

}  // namespace

std::vector<Event> sweep_expired(BlockScope& block) {
    std::vector<Event> events;
    std::size_t shares{0};
    Bytes from = keys::table(Table::deadline);
    Encoder end;
    end.raw(from).i64(block.time);  // Smaller than any key with the block's own time.
    for (std::size_t items = 0; items < sweep_items_max && shares < default_shares_max; ++items) {
        std::optional<KeyValueStore::Entry> entry = block.state.next_below(from, end.bytes());
        if (!entry) {
            break;
        }
        const std::optional<keys::Deadline> deadline = keys::decode_deadline(entry->key);
        ENSURE(deadline.has_value());
        if (std::optional<Event> event = end_item(block, *deadline)) {
            shares += event->positions.size();
            events.push_back(std::move(*event));
        }
        from = std::move(entry->key);
        from.push_back(0);
    }
    return events;
}

}  // namespace tally
