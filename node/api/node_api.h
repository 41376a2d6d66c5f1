#pragma once

#include "node/api/api_backend.h"
#include "node/runtime/http_server.h"

#include <optional>
#include <string>

namespace tally::node {

/// The node's HTTP interface (docs/protocol/http.md): health, metrics, chain, state, sessions, and
/// the way in for signed envelopes. Turns requests into calls of the backend and values into JSON;
/// keeps nothing. Sessions, accounts and cycles need `bearer_token`; an empty one switches them
/// off. The evidence of charges is also given to `evidence_token`, which opens nothing else.
class NodeApi {
public:
    NodeApi(ApiBackend& backend, std::string bearer_token, std::string evidence_token = {});

    /// Never throws; always replies exactly once.
    void handle(const HttpRequest& request, const HttpReply& reply);

private:
    [[nodiscard]] HttpResponse answer(const HttpRequest& request);
    [[nodiscard]] HttpResponse answer_v1(const HttpRequest& request, const std::string& path);
    [[nodiscard]] HttpResponse answer_private(const HttpRequest& request, const std::string& path);
    [[nodiscard]] HttpResponse evidence(const HttpRequest& request, const std::string& rest) const;
    [[nodiscard]] HttpResponse ready() const;
    [[nodiscard]] HttpResponse status() const;
    /// Nothing when the path is none of membership's.
    [[nodiscard]] std::optional<HttpResponse> membership(const std::string& path) const;
    [[nodiscard]] HttpResponse chargers(const HttpRequest& request) const;
    [[nodiscard]] HttpResponse blocks(const HttpRequest& request) const;
    [[nodiscard]] HttpResponse block(const std::string& height) const;
    [[nodiscard]] HttpResponse block_proof(const std::string& height) const;
    [[nodiscard]] HttpResponse segments() const;
    [[nodiscard]] HttpResponse segment(const std::string& name) const;
    [[nodiscard]] HttpResponse backup(const std::string& part);
    [[nodiscard]] HttpResponse transaction(const std::string& id) const;
    [[nodiscard]] HttpResponse receipt(const std::string& id) const;
    [[nodiscard]] HttpResponse authorization(const std::string& id) const;
    [[nodiscard]] HttpResponse sessions(const HttpRequest& request) const;
    [[nodiscard]] HttpResponse session(const std::string& id) const;
    [[nodiscard]] HttpResponse account(const std::string& member) const;
    [[nodiscard]] HttpResponse cycles(const HttpRequest& request) const;
    [[nodiscard]] HttpResponse cycle(const std::string& number) const;
    void submit(const HttpRequest& request, const HttpReply& reply);

    ApiBackend& m_backend;
    std::string m_token;
    std::string m_evidence_token;
};

}  // namespace tally::node
