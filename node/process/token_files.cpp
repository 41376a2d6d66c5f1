#include "node/process/token_files.h"

#include <utility>

namespace tally::node {

namespace {

constexpr std::size_t queue_max{1024};

}  // namespace

Expected<Done, std::string> TokenFiles::open(boost::asio::io_context& io, const std::string& folder,
                                             const LevelDbStore::Options& options) {
    auto store = LevelDbStore::open(folder, options);
    if (!store) {
        return Unexpected{store.error()};
    }
    m_store = std::move(store).value();
    m_work.emplace(io, 1, queue_max);
    return Done{};
}

TokenParts TokenFiles::parts(std::vector<SharedTokenKey> keys) {
    return {.keys = std::move(keys),
            .store = m_store.get(),
            .work = [this](std::function<void()> work, std::function<void()> done) {
                return m_work && m_work->submit(std::move(work), std::move(done));
            }};
}

}  // namespace tally::node
