#pragma once

// Prometheus metrics. prometheus-cpp is seen in metrics.cpp only.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tally::node {

using MetricLabels = std::map<std::string, std::string>;

/// A count that only grows. Cheap to copy; belongs to the `Metrics` that made it. Thread safe.
class MetricCounter {
public:
    void add(double amount = 1.0);
    /// Raises the count to a total that is kept elsewhere; never lowers it.
    void advance_to(double total);

private:
    friend class Metrics;
    explicit MetricCounter(void* counter) : m_counter{counter} {}
    void* m_counter;
};

/// A value that goes up and down. Thread safe.
class MetricGauge {
public:
    void set(double value);
    void add(double amount);

private:
    friend class Metrics;
    explicit MetricGauge(void* gauge) : m_gauge{gauge} {}
    void* m_gauge;
};

/// How often values fell into which range. Thread safe.
class MetricHistogram {
public:
    void observe(double value);

private:
    friend class Metrics;
    explicit MetricHistogram(void* histogram) : m_histogram{histogram} {}
    void* m_histogram;
};

/// Upper bounds in seconds for durations from 0.1 ms to 10 s.
[[nodiscard]] std::vector<double> latency_buckets();

/// The metrics of one process. Asking for the same name and labels again gives the same metric, so
/// callers keep the handle on hot paths and need not elsewhere. Names are `tally_...`, base units
/// (seconds, bytes), counters end in _total. Names and label names are literals of the program and
/// must be valid; label values may be anything but must come from a bounded set.
class Metrics {
public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    MetricCounter counter(const std::string& name, const std::string& help,
                          const MetricLabels& labels = {});
    MetricGauge gauge(const std::string& name, const std::string& help,
                      const MetricLabels& labels = {});
    /// `buckets` in rising order.
    MetricHistogram histogram(const std::string& name, const std::string& help,
                              const std::vector<double>& buckets, const MetricLabels& labels = {});

    /// Called before each exposition, on its thread: for figures that are kept elsewhere.
    void on_collect(std::function<void(Metrics&)> collector);

    /// Prometheus text format 0.0.4, for GET /metrics.
    [[nodiscard]] std::string metrics_text();
    static constexpr const char* content_type{"text/plain; version=0.0.4; charset=utf-8"};

private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

}  // namespace tally::node
