#pragma once

// The page of the site (web/site.html), as one file without anything from elsewhere. It reads the
// JSON API with a token that the reader gives.

#include "node/runtime/http_server.h"

#include <string_view>

namespace tally::bridge {

/// The file as it was built in.
[[nodiscard]] std::string_view site_page_text();

/// GET /: the page. Its policy lets run the one script that is in it, by its hash, and lets it
/// speak to this server only.
[[nodiscard]] node::HttpResponse site_page();

}  // namespace tally::bridge
