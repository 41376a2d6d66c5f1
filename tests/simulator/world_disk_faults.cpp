// What goes wrong with disks.

#include "tests/simulator/world.h"

#include <fmt/format.h>

#include <algorithm>

namespace tally::simulator {

void World::inject_disk_fault(Happening kind, NodeIndex node) {
    if (kind == Happening::slow_disk) {
        slow_disk(node);
    } else if (kind == Happening::full_disk || kind == Happening::sync_error) {
        failing_disk(kind, node);
    } else if (kind == Happening::bit_flip) {
        flip_bit(node);
    } else if (kind == Happening::backup_restored) {
        back_up(node);
    }
}

void World::slow_disk(NodeIndex node) {
    m_coverage.add(Happening::slow_disk);
    m_nodes[node]->set_sync_time(m_random.between(SimTime{500}, SimTime{60'000}));
    m_scheduler.after(m_random.between(SimTime{500'000}, SimTime{5'000'000}),
                      [this, node] { m_nodes[node]->set_sync_time(SimTime{0}); });
}

/// For a while the journal can not be written, or not be synced: the process has to stop.
void World::failing_disk(Happening kind, NodeIndex node) {
    m_coverage.add(kind);
    const bool full = kind == Happening::full_disk;
    const std::string folder{SimNode::consensus_folder};
    SimFileSystem& files = m_nodes[node]->disk().files;
    if (full) {
        files.fail_appends(folder, true);
    } else {
        files.fail_syncs(folder, true);
    }
    m_scheduler.after(m_random.between(SimTime{300'000}, SimTime{3'000'000}),
                      [&files, full, folder] {
                          if (full) {
                              files.fail_appends(folder, false);
                          } else {
                              files.fail_syncs(folder, false);
                          }
                      });
}

/// Whether one more validator may lose what it promised to keep.
bool World::may_damage(NodeIndex node) const {
    return m_unreliable.contains(node) || m_unreliable.size() < faults_tolerated(m_options.nodes);
}

/// Rot, found at the next start.
void World::flip_bit(NodeIndex node) {
    if (!may_damage(node) || m_oracle.is_faulty(node) || !m_nodes[node]->is_up()) {
        return;
    }
    m_unreliable.insert(node);
    m_nodes[node]->expect_damage();
    m_nodes[node]->crash();
    if (m_nodes[node]->disk().files.flip_bit(SimNode::consensus_folder, m_random)) {
        m_coverage.add(Happening::bit_flip);
    }
}

/// An operator copies a disk, and brings the copy back a while later.
void World::back_up(NodeIndex node) {
    if (!may_damage(node) || m_nodes[node]->is_corrupt() || !m_nodes[node]->is_up()) {
        return;
    }
    m_unreliable.insert(node);
    const auto files =
        std::make_shared<SimFileSystem::Backup>(m_nodes[node]->disk().files.backup());
    const auto store =
        std::make_shared<std::map<Bytes, Bytes>>(m_nodes[node]->disk().store.backup());
    m_scheduler.after(m_random.between(SimTime{100'000}, SimTime{6'000'000}),
                      [this, node, files, store] {
                          if (!m_healed) {
                              restore_backup(node, *files, *store);
                          }
                      });
}

void World::restore_backup(NodeIndex node, const SimFileSystem::Backup& files,
                           const std::map<Bytes, Bytes>& store) {
    m_trace.line(fmt::format("n{} gets an old copy of its disk", node));
    m_oracle.set_faulty(node);
    m_nodes[node]->crash();
    if (m_nodes[node]->is_up()) {
        return;
    }
    m_nodes[node]->disk().files.restore(files);
    m_nodes[node]->disk().store.restore(store);
    m_coverage.add(Happening::backup_restored);
}

}  // namespace tally::simulator
