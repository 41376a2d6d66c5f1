#include "node/runtime/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace tally::node {

class Metrics::Impl {
public:
    prometheus::Registry registry;
    std::vector<std::function<void(Metrics&)>> collectors;
};

void MetricCounter::add(double amount) {
    static_cast<prometheus::Counter*>(m_counter)->Increment(amount);
}
void MetricCounter::advance_to(double total) {
    auto* counter = static_cast<prometheus::Counter*>(m_counter);
    if (total > counter->Value()) {
        counter->Increment(total - counter->Value());
    }
}
void MetricGauge::set(double value) { static_cast<prometheus::Gauge*>(m_gauge)->Set(value); }
void MetricGauge::add(double amount) {
    static_cast<prometheus::Gauge*>(m_gauge)->Increment(amount);
}
void MetricHistogram::observe(double value) {
    static_cast<prometheus::Histogram*>(m_histogram)->Observe(value);
}

std::vector<double> latency_buckets() {
    return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
            0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0};
}

Metrics::Metrics() : m_impl{std::make_unique<Impl>()} {}
Metrics::~Metrics() = default;

MetricCounter Metrics::counter(const std::string& name, const std::string& help,
                               const MetricLabels& labels) {
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(m_impl->registry);
    return MetricCounter{&family.Add(labels)};
}

MetricGauge Metrics::gauge(const std::string& name, const std::string& help,
                           const MetricLabels& labels) {
    auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(m_impl->registry);
    return MetricGauge{&family.Add(labels)};
}

MetricHistogram Metrics::histogram(const std::string& name, const std::string& help,
                                   const std::vector<double>& buckets, const MetricLabels& labels) {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(m_impl->registry);
    return MetricHistogram{&family.Add(labels, buckets)};
}

void Metrics::on_collect(std::function<void(Metrics&)> collector) {
    m_impl->collectors.push_back(std::move(collector));
}

std::string Metrics::metrics_text() {
    for (const std::function<void(Metrics&)>& collector : m_impl->collectors) {
        collector(*this);
    }
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, m_impl->registry.Collect());
    return out.str();
}

}  // namespace tally::node
