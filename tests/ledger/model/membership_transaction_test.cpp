// Hostile messages of the actions on membership, and values that may not be encoded.

#include "ledger/model/ledger.pb.h"
#include "tests/ledger/model/samples.h"

#include <catch2/catch.hpp>

#include <functional>

namespace tally {
namespace {

using Change = std::function<void(wire::Transaction&)>;

/// "ok", or why the action's transaction does not decode after a change to its message.
std::string outcome_after(const Action& action, const Change& change) {
    const Bytes good = encode_transaction(test::sample_transaction(action));
    wire::Transaction message;
    REQUIRE(message.ParseFromArray(good.data(), static_cast<int>(good.size())));
    change(message);
    const std::string changed = message.SerializeAsString();
    const auto decoded = decode_transaction(as_bytes(changed));
    return decoded ? "ok" : to_text(decoded.error());
}

void check_all(const Action& action, const std::string& outcome,
               const std::vector<Change>& changes) {
    for (std::size_t i = 0; i < changes.size(); ++i) {
        INFO(action_name(action) << " " << i);
        CHECK(outcome_after(action, changes[i]) == outcome);
    }
}

}  // namespace

TEST_CASE("admissions that do not decode", "[transaction][membership]") {
    const Action action = test::sample_admission();
    check_all(
        action, "malformed",
        {[](auto& m) { m.mutable_admit_follower()->clear_member(); },
         [](auto& m) { m.mutable_admit_follower()->mutable_member()->set_party("DDDD"); },
         [](auto& m) { m.mutable_admit_follower()->mutable_member()->clear_member_key(); },
         [](auto& m) { m.mutable_admit_follower()->clear_member_possession(); },
         [](auto& m) { m.mutable_admit_follower()->clear_consensus_possession(); },
         [](auto& m) { m.mutable_admit_follower()->set_link_possession(std::string(65, 's')); },
         [](auto& m) {
             m.mutable_admit_follower()->mutable_member()->set_link_key(std::string(34, 'k'));
         }});
    check_all(action, "unknown_action",
              {[](auto& m) { m.mutable_admit_follower()->mutable_member()->clear_role(); },
               [](auto& m) {
                   m.mutable_admit_follower()->mutable_member()->set_role(
                       static_cast<wire::MemberRole>(3));
               }});
    check_all(
        action, "out_of_range",
        {[](auto& m) {
             m.mutable_admit_follower()->mutable_member()->set_role(wire::MEMBER_ROLE_HUB);
         },
         [](auto& m) { m.mutable_admit_follower()->mutable_member()->set_validator(true); },
         [](auto& m) { m.mutable_admit_follower()->mutable_member()->set_country("cn"); },
         [](auto& m) { m.mutable_admit_follower()->mutable_member()->set_operator_id("12"); },
         [](auto& m) {
             m.mutable_admit_follower()->mutable_member()->set_consensus_key(std::string(33, 5));
         }});
}

TEST_CASE("proposals that do not decode", "[transaction][membership]") {
    const auto change = [](wire::Transaction& m) { return m.mutable_propose_change(); };
    const Action promote = test::sample_proposal(ChangeKind::promote);
    const std::string key{as_text(public_key_of(test::secret(60)).view())};
    const std::string proof(Signature::size, 's');
    wire::Parameters parameters;
    parameters.set_dispute_default(wire::DISPUTE_DEFAULT_POST);
    parameters.set_default_bearer(wire::DEFAULT_BEARER_CREDITOR);
    check_all(promote, "unknown_action",
              {[&](auto& m) { change(m)->clear_kind(); },
               [&](auto& m) { change(m)->set_kind(static_cast<wire::ChangeKind>(10)); }});
    check_all(promote, "malformed",
              {[&](auto& m) { change(m)->set_member("DD"); },
               [&](auto& m) { change(m)->set_member_key("short"); }});
    check_all(test::sample_proposal(ChangeKind::replace_keys), "malformed",
              {[&](auto& m) { change(m)->clear_link_key(); },
               [&](auto& m) { change(m)->clear_link_possession(); },
               [&](auto& m) { change(m)->set_member_possession(std::string(63, 's')); },
               [&](auto& m) { change(m)->set_consensus_possession(proof); },
               [&](auto& m) { change(m)->set_consensus_key(key); }});
    check_all(promote, "out_of_range",
              {[&](auto& m) { change(m)->clear_member(); },
               [&](auto& m) {
                   change(m)->set_member_key(key);
                   change(m)->set_member_possession(proof);
               },
               [&](auto& m) { change(m)->set_feature(1); },
               [&](auto& m) { *change(m)->mutable_parameters() = parameters; },
               [&](auto& m) { change(m)->set_kind(wire::CHANGE_KIND_ACTIVATE_FEATURE); },
               [&](auto& m) { change(m)->set_kind(wire::CHANGE_KIND_REPLACE_KEYS); },
               [&](auto& m) { change(m)->set_kind(wire::CHANGE_KIND_SET_PARAMETERS); }});
    check_all(test::sample_proposal(ChangeKind::replace_keys), "out_of_range",
              {[&](auto& m) { change(m)->set_link_key(std::string(33, 5)); },
               [&](auto& m) { change(m)->set_feature(1); },
               [&](auto& m) { change(m)->set_kind(wire::CHANGE_KIND_DEMOTE); }});
    check_all(test::sample_proposal(ChangeKind::replace_keys), "ok", {[&](auto& m) {
                  change(m)->clear_link_key();
                  change(m)->clear_link_possession();
              }});
    check_all(test::sample_proposal(ChangeKind::activate_feature), "out_of_range",
              {[&](auto& m) { change(m)->clear_feature(); },
               [&](auto& m) { change(m)->set_member("DDD"); },
               [&](auto& m) { *change(m)->mutable_parameters() = parameters; },
               [&](auto& m) { change(m)->set_kind(wire::CHANGE_KIND_PROMOTE); }});
    check_all(promote, "unknown_action", {[&](auto& m) { change(m)->mutable_parameters(); }});
    const Action leg = test::sample_proposal(ChangeKind::confirm_leg);
    check_all(leg, "malformed",
              {[&](auto& m) { change(m)->mutable_leg()->clear_currency(); },
               [&](auto& m) { change(m)->mutable_leg()->set_debtor("CC"); },
               [&](auto& m) { change(m)->mutable_leg()->set_creditor("AAAA"); }});
    check_all(
        leg, "out_of_range",
        {[&](auto& m) { change(m)->clear_leg(); }, [&](auto& m) { change(m)->set_member("CCC"); },
         [&](auto& m) { change(m)->set_feature(1); },
         [&](auto& m) { *change(m)->mutable_parameters() = parameters; },
         [&](auto& m) { change(m)->mutable_leg()->set_creditor("CCC"); },
         [&](auto& m) { change(m)->mutable_leg()->set_debtor("ccc"); },
         [&](auto& m) { change(m)->mutable_leg()->set_currency("CN1"); },
         [&](auto& m) { change(m)->set_kind(wire::CHANGE_KIND_SUSPEND); },
         [&](auto& m) { change(m)->set_kind(wire::CHANGE_KIND_ACTIVATE_FEATURE); }});
    check_all(leg, "ok", {[&](auto& m) { change(m)->mutable_leg()->clear_cycle(); }});
    check_all(test::sample_proposal(ChangeKind::activate_feature), "out_of_range", {[&](auto& m) {
                  change(m)->mutable_leg()->set_currency("CNY");
                  change(m)->mutable_leg()->set_debtor("CCC");
                  change(m)->mutable_leg()->set_creditor("AAA");
              }});
    check_all(test::sample_proposal(ChangeKind::activate_feature), "ok",
              {[&](auto& m) { change(m)->set_kind(wire::CHANGE_KIND_WITHDRAW_FEATURE); },
               [&](auto& m) { change(m)->set_feature(0xffffffff); }});
    check_all(
        test::sample_proposal(ChangeKind::set_parameters), "out_of_range",
        {[&](auto& m) { change(m)->clear_parameters(); },
         [&](auto& m) { change(m)->set_member("DDD"); },
         [&](auto& m) { change(m)->set_feature(1); },
         [&](auto& m) { change(m)->mutable_parameters()->clear_start_window_ms(); },
         [&](auto& m) { change(m)->mutable_parameters()->set_epoch_blocks_max(9); },
         [&](auto& m) { change(m)->mutable_parameters()->clear_epoch_blocks_min(); },
         [&](auto& m) { change(m)->mutable_parameters()->set_epoch_blocks_min(1'000'000'001); },
         [&](auto& m) { change(m)->mutable_parameters()->set_delta_ms(8'001); },
         [&](auto& m) { change(m)->mutable_parameters()->set_minimum_approval(-1); },
         [&](auto& m) { change(m)->mutable_parameters()->clear_arbitrate_window_ms(); },
         [&](auto& m) { change(m)->mutable_parameters()->set_cycle_length_ms(999); },
         [&](auto& m) { change(m)->mutable_parameters()->set_cycle_start_ms(-1); },
         [&](auto& m) { change(m)->mutable_parameters()->clear_payment_window_ms(); },
         [&](auto& m) { change(m)->mutable_parameters()->set_correction_window_ms(0); },
         [&](auto& m) { change(m)->mutable_parameters()->set_admissions_per_epoch(0); }});
}

TEST_CASE("votes, keys and evidence that do not decode", "[transaction][membership]") {
    const Action vote = VoteOnChange{{test::party("AAA"), test::sample_id(4)}, true};
    check_all(vote, "malformed",
              {[](auto& m) { m.mutable_vote_on_change()->clear_proposal(); },
               [](auto& m) { m.mutable_vote_on_change()->mutable_proposal()->set_id("x"); }});
    const Action rotate = test::sample_rotation();
    check_all(rotate, "unknown_action",
              {[](auto& m) { m.mutable_rotate_key()->clear_role(); },
               [](auto& m) { m.mutable_rotate_key()->set_role(static_cast<wire::KeyRole>(4)); }});
    check_all(rotate, "malformed",
              {[](auto& m) { m.mutable_rotate_key()->clear_new_key(); },
               [](auto& m) { m.mutable_rotate_key()->clear_possession(); },
               [](auto& m) { m.mutable_rotate_key()->set_possession(std::string(65, 's')); }});
    check_all(rotate, "out_of_range",
              {[](auto& m) { m.mutable_rotate_key()->set_new_key(std::string(33, 5)); }});
    check_all(ReportReady{5, sha256(as_bytes("validators")), 1}, "malformed",
              {[](auto& m) { m.mutable_report_ready()->clear_next_epoch(); }});
    const Action evidence = test::sample_evidence();
    const auto first = [](wire::Transaction& m) {
        return m.mutable_submit_evidence()->mutable_first();
    };
    const auto second = [](wire::Transaction& m) {
        return m.mutable_submit_evidence()->mutable_second();
    };
    check_all(evidence, "malformed",
              {[&](auto& m) { first(m)->clear_digest(); },
               [&](auto& m) { second(m)->set_signature(std::string(63, 's')); }});
    check_all(evidence, "unknown_action",
              {[](auto& m) { m.mutable_submit_evidence()->clear_first(); },
               [&](auto& m) { second(m)->set_kind(static_cast<wire::VoteKind>(4)); }});
    check_all(evidence, "out_of_range",
              {[](auto& m) { m.mutable_submit_evidence()->set_signer(validators_max); },
               [&](auto& m) { second(m)->set_parent_view(1); },
               [&](auto& m) { second(m)->set_digest(std::string(32, 'd')); }});
}

TEST_CASE("changes outside their bounds are not within bounds", "[transaction][membership]") {
    ProposeChange change = test::sample_proposal(ChangeKind::promote);
    change.kind = ChangeKind{0};
    CHECK_FALSE(is_within_bounds(change));
    CHECK_FALSE(is_within_bounds(RotateKey{KeyRole{0}, public_key_of(test::secret(41))}));
    SubmitEvidence evidence = test::sample_evidence();
    evidence.first.kind = VoteKind{0};
    CHECK_FALSE(is_within_bounds(evidence));
    CHECK_FALSE(is_within_bounds(AdmitFollower{}));
    CHECK_FALSE(is_within_bounds(VoteOnChange{}));
}

TEST_CASE("names of changes read back", "[membership]") {
    for (const ChangeKind kind :
         {ChangeKind::promote, ChangeKind::demote, ChangeKind::suspend, ChangeKind::reinstate,
          ChangeKind::replace_keys, ChangeKind::set_parameters, ChangeKind::activate_feature,
          ChangeKind::withdraw_feature, ChangeKind::confirm_leg}) {
        CHECK(change_kind_from_text(to_text(kind)) == kind);
    }
    CHECK_FALSE(change_kind_from_text("dismiss"));
    CHECK_FALSE(change_kind_from_text(""));
}

}  // namespace tally
