#include "ledger/state/sweep.h"

#include "ledger/base/check.h"
#include "ledger/base/codec.h"
#include "ledger/state/authorizations.h"
#include "ledger/state/cycles.h"
#include "ledger/state/keys.h"
#include "ledger/state/queries.h"

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

}  // namespace

std::vector<Event> sweep_expired(BlockScope& block) {
    std::vector<Event> events;
    Bytes from = keys::table(Table::deadline);
    Encoder end;
    end.raw(from).i64(block.time);  // Smaller than any key with the block's own time.
    while (events.size() < sweep_items_max) {
        std::optional<KeyValueStore::Entry> entry = block.state.next_below(from, end.bytes());
        if (!entry) {
            break;
        }
        const std::optional<keys::Deadline> deadline = keys::decode_deadline(entry->key);
        ENSURE(deadline.has_value());
        switch (deadline->kind) {
            case DeadlineKind::authorization:
                events.push_back(expire_authorization(block, deadline->ref));
                break;
            case DeadlineKind::countersign:
                events.push_back(expire_countersign(block, *deadline));
                break;
            case DeadlineKind::proposal:
                events.push_back(expire_proposal(block, *deadline));
                break;
            case DeadlineKind::correction:
                events.push_back(expire_correction(block, *deadline));
                break;
            case DeadlineKind::leg:
                events.push_back(default_leg(block, leg_key_of(deadline->ref)));
                break;
        }
        from = std::move(entry->key);
    }
    return events;
}

}  // namespace tally
