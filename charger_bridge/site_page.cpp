#include "charger_bridge/site_page.h"

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"

#include <openssl/evp.h>

#include <string>

namespace tally::bridge {

namespace {

/// What stands between an opening and a closing tag, as the browser hashes it.
std::string_view content_of(std::string_view page, std::string_view tag) {
    const std::string open = "<" + std::string{tag} + ">";
    const std::size_t begin = page.find(open);
    const std::size_t end = page.find("</" + std::string{tag} + ">");
    ENSURE(begin != std::string_view::npos && end != std::string_view::npos && begin < end);
    return page.substr(begin + open.size(), end - begin - open.size());
}

std::string source_hash(std::string_view text) {
    const Hash hash = sha256(as_bytes(text));
    std::string encoded(64, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                     hash.data.data(), static_cast<int>(hash.data.size()));
    encoded.resize(static_cast<std::size_t>(size));
    return "'sha256-" + encoded + "'";
}

std::string make_policy() {
    const std::string_view page = site_page_text();
    return "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
           "frame-ancestors 'none'; script-src " +
           source_hash(content_of(page, "script")) + "; style-src " +
           source_hash(content_of(page, "style"));
}

}  // namespace

node::HttpResponse site_page() {
    static const std::string policy = make_policy();
    node::HttpResponse response;
    response.content_type = "text/html; charset=utf-8";
    response.body = site_page_text();
    response.headers["Content-Security-Policy"] = policy;
    response.headers["X-Content-Type-Options"] = "nosniff";
    response.headers["Referrer-Policy"] = "no-referrer";
    response.headers["Cache-Control"] = "no-cache";
    return response;
}

}  // namespace tally::bridge
