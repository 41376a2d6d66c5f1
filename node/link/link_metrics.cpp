#include "node/link/link_metrics.h"

namespace tally::node {

const char* to_text(LinkRefusal reason) {
    switch (reason) {
        case LinkRefusal::rate_limited:
            return "rate_limited";
        case LinkRefusal::pre_auth_full:
            return "pre_auth_full";
        case LinkRefusal::name_not_found:
            return "name_not_found";
        case LinkRefusal::connection_refused:
            return "connection_refused";
        case LinkRefusal::unreachable:
            return "unreachable";
        case LinkRefusal::deadline:
            return "deadline";
        case LinkRefusal::tls_failed:
            return "tls_failed";
        case LinkRefusal::no_alpn:
            return "no_alpn";
        case LinkRefusal::cut_off:
            return "cut_off";
        case LinkRefusal::wrong_version:
            return "wrong_version";
        case LinkRefusal::wrong_chain:
            return "wrong_chain";
        case LinkRefusal::wrong_role:
            return "wrong_role";
        case LinkRefusal::wrong_receiver:
            return "wrong_receiver";
        case LinkRefusal::wrong_peer:
            return "wrong_peer";
        case LinkRefusal::self_connection:
            return "self_connection";
        case LinkRefusal::not_admitted:
            return "not_admitted";
        case LinkRefusal::duplicate:
            return "duplicate";
        case LinkRefusal::bad_signature:
            return "bad_signature";
        case LinkRefusal::not_ready:
            return "not_ready";
        case LinkRefusal::closed_by_peer:
            return "closed_by_peer";
        case LinkRefusal::transport_failed:
            return "transport_failed";
        case LinkRefusal::oversized_frame:
            return "oversized_frame";
        case LinkRefusal::unknown_kind:
            return "unknown_kind";
        case LinkRefusal::malformed_control:
            return "malformed_control";
        case LinkRefusal::queue_full:
            return "queue_full";
        case LinkRefusal::silent:
            return "silent";
        case LinkRefusal::replaced:
            return "replaced";
        case LinkRefusal::removed:
            return "removed";
        case LinkRefusal::disconnected:
            return "disconnected";
        case LinkRefusal::too_old:
            return "too_old";
        case LinkRefusal::stopped:
            return "stopped";
    }
    return "unknown";
}

}  // namespace tally::node
