#include "node/api/node_api.h"

#include "ledger/model/envelope.h"
#include "ledger/state/queries.h"
#include "ledger/store/block_proof.h"
#include "ledger/store/snapshot.h"
#include "node/api/answers.h"
#include "node/api/consensus_json.h"
#include "node/api/cycle_json.h"
#include "node/api/evidence_api.h"
#include "node/api/ledger_json.h"
#include "node/api/membership_json.h"
#include "node/api/proof_api.h"
#include "node/api/session_json.h"
#include "node/api/state_json.h"
#include "node/api/tokens_api.h"
#include "node/api/unmatched_api.h"
#include "node/runtime/metrics.h"

#include <boost/json/array.hpp>
#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace tally::node {

namespace json = boost::json;

namespace {

constexpr std::string_view v1_prefix{"/api/v1/"};
constexpr std::string_view envelopes_path{"/api/v1/envelopes"};
constexpr std::string_view receipt_suffix{"/receipt"};
constexpr std::string_view proof_suffix{"/proof"};
/// A page of blocks ends with the one that brings their envelopes to this size, so that no request
/// costs more than two blocks of the largest size.
constexpr std::size_t page_envelope_bytes{block_bytes_max};

/// Of something that is final and was moved to an archive folder that is not there now.
HttpResponse archived(const std::string& why) {
    return http_error(410, "archived", printable(why));
}

bool same_secret(const std::string& left, const std::string& right) {
    return left.size() == right.size() && !left.empty() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

json::array party_list(const std::vector<PartyId>& parties) {
    json::array list;
    for (const PartyId& party : parties) {
        list.emplace_back(to_text(party));
    }
    return list;
}

/// "AAA-<32 hex>", or only the 32 digits: then the member whose transaction it is is looked for.
std::vector<TransactionRef> parse_ref(const Ledger& ledger, const std::string& text) {
    if (const std::optional<TransactionRef> ref = transaction_ref_from_text(text)) {
        return {*ref};
    }
    std::vector<TransactionRef> candidates;
    if (const std::optional<TransactionId> id = fixed_from_hex<TransactionId>(text)) {
        for (const MemberRecord& record : list_members(ledger.final_state())) {
            candidates.push_back({record.member.party, *id});
        }
    }
    return candidates;
}

HttpResponse unauthorized() {
    HttpResponse refusal = http_error(
        401, "unauthorized", "this needs the node's bearer token: Authorization: Bearer ...");
    refusal.headers["WWW-Authenticate"] = "Bearer";
    return refusal;
}

unsigned status_of(GateResult result) {
    switch (result) {
        case GateResult::added:
            return 202;
        case GateResult::already_known:
            return 200;
        case GateResult::malformed:
        case GateResult::expired:
            return 400;
        case GateResult::unknown_signer:
        case GateResult::bad_signature:
            return 403;
        case GateResult::pool_full:
        case GateResult::busy:
            return 503;
    }
    return 500;
}

json::array ids_of(const Envelope& envelope) {
    json::array ids;
    for (const Bytes& bytes : envelope.transactions) {
        const Expected<Transaction, TransactionError> transaction = decode_transaction(bytes);
        if (transaction) {
            ids.emplace_back(to_text(TransactionRef{envelope.signer, transaction->id}));
        }
    }
    return ids;
}

}  // namespace

NodeApi::NodeApi(ApiBackend& backend, std::string bearer_token, std::string evidence_token)
    : m_backend{backend},
      m_token{std::move(bearer_token)},
      m_evidence_token{std::move(evidence_token)} {}

void NodeApi::handle(const HttpRequest& request, const HttpReply& reply) {
    if (request.method == "POST" && request.path == envelopes_path) {
        submit(request, reply);
        return;
    }
    if (request.method == "POST" && is_tokens_path(request.path)) {
        if (same_secret(request.bearer_token, m_token)) {
            change_tokens(m_backend, request, reply);
        } else {
            reply(unauthorized());
        }
        return;
    }
    if (request.method == "POST" && is_unmatched_path(request.path) && m_backend.unmatched()) {
        reply(same_secret(request.bearer_token, m_token)
                  ? forget_unmatched(*m_backend.unmatched(), request)
                  : unauthorized());
        return;
    }
    if (request.method != "GET" && request.method != "HEAD") {
        HttpResponse refusal = http_error(405, "method_not_allowed",
                                          "only GET is served at " + printable(request.path));
        refusal.headers["Allow"] = request.path == envelopes_path ? "POST" : "GET, HEAD";
        reply(std::move(refusal));
        return;
    }
    reply(answer(request));
}

HttpResponse NodeApi::answer(const HttpRequest& request) {
    if (request.path == "/livez") {
        return json_response({{"live", true}});
    }
    if (request.path == "/readyz") {
        return ready();
    }
    if (request.path == "/metrics") {
        HttpResponse response;
        response.content_type = Metrics::content_type;
        response.body = m_backend.metrics_text();
        return response;
    }
    if (request.path.starts_with(v1_prefix)) {
        return answer_v1(request, request.path.substr(v1_prefix.size()));
    }
    return not_found("there is nothing at " + request.path);
}

HttpResponse NodeApi::answer_v1(const HttpRequest& request, const std::string& path) {
    if (path == "status") {
        return status();
    }
    if (const auto answer = membership(path)) {
        return *answer;
    }
    if (path == "chargers") {
        return chargers(request);
    }
    if (path == "blocks") {
        return blocks(request);
    }
    if (path == "segments") {
        return segments();
    }
    const std::size_t slash = path.find('/');
    const std::string kind = path.substr(0, slash);
    const std::string rest = slash == std::string::npos ? "" : path.substr(slash + 1);
    if (kind == "blocks") {
        return rest.ends_with(proof_suffix)
                   ? block_proof(rest.substr(0, rest.size() - proof_suffix.size()))
                   : block(rest);
    }
    if (kind == "segments") {
        return segment(rest);
    }
    if (kind == "backup") {
        return backup(rest);
    }
    if (kind == "transactions") {
        return rest.ends_with(receipt_suffix)
                   ? receipt(rest.substr(0, rest.size() - receipt_suffix.size()))
                   : transaction(rest);
    }
    if (kind == "authorizations") {
        return authorization(rest);
    }
    if (kind == "sublog") {
        return sublog_page(m_backend.ledger(), request, rest);
    }
    if (kind == "state") {
        return state_proof(m_backend.ledger(), request, rest);
    }
    if (kind == "evidence") {
        return evidence(request, rest);
    }
    return answer_private(request, path);
}

HttpResponse NodeApi::evidence(const HttpRequest& request, const std::string& rest) const {
    if (!same_secret(request.bearer_token, m_token) &&
        !same_secret(request.bearer_token, m_evidence_token)) {
        return unauthorized();
    }
    return evidence_answer(m_backend.evidence(), request, rest);
}

HttpResponse NodeApi::answer_private(const HttpRequest& request, const std::string& path) {
    const bool is_sessions = path == "sessions" || path.starts_with("sessions/");
    const bool is_cycles = path == "cycles" || path == "legs" || path.starts_with("cycles/");
    const bool is_unmatched = path == "unmatched" && m_backend.unmatched() != nullptr;
    if (!is_sessions && !is_cycles && !is_unmatched && path != "tokens" &&
        !path.starts_with("accounts/")) {
        return not_found("there is nothing at " + request.path);
    }
    if (!same_secret(request.bearer_token, m_token)) {
        return unauthorized();
    }
    if (path == "tokens") {
        return json_response(to_json(m_backend.tokens()));
    }
    if (is_unmatched) {
        return unmatched_answer(*m_backend.unmatched(), request);
    }
    if (path == "sessions") {
        return sessions(request);
    }
    if (path == "legs") {
        return json_response(legs_json(m_backend.ledger().final_state()));
    }
    if (path == "cycles") {
        return cycles(request);
    }
    const std::string rest = path.substr(path.find('/') + 1);
    if (is_cycles) {
        return cycle(rest);
    }
    return is_sessions ? session(rest) : account(rest);
}

HttpResponse NodeApi::ready() const {
    json::array reasons;
    for (const std::string& reason : m_backend.not_ready_reasons()) {
        reasons.emplace_back(reason);
    }
    const bool is_ready = reasons.empty();
    return json_response({{"ready", is_ready}, {"reasons", std::move(reasons)}},
                         is_ready ? 200 : 503);
}

HttpResponse NodeApi::status() const {
    const NodeStatus status = m_backend.status();
    json::array bridges;
    for (const std::string& bridge : status.bridges) {
        bridges.emplace_back(bridge);
    }
    return json_response({{"member", to_text(status.member)},
                          {"role", to_text(status.role)},
                          {"chain_id", to_hex(m_backend.ledger().chain_id())},
                          {"height", status.height},
                          {"digest", to_hex(status.digest)},
                          {"state_root", to_hex(status.state_root)},
                          {"block_time_ms", status.block_time},
                          {"view", status.view},
                          {"peers", party_list(status.peers)},
                          {"validators", party_list(status.validators)},
                          {"bridges", std::move(bridges)}});
}

std::optional<HttpResponse> NodeApi::membership(const std::string& path) const {
    const Ledger& ledger = m_backend.ledger();
    if (path == "members") {
        return json_response(members_json(ledger.final_state()));
    }
    if (path == "epoch") {
        return json_response(epoch_json(ledger.final_state(), ledger.final_header().height));
    }
    if (path == "proposals") {
        return json_response(proposals_json(ledger.final_state()));
    }
    if (path == "consensus") {
        return json_response(to_json(m_backend.consensus()));
    }
    if (path == "evidence") {
        return json_response(evidence_json(ledger.final_state()));
    }
    return std::nullopt;
}

HttpResponse NodeApi::chargers(const HttpRequest& request) const {
    const auto owner = request.query.find("owner");
    const std::optional<PartyId> party = owner == request.query.end()
                                             ? std::optional{m_backend.status().member}
                                             : party_from_text(owner->second);
    if (!party) {
        return bad_parameter("owner", "must be three letters");
    }
    json::array items;
    if (const auto evse = request.query.find("evse_id"); evse != request.query.end()) {
        const StateView& state = m_backend.ledger().final_state();
        if (const auto found = find_charger(state, *party, evse->second)) {
            items.emplace_back(to_json(ChargerEntry{*party, evse->second, *found}));
        }
        return json_response({{"items", std::move(items)}});
    }
    for (const ChargerEntry& entry :
         list_chargers(m_backend.ledger().final_state(), *party, http_list_items_max)) {
        items.emplace_back(to_json(entry));
    }
    return json_response({{"items", std::move(items)}});
}

HttpResponse NodeApi::blocks(const HttpRequest& request) const {
    const std::uint64_t tip = m_backend.ledger().final_header().height;
    const auto limit = query_number(request, "limit", 20);
    if (!limit || *limit == 0 || *limit > http_list_items_max) {
        return bad_parameter("limit", "must be 1 to " + std::to_string(http_list_items_max));
    }
    const std::uint64_t newest_page = tip >= *limit ? tip - *limit + 1 : 1;
    const auto from = query_number(request, "from", newest_page);
    if (!from) {
        return bad_parameter("from", "must be a height");
    }
    json::array items;
    std::size_t bytes{0};
    for (std::uint64_t height = std::max<std::uint64_t>(*from, 1);
         height <= tip && items.size() < *limit && bytes < page_envelope_bytes; ++height) {
        const std::optional<FinalizedBlock> block = m_backend.ledger().read_block(height);
        if (!block) {
            const auto why = m_backend.ledger().why_unreadable(height);
            if (why && items.empty()) {
                return archived(*why);
            }
            break;
        }
        for (const Bytes& envelope : block->block.envelopes) {
            bytes += envelope.size();
        }
        items.emplace_back(to_json(*block));
    }
    return json_response({{"height", tip}, {"items", std::move(items)}});
}

HttpResponse NodeApi::block(const std::string& height) const {
    const std::optional<std::uint64_t> number = parse_number(height);
    if (!number) {
        return bad_parameter("height", "must be a whole number");
    }
    const std::optional<FinalizedBlock> block = m_backend.ledger().read_block(*number);
    if (const auto why = block ? std::nullopt : m_backend.ledger().why_unreadable(*number)) {
        return archived(*why);
    }
    if (!block) {
        return not_found("no final block at height " + height + "; the newest is " +
                         std::to_string(m_backend.ledger().final_header().height));
    }
    return json_response(to_json(*block));
}

HttpResponse NodeApi::block_proof(const std::string& height) const {
    const std::optional<std::uint64_t> number = parse_number(height);
    if (!number) {
        return bad_parameter("height", "must be a whole number");
    }
    const std::optional<HeaderProof> proof = make_block_proof(m_backend.ledger(), *number);
    if (!proof) {
        return not_found("no final block at height " + height + " whose proof is within bounds");
    }
    HttpResponse response;
    response.content_type = "application/octet-stream";
    response.body = std::string{as_text(proof->encode())};
    return response;
}

HttpResponse NodeApi::segments() const {
    json::array items;
    for (const SegmentInfo& segment : m_backend.ledger().segments()) {
        items.emplace_back(json::object{{"name", segment.name},
                                        {"bytes", segment.bytes},
                                        {"first_height", segment.first_height}});
    }
    return json_response({{"items", std::move(items)}});
}

HttpResponse NodeApi::segment(const std::string& name) const {
    // Only names the ledger lists are served, so no path can lead out of the folder.
    for (const SegmentInfo& segment : m_backend.ledger().segments()) {
        if (segment.name == name) {
            const auto path = m_backend.ledger().find_segment(name);
            if (!path) {
                return archived(path.error().message);
            }
            HttpResponse response;
            response.content_type = "application/octet-stream";
            response.file_path = *path;
            response.file_length = segment.bytes;
            return response;
        }
    }
    return not_found("no segment is called " + name);
}

/// What `tally backup` fetches beside the segments: docs/protocol/backup.md.
HttpResponse NodeApi::backup(const std::string& part) {
    HttpResponse response;
    response.content_type = "application/octet-stream";
    if (part == "manifest") {
        const Bytes manifest = m_backend.lease_backup_snapshot();
        if (manifest.empty()) {
            return http_error(503, "no_snapshot", "there is no finalized block yet; ask again");
        }
        response.body = std::string{as_text(manifest)};
        return response;
    }
    const std::optional<Bytes> query =
        part.size() <= 2 * snapshot_query_bytes_max ? from_hex(part) : std::nullopt;
    const auto asked = query ? decode_snapshot_query(*query) : std::nullopt;
    const bool is_served = asked && (std::holds_alternative<ProofsQuery>(*asked) ||
                                     std::holds_alternative<ChunkQuery>(*asked));
    if (!is_served) {
        return bad_parameter("query", "must be a query for proofs or a chunk, in hexadecimal");
    }
    const auto answer = m_backend.ledger().answer_snapshot_query(*query);
    if (!answer || answer->empty()) {
        return not_found("the snapshot is not held any more; begin with the manifest");
    }
    response.body = std::string{as_text(*answer)};
    return response;
}

HttpResponse NodeApi::transaction(const std::string& id) const {
    for (const TransactionRef& ref : parse_ref(m_backend.ledger(), id)) {
        const auto location = m_backend.ledger().find_transaction(ref);
        const auto block =
            location ? m_backend.ledger().read_block(location->height) : std::nullopt;
        auto shown = block ? transaction_in(*block, ref) : std::nullopt;
        if (shown) {
            (*shown)["height"] = location->height;
            (*shown)["leaf_index"] = location->leaf_index;
            return json_response(*shown);
        }
        const auto why =
            location ? m_backend.ledger().why_unreadable(location->height) : std::nullopt;
        if (why) {
            return archived(*why);
        }
    }
    return not_found("no final transaction " + id);
}

HttpResponse NodeApi::receipt(const std::string& id) const {
    for (const TransactionRef& ref : parse_ref(m_backend.ledger(), id)) {
        if (const std::optional<Receipt> receipt = m_backend.ledger().receipt(ref)) {
            return bytes_response(receipt->encode());
        }
        const auto location = m_backend.ledger().find_transaction(ref);
        const auto why =
            location ? m_backend.ledger().why_unreadable(location->height) : std::nullopt;
        if (why) {
            return archived(*why);
        }
    }
    return not_found("no final transaction " + id);
}

HttpResponse NodeApi::authorization(const std::string& id) const {
    for (const TransactionRef& ref : parse_ref(m_backend.ledger(), id)) {
        if (const auto found = find_authorization(m_backend.ledger().final_state(), ref)) {
            json::object shown = to_json(*found);
            if (const auto location = m_backend.ledger().find_transaction(ref)) {
                shown["height"] = location->height;
            }
            return json_response(shown);
        }
    }
    return not_found("no authorization " + id);
}

HttpResponse NodeApi::sessions(const HttpRequest& request) const {
    const auto limit = query_number(request, "limit", http_list_items_max);
    if (!limit || *limit == 0 || *limit > http_list_items_max) {
        return bad_parameter("limit", "must be 1 to " + std::to_string(http_list_items_max));
    }
    json::array items;
    for (const SessionView& session : m_backend.sessions(*limit)) {
        items.emplace_back(to_json(session));
    }
    return json_response({{"items", std::move(items)}});
}

HttpResponse NodeApi::session(const std::string& id) const {
    const std::optional<SessionId> parsed = fixed_from_hex<SessionId>(id);
    const auto session = parsed ? m_backend.session(*parsed) : std::nullopt;
    return session ? json_response(to_json(*session)) : not_found("no session " + id);
}

HttpResponse NodeApi::account(const std::string& member) const {
    const std::optional<PartyId> party = party_from_text(member);
    if (!party || !find_member(m_backend.ledger().final_state(), *party)) {
        return not_found("no member is called " + member);
    }
    return json_response(accounts_json(m_backend.ledger().final_state(), *party));
}

HttpResponse NodeApi::cycles(const HttpRequest& request) const {
    const StateView& state = m_backend.ledger().final_state();
    const std::uint64_t open = find_cycle(state).number;
    const auto from = query_number(request, "from", open - std::min(open, cycles_shown));
    if (!from) {
        return bad_parameter("from", "must be the number of a cycle");
    }
    return json_response(cycles_json(state, *from));
}

HttpResponse NodeApi::cycle(const std::string& number) const {
    const std::optional<std::uint64_t> parsed = parse_number(number);
    const auto shown =
        parsed ? cycle_json(m_backend.ledger().final_state(), *parsed) : std::nullopt;
    return shown ? json_response(*shown)
                 : not_found("no cycle " + number +
                             " with entries was closed since this node has followed the ledger");
}

void NodeApi::submit(const HttpRequest& request, const HttpReply& reply) {
    const ByteView body = as_bytes(request.body);
    const Expected<Envelope, EnvelopeError> envelope = decode_envelope(body);
    if (!envelope) {
        reply(http_error(400, "malformed", "not an envelope, see docs/protocol/encoding.md"));
        return;
    }
    json::object shown{{"envelope", to_hex(envelope_hash(body))},
                       {"transactions", ids_of(*envelope)}};
    auto done = [reply, shown = std::move(shown)](GateResult result) mutable {
        shown["result"] = to_text(result);
        reply(json_response(shown, status_of(result)));
    };
    m_backend.submit(Bytes{body.begin(), body.end()}, std::move(done));
}

}  // namespace tally::node
