#include "node/roaming/session_view.h"

namespace tally::node {

const char* to_text(SessionState state) {
    switch (state) {
        case SessionState::authorized:
            return "authorized";
        case SessionState::charging:
            return "charging";
        case SessionState::recorded:
            return "recorded";
        case SessionState::settled:
            return "settled";
        case SessionState::denied:
            return "denied";
        case SessionState::released:
            return "released";
        case SessionState::disputed:
            return "disputed";
        case SessionState::expired:
            return "expired";
    }
    return "?";
}

bool is_finished(SessionState state) noexcept {
    switch (state) {
        case SessionState::authorized:
        case SessionState::charging:
        case SessionState::recorded:
        case SessionState::disputed:
            return false;
        case SessionState::settled:
        case SessionState::denied:
        case SessionState::released:
        case SessionState::expired:
            return true;
    }
    return false;
}

}  // namespace tally::node
