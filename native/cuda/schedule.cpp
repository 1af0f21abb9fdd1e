#include "cuda/schedule.h"

#include <algorithm>
#include <map>

namespace preresnet::cuda {

namespace {

/// Of each stream, how many of its operations are known to be done; the main stream counts the
/// start as its first.
using Clock = std::vector<int64_t>;

/// Who touched some bytes last, a stream: number of the operation, -1 for nobody.
struct Cell {
  std::vector<int64_t> readers, writers;
};

/// Cells by the begin of their range; each ends where the next begins.
class Bytes {
 public:
  explicit Bytes(int streams) {
    const std::vector<int64_t> nobody(static_cast<size_t>(streams), -1);
    cells_[0] = {nobody, nobody};
  }

  template <class Visitor>
  void each(ByteRange range, Visitor&& visit) {
    if (range.begin == range.end) return;
    split(range.end);
    for (auto cell = split(range.begin); cell != cells_.end() && cell->first < range.end; ++cell) {
      visit(cell->second);
    }
  }

 private:
  std::map<size_t, Cell>::iterator split(size_t at) {
    const auto after = cells_.lower_bound(at);
    if (after != cells_.end() && after->first == at) return after;
    return cells_.emplace_hint(after, at, std::prev(after)->second);
  }

  std::map<size_t, Cell> cells_;
};

}  // namespace

size_t Schedule::waits() const {
  size_t count = joins.size();
  for (const Item& item : items) count += item.waits.size();
  return count;
}

Schedule make_schedule(const std::vector<ScheduledWork>& work, int streams) {
  const auto width = static_cast<size_t>(streams);
  Schedule schedule;
  schedule.items.resize(work.size());
  Bytes bytes(streams);
  std::vector<Clock> clocks(width, Clock(width, 0));  // of each stream's end
  std::vector<Clock> after(work.size());              // when an operation is done
  std::vector<int64_t> place(work.size());            // in its stream, from 1
  clocks[0][0] = 1;
  Clock at_start(width, 0);
  at_start[0] = 1;

  // Adds waits of stream `waiting` for the candidates that no other of them implies.
  const auto wait_for = [&](size_t waiting, std::vector<size_t> candidates,
                            std::vector<size_t>& waits) {
    const auto clock_of = [&](size_t operation) -> const Clock& {
      return operation == Schedule::kStart ? at_start : after[operation];
    };
    const auto known = [&](const Clock& clock, size_t operation) {
      if (operation == Schedule::kStart) return clock[0] >= 1;
      return clock[static_cast<size_t>(work[operation].stream)] >= place[operation];
    };
    for (const size_t candidate : candidates) {
      bool implied = known(clocks[waiting], candidate);
      for (const size_t other : candidates) {
        if (other != candidate && known(clock_of(other), candidate)) implied = true;
      }
      if (!implied) waits.push_back(candidate);
    }
    for (const size_t operation : waits) {
      const Clock& clock = clock_of(operation);
      for (size_t stream = 0; stream < width; ++stream) {
        clocks[waiting][stream] = std::max(clocks[waiting][stream], clock[stream]);
      }
      if (operation == Schedule::kStart) {
        schedule.start_awaited = true;
      } else {
        schedule.items[operation].awaited = true;
      }
    }
  };

  for (size_t index = 0; index < work.size(); ++index) {
    const ScheduledWork& item = work[index];
    const auto own = static_cast<size_t>(item.stream);
    std::vector<int64_t> latest(width, -1);
    const auto conflicts = [&](const std::vector<int64_t>& users) {
      for (size_t stream = 0; stream < width; ++stream) {
        if (stream != own) latest[stream] = std::max(latest[stream], users[stream]);
      }
    };
    for (const ByteRange& range : item.reads) {
      bytes.each(range, [&](const Cell& cell) { conflicts(cell.writers); });
    }
    for (const ByteRange& range : item.writes) {
      bytes.each(range, [&](const Cell& cell) {
        conflicts(cell.writers);
        conflicts(cell.readers);
      });
    }
    std::vector<size_t> candidates;
    for (const int64_t operation : latest) {
      if (operation >= 0) candidates.push_back(static_cast<size_t>(operation));
    }
    // A stream's first operation follows the start of the step, whatever it touches.
    if (own != 0 && clocks[own][0] == 0) candidates.push_back(Schedule::kStart);
    wait_for(own, std::move(candidates), schedule.items[index].waits);

    place[index] = ++clocks[own][own];
    after[index] = clocks[own];
    const auto number = static_cast<int64_t>(index);
    for (const ByteRange& range : item.reads) {
      bytes.each(range, [&](Cell& cell) { cell.readers[own] = number; });
    }
    for (const ByteRange& range : item.writes) {
      bytes.each(range, [&](Cell& cell) {
        // Whoever was here before is done before this operation: it waited.
        std::fill(cell.readers.begin(), cell.readers.end(), -1);
        std::fill(cell.writers.begin(), cell.writers.end(), -1);
        cell.writers[own] = number;
      });
    }
  }

  std::vector<size_t> ends(width, Schedule::kStart);
  for (size_t index = 0; index < work.size(); ++index) {
    ends[static_cast<size_t>(work[index].stream)] = index;
  }
  std::vector<size_t> candidates;
  for (size_t stream = 1; stream < width; ++stream) {
    if (ends[stream] != Schedule::kStart) candidates.push_back(ends[stream]);
  }
  wait_for(0, std::move(candidates), schedule.joins);
  return schedule;
}

}  // namespace preresnet::cuda
