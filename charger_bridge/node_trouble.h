#pragma once

// Why there is no link to the operator's node, and what a person can do about it. Pure.

#include "node/link/link_metrics.h"

#include <string_view>

namespace tally::bridge {

/// Literals, so they may be kept.
struct NodeTrouble {
    std::string_view why;     ///< one word, for programs; that of `node::to_text`
    std::string_view advice;  ///< a sentence, for who looks after the site
};
/// Of a dialed connection that did not become a link. What the node closes without a word comes to
/// one advice: links tell strangers nothing.
[[nodiscard]] NodeTrouble trouble_of(node::LinkRefusal reason);

}  // namespace tally::bridge
