// R2: what a leader does with its view.

#include "consensus/planted_bug.h"
#include "consensus/simplex/core.h"

#include <algorithm>

namespace tally::consensus {

bool Core::may_notarize(View view) const {
    return m_options.self && may_vote() && view == m_view && view > m_notarize_view &&
           (view > m_nullify_view || planted(PlantedBug::notarize_after_nullify));
}

/// The parent is the highest view below ours that has a notarization; all views passed on the way
/// down must be nullified. With a hole nothing happens: the driver asks peers for what
/// `missing_views` names, and each certificate that arrives leads here again.
void Core::try_propose() {
    if (m_build_asked || !may_notarize(m_view) || leader(m_view) != *m_options.self ||
        m_now < start_of_round()) {
        return;
    }
    Justification justification;
    View parent_view = m_view - 1;
    while (parent_view > m_final_view && (m_notarizations.count(parent_view) == 0 ||
                                          planted(PlantedBug::propose_on_final_block))) {
        const auto nullified = m_nullifications.find(parent_view);
        if (nullified == m_nullifications.end()) {
            if (planted(PlantedBug::propose_over_missing_nullification)) {
                --parent_view;
                continue;
            }
            return;
        }
        if (justification.nullifications.size() < inline_nullifications_max) {
            justification.nullifications.push_back(nullified->second);
        }
        --parent_view;
    }
    std::reverse(justification.nullifications.begin(), justification.nullifications.end());
    Hash parent = m_final_digest;
    justification.parent = m_final;
    if (parent_view > m_final_view) {
        justification.parent = m_notarizations.at(parent_view);
        parent = justification.parent->statement.digest;
    }
    m_build_asked = true;
    m_effects.push_back(BuildBlock{m_view, parent_view, parent, std::move(justification)});
}

void Core::on(const BlockBuilt& event) {
    if (!may_notarize(event.view)) {
        return;
    }
    Offer offer;
    offer.statement = {m_options.epoch, VoteKind::notarize, event.view, event.parent_view,
                       event.digest};
    offer.verdict = Verdict::valid;
    offer.examining = true;
    round(event.view).offer = std::move(offer);
}

void Core::on(const BuildFailed& event) {
    if (event.view == m_view) {
        m_must_nullify = NullifyReason::build_failed;
    }
}

}  // namespace tally::consensus
