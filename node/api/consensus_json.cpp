#include "node/api/consensus_json.h"

#include "ledger/model/ids.h"

#include <boost/json/array.hpp>

#include <utility>

namespace tally::node {

namespace json = boost::json;

namespace {

double milliseconds(std::chrono::microseconds duration) {
    return std::chrono::duration<double, std::milli>{duration}.count();
}

std::string party_text(const consensus::MemberKey& member) { return to_text(PartyId{member.data}); }

json::array party_list(const std::vector<consensus::MemberKey>& members) {
    json::array list;
    for (const consensus::MemberKey& member : members) {
        list.emplace_back(party_text(member));
    }
    return list;
}

const char* certificate_text(VoteKind kind) {
    switch (kind) {
        case VoteKind::notarize:
            return "notarization";
        case VoteKind::nullify:
            return "nullification";
        case VoteKind::finalize:
            return "finalization";
    }
    return "unknown";
}

json::value entry_json(const consensus::DriverStatus& status) {
    if (!status.entry) {
        return nullptr;
    }
    return json::object{{"kind", certificate_text(status.entry->kind)},
                        {"view", status.entry->view}};
}

json::array votes_json(const consensus::DriverStatus& status) {
    json::array list;
    for (const consensus::ViewVotes& votes : status.votes) {
        list.emplace_back(json::object{{"member", party_text(votes.member)},
                                       {"connected", votes.connected},
                                       {"notarized", votes.notarized},
                                       {"nullified", votes.nullified},
                                       {"finalized", votes.finalized},
                                       {"last_heard_ms", milliseconds(votes.last_heard_ago)}});
    }
    return list;
}

/// Validators without a NOTARIZE or NULLIFY in this view.
json::array missing_json(const consensus::DriverStatus& status) {
    json::array list;
    for (const consensus::ViewVotes& votes : status.votes) {
        if (!votes.notarized && !votes.nullified) {
            list.emplace_back(party_text(votes.member));
        }
    }
    return list;
}

json::array nullified_json(const consensus::DriverStatus& status) {
    json::array list;
    for (const consensus::NullifiedView& view : status.nullified) {
        list.emplace_back(json::object{{"epoch", view.epoch},
                                       {"view", view.view},
                                       {"leader", party_text(view.leader)},
                                       {"own_reason", to_text(view.own_reason)},
                                       {"signers", party_list(view.signers)},
                                       {"spent_ms", milliseconds(view.spent)}});
    }
    return list;
}

}  // namespace

json::object to_json(const consensus::DriverStatus& status) {
    return {{"epoch", status.epoch},
            {"role", to_text(status.role)},
            {"view", status.view},
            {"leader", party_text(status.leader_member)},
            {"time_in_view_ms", milliseconds(status.time_in_view)},
            {"entry", entry_json(status)},
            {"validators", party_list(status.validators)},
            {"votes", votes_json(status)},
            {"missing", missing_json(status)},
            {"last_final_view", status.last_final_view},
            {"final_height", status.final_height},
            {"unfinalized_views", status.unfinalized_views},
            {"unfinalized_blocks", status.unfinalized_blocks},
            {"alarm", status.alarm},
            {"is_sealing", status.is_sealing},
            {"delta_ms", milliseconds(status.delta)},
            {"validators_connected", status.validators_connected},
            {"views_nullified", status.views_nullified},
            {"nullified", nullified_json(status)},
            {"evidence", status.evidence},
            {"journal", json::object{{"syncs", status.journal_syncs},
                                     {"sync_last_ms", milliseconds(status.journal_sync_last)},
                                     {"sync_max_ms", milliseconds(status.journal_sync_max)}}}};
}

}  // namespace tally::node
