#pragma once

#include "ledger/audit/job_runner.h"

namespace tally::tools {

/// Runs the jobs of an audit on all cores. `threads` 0: as many as the machine has.
class ThreadJobRunner final : public JobRunner {
public:
    explicit ThreadJobRunner(unsigned threads = 0);
    void run(std::vector<Job> jobs) override;

private:
    unsigned m_threads;
};

}  // namespace tally::tools
