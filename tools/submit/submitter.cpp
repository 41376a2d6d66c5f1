#include "tools/submit/submitter.h"

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

Expected<std::vector<TransactionRef>, std::string> submit_actions(const SubmitAs& as,
                                                                  std::vector<Action> actions) {
    const SystemClock clock;
    SystemRandom random;
    std::vector<TransactionRef> refs;
    std::vector<Bytes> transactions;
    for (Action& action : actions) {
        const UnixMillis now = clock.now();
        Transaction transaction;
        transaction.id = make_transaction_id(now, random);
        transaction.not_after = now + lifetime_ms;
        transaction.action = std::move(action);
        refs.push_back({as.member, transaction.id});
        transactions.push_back(encode_transaction(transaction));
    }
    KeySigner signer{as.member_key};
    const Bytes envelope = sign_envelope(as.chain_id, as.member, std::move(transactions), signer);
    if (const auto posted = post(as.api, envelope); !posted) {
        return Unexpected{posted.error()};
    }
    return refs;
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
    const auto refs = submit_actions(as, std::move(actions));
    if (!refs) {
        return Unexpected{refs.error()};
    }
    std::vector<SubmittedTransaction> finals;
    for (const TransactionRef& ref : *refs) {
        const auto done = wait_final(as.api, ref, deadline);
        if (!done) {
            return Unexpected{done.error()};
        }
        finals.push_back(*done);
    }
    return finals;
}

}  // namespace tally::tools
