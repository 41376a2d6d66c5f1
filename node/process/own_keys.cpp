#include "node/process/own_keys.h"

#include "node/runtime/logging.h"

#include <utility>

namespace tally::node {

namespace {

/// Looks, a second each, without a link to any member until another link key is tried.
constexpr unsigned looks_alone_max{5};

}  // namespace

bool OwnKeys::follow(const Facts& facts) {
    const PublicKey member_before = m_ring.signer(KeyRole::member).public_key();
    const PublicKey link_before = m_ring.signer(KeyRole::link).public_key();
    try_link_keys(facts);
    if (facts.own) {
        use_named(facts.own->member);
    }
    const bool changed = m_ring.signer(KeyRole::member).public_key() != member_before ||
                         m_ring.signer(KeyRole::link).public_key() != link_before;
    if (changed) {
        log_info("keys", "changed",
                 {{"member_key", to_hex(m_ring.signer(KeyRole::member).public_key())},
                  {"link_key", to_hex(m_ring.signer(KeyRole::link).public_key())}});
    }
    return changed;
}

void OwnKeys::try_link_keys(const Facts& facts) {
    if (facts.is_level) {
        m_trying = false;
    }
    m_looks_alone = facts.is_alone ? m_looks_alone + 1 : 0;
    if (m_looks_alone >= looks_alone_max && !facts.is_level) {
        m_looks_alone = 0;
        m_trying = m_ring.try_other_link_key();
    }
}

void OwnKeys::use_named(const Member& member) {
    std::vector<std::string> missing;
    for (const KeyRole role : {KeyRole::member, KeyRole::consensus, KeyRole::link}) {
        const bool skip = role == KeyRole::link && m_trying;
        if (!skip && !m_ring.use(role, member.key(role))) {
            missing.push_back(
                std::string{"the ledger names another "} + to_text(role) +
                " key for this member than any in its key files: " + to_hex(member.key(role)));
        }
    }
    if (missing == m_missing) {
        return;
    }
    m_missing = std::move(missing);
    for (const std::string& text : m_missing) {
        log_error("keys", "not_at_hand",
                  {{"what", text},
                   {"do", "put it into the configured key file, or beside it as <file>.next"}});
    }
}

}  // namespace tally::node
