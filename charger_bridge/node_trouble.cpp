#include "charger_bridge/node_trouble.h"

#include <algorithm>
#include <array>

namespace tally::bridge {

namespace {

using node::LinkRefusal;

constexpr std::string_view no_tally_node{
    "what answers there is no node's link port, or a load balancer ends TLS before it: [node] "
    "address must be the port of [link] listen of the node, passed through as it is"};
constexpr std::string_view another_node{
    "the node that answers is not the one of [node] link_key, or of another chain_id: compare both "
    "with link_key of the node's public.json and its genesis; the key may have been rotated"};

struct Advice {
    LinkRefusal reason;
    std::string_view text;
};
constexpr std::array<Advice, 14> advices{{
    {LinkRefusal::name_not_found,
     "the host of [node] address is not known: check its spelling and the DNS of this machine"},
    {LinkRefusal::connection_refused,
     "nothing listens at [node] address: start the node, or correct the port (that of [link] "
     "listen, not of [api])"},
    {LinkRefusal::unreachable,
     "there is no way to [node] address: check this machine's network and routes"},
    {LinkRefusal::deadline,
     "[node] address does not answer in time: check firewalls between here and the node, and "
     "whether the node is overloaded"},
    {LinkRefusal::cut_off,
     "the node closed the link without a word: chain_id and [node] link_key must be the node's, "
     "and the key of key_file registered for this bridge (RegisterBridge) and not revoked; "
     "tally_links_ended_total of the node counts which it was"},
    {LinkRefusal::tls_failed, no_tally_node},
    {LinkRefusal::no_alpn, no_tally_node},
    {LinkRefusal::not_ready, no_tally_node},
    {LinkRefusal::wrong_version, no_tally_node},
    {LinkRefusal::wrong_role, no_tally_node},
    {LinkRefusal::wrong_chain, another_node},
    {LinkRefusal::wrong_peer, another_node},
    {LinkRefusal::wrong_receiver, another_node},
    {LinkRefusal::bad_signature, another_node},
}};
constexpr std::string_view other_advice{
    "it is tried again by itself; if it stays, read the node's log"};

}  // namespace

NodeTrouble trouble_of(LinkRefusal reason) {
    const auto* const found =
        std::find_if(advices.begin(), advices.end(),
                     [reason](const Advice& advice) { return advice.reason == reason; });
    return {node::to_text(reason), found != advices.end() ? found->text : other_advice};
}

}  // namespace tally::bridge
