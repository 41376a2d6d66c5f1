#include "tools/submit/submitter.h"

#include "consensus/mempool/mempool.h"
#include "ledger/base/system_clock.h"
#include "ledger/base/system_random.h"
#include "ledger/crypto/signer.h"
#include "ledger/model/envelope.h"
#include "node/runtime/http_client.h"
#include "tools/support/json_api.h"
#include "tools/support/wait.h"

#include <utility>

namespace tally::tools {

namespace {

constexpr UnixMillis lifetime_ms{60'000};
constexpr std::size_t preferred_bytes{consensus::large_envelope_bytes - envelope_overhead};

Expected<Done, std::string> post(const std::string& api, const Bytes& envelope) {
    node::HttpClientRequest request;
    request.method = "POST";
    request.url = api + "/api/v1/envelopes";
    request.content_type = "application/octet-stream";
    request.body = std::string{as_text(envelope)};
    const auto response = node::http_request(request);
    if (!response) {
        return Unexpected{response.error().text};
    }
    if (response->status != 202 && response->status != 200) {
        return Unexpected{request.url + ": " + std::to_string(response->status) + ": " +
                          response->body};
    }
    return Done{};
}

}  // namespace

Expected<Submission, std::string> submit_actions(const SubmitAs& as, std::vector<Action> actions) {
    const SystemClock clock;
    SystemRandom random;
    Submission submission;
    std::vector<Bytes> transactions;
    std::size_t bytes{0};
    const auto post_them = [&] {
        KeySigner signer{as.member_key};
        submission.last.push_back(submission.refs.back());
        bytes = 0;
        return post(as.api,
                    sign_envelope(as.chain_id, as.member, std::exchange(transactions, {}), signer));
    };
    for (Action& action : actions) {
        const UnixMillis now = clock.now();
        Transaction transaction;
        transaction.id = make_transaction_id(now, random);
        transaction.not_after = now + lifetime_ms;
        transaction.action = std::move(action);
        Bytes encoded = encode_transaction(transaction);
        const std::size_t size = encoded.size() + sizeof(std::uint32_t);
        if (!transactions.empty() &&
            (bytes + size > preferred_bytes || transactions.size() == envelope_transactions_max)) {
            if (const auto posted = post_them(); !posted) {
                return Unexpected{posted.error()};
            }
        }
        submission.refs.push_back({as.member, transaction.id});
        transactions.push_back(std::move(encoded));
        bytes += size;
    }
    if (const auto posted = post_them(); !posted) {
        return Unexpected{posted.error()};
    }
    return submission;
}

Expected<SubmittedTransaction, std::string> wait_final(const std::string& api,
                                                       const TransactionRef& ref,
                                                       std::chrono::milliseconds deadline) {
    const JsonApi node{api, ""};
    SubmittedTransaction done;
    const bool is_final = wait_until(Deadline{deadline}, [&] {
        const auto answer = node.get("/api/v1/transactions/" + to_text(ref));
        if (answer) {
            done = {ref, json_number(*answer, "height"), json_text(*answer, "result")};
        }
        return answer.has_value();
    });
    if (!is_final) {
        return Unexpected{to_text(ref) + ": not final in time"};
    }
    return done;
}

Expected<std::vector<SubmittedTransaction>, std::string> submit_and_wait(
    const SubmitAs& as, std::vector<Action> actions, std::chrono::milliseconds deadline) {
    const auto submission = submit_actions(as, std::move(actions));
    if (!submission) {
        return Unexpected{submission.error()};
    }
    std::vector<SubmittedTransaction> finals;
    for (const TransactionRef& ref : submission->refs) {
        const auto done = wait_final(as.api, ref, deadline);
        if (!done) {
            return Unexpected{done.error()};
        }
        finals.push_back(*done);
    }
    return finals;
}

}  // namespace tally::tools
