#include "tools/audit/thread_job_runner.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace tally::tools {

ThreadJobRunner::ThreadJobRunner(unsigned threads)
    : m_threads{threads == 0 ? std::max(1U, std::thread::hardware_concurrency()) : threads} {}

void ThreadJobRunner::run(std::vector<Job> jobs) {
    std::atomic<std::size_t> next{0};
    const auto work = [&jobs, &next] {
        for (std::size_t at = next++; at < jobs.size(); at = next++) {
            jobs[at]();
        }
    };
    std::vector<std::thread> helpers;
    const std::size_t wanted = std::min<std::size_t>(m_threads, jobs.size());
    for (std::size_t i = 1; i < wanted; ++i) {
        helpers.emplace_back(work);
    }
    work();
    for (std::thread& helper : helpers) {
        helper.join();
    }
}

}  // namespace tally::tools
