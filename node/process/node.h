#pragma once

#include "node/process/node_files.h"

#include <memory>

namespace boost::asio {
class io_context;
}

namespace tally::node {

/// One running `tallyd`: storage, replica, links, roaming, accounts and the HTTP interface, wired
/// together. This is the only place that knows all of them.
///
/// Threads: the loop's one thread owns everything; the verification pool has threads of its own.
/// Lifetime: destroyed after the loop has stopped.
class Node {
public:
    /// Takes the data folder's lock, opens storage (replaying what the state lacks), listens.
    [[nodiscard]] static Expected<std::unique_ptr<Node>, StartError> open(
        boost::asio::io_context& io, NodeInputs inputs);
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// Enters the network. Call once, then run the loop. Fails when the link port is taken.
    [[nodiscard]] Expected<Done, StartError> start();
    /// Not ready, no new work, links closed; the loop runs dry soon after.
    void stop();
    /// What the program ends with: 0, or why it stopped by itself (node/runtime/exit_codes.h).
    [[nodiscard]] int exit_code() const;

private:
    class Impl;
    explicit Node(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

}  // namespace tally::node
