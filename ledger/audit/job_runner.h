#pragma once

#include <functional>
#include <vector>

namespace tally {

/// Runs jobs that do not touch each other's data. Handed in, because the ledger has no threads.
class JobRunner {
public:
    using Job = std::function<void()>;
    virtual ~JobRunner() = default;
    /// Returns when all of them have run, in any order, on any thread.
    virtual void run(std::vector<Job> jobs) = 0;
};

/// One after the other, on the caller's thread.
class InlineJobRunner final : public JobRunner {
public:
    void run(std::vector<Job> jobs) override {
        for (const Job& job : jobs) {
            job();
        }
    }
};

}  // namespace tally
