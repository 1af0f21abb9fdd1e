#include "cuda/schedule.h"

#include <algorithm>
#include <map>

namespace preresnet::cuda {

namespace {

/// Who touched some bytes last, a stream: number of the operation, -1 for nobody.
struct Cell {
  std::vector<int64_t> readers, writers;
};

/// Who touched which bytes: cells by the begin of their range; each ends where the next begins.
class Bytes {
 public:
  explicit Bytes(size_t streams) : streams_(streams) {
    const std::vector<int64_t> nobody(streams, -1);
    cells_[0] = {nobody, nobody};
  }

  /// Of each other stream, the last operation that has to be done before `item` begins.
  std::vector<size_t> conflicts(const ScheduledWork& item) {
    std::vector<int64_t> latest(streams_, -1);
    const auto join = [&](const std::vector<int64_t>& users) {
      for (size_t stream = 0; stream < streams_; ++stream) {
        latest[stream] = std::max(latest[stream], users[stream]);
      }
    };
    for (const ByteRange& range : item.reads) {
      each(range, [&](const Cell& cell) { join(cell.writers); });
    }
    for (const ByteRange& range : item.writes) {
      each(range, [&](const Cell& cell) {
        join(cell.writers);
        join(cell.readers);
      });
    }
    latest[static_cast<size_t>(item.stream)] = -1;
    std::vector<size_t> operations;
    for (const int64_t operation : latest) {
      if (operation >= 0) operations.push_back(static_cast<size_t>(operation));
    }
    return operations;
  }

  void touch(const ScheduledWork& item, size_t operation) {
    const auto own = static_cast<size_t>(item.stream);
    const auto number = static_cast<int64_t>(operation);
    for (const ByteRange& range : item.reads) {
      each(range, [&](Cell& cell) { cell.readers[own] = number; });
    }
    for (const ByteRange& range : item.writes) {
      each(range, [&](Cell& cell) {
        // Whoever was here before is done before this operation: it waited.
        std::fill(cell.readers.begin(), cell.readers.end(), -1);
        std::fill(cell.writers.begin(), cell.writers.end(), -1);
        cell.writers[own] = number;
      });
    }
  }

 private:
  template <class Visitor>
  void each(ByteRange range, Visitor&& visit) {
    if (range.begin == range.end) return;
    split(range.end);
    for (auto cell = split(range.begin); cell != cells_.end() && cell->first < range.end; ++cell) {
      visit(cell->second);
    }
  }

  std::map<size_t, Cell>::iterator split(size_t at) {
    const auto after = cells_.lower_bound(at);
    if (after != cells_.end() && after->first == at) return after;
    return cells_.emplace_hint(after, at, std::prev(after)->second);
  }

  size_t streams_;
  std::map<size_t, Cell> cells_;
};

/// Of each stream, how many of its operations are known to be done; the main stream counts the
/// start as its first.
using Clock = std::vector<int64_t>;

/// What each stream knows to be done at its end, and so for what it need not wait.
class Clocks {
 public:
  Clocks(const std::vector<ScheduledWork>& work, size_t streams)
      : work_(work),
        ends_(streams, Clock(streams, 0)),
        at_start_(streams, 0),
        after_(work.size()),
        position_(work.size()) {
    at_start_[0] = 1;
    ends_[0] = at_start_;
  }

  /// Whether the stream has an operation or has waited for the start of the step.
  bool begun(size_t stream) const { return ends_[stream][0] != 0; }

  /// Makes a stream wait for those of the candidates that neither another of them nor what the
  /// stream already knows implies, and returns these.
  std::vector<size_t> wait_for(size_t stream, const std::vector<size_t>& candidates) {
    std::vector<size_t> waits;
    for (const size_t candidate : candidates) {
      bool implied = knows(ends_[stream], candidate);
      for (const size_t other : candidates) {
        if (other != candidate && knows(clock_after(other), candidate)) implied = true;
      }
      if (!implied) waits.push_back(candidate);
    }
    Clock& end = ends_[stream];
    for (const size_t operation : waits) {
      const Clock& clock = clock_after(operation);
      for (size_t i = 0; i < end.size(); ++i) end[i] = std::max(end[i], clock[i]);
    }
    return waits;
  }

  /// Puts an operation at the end of its stream.
  void append(size_t operation) {
    const auto own = static_cast<size_t>(work_[operation].stream);
    position_[operation] = ++ends_[own][own];
    after_[operation] = ends_[own];
  }

 private:
  const Clock& clock_after(size_t operation) const {
    return operation == Schedule::kStart ? at_start_ : after_[operation];
  }
  bool knows(const Clock& clock, size_t operation) const {
    if (operation == Schedule::kStart) return clock[0] >= 1;
    return clock[static_cast<size_t>(work_[operation].stream)] >= position_[operation];
  }

  const std::vector<ScheduledWork>& work_;
  std::vector<Clock> ends_;        // of each stream
  Clock at_start_;                 // of the step
  std::vector<Clock> after_;       // when an operation is done
  std::vector<int64_t> position_;  // in its stream, from 1
};

/// The last operation of each stream but the main one.
std::vector<size_t> last_of_side_streams(const std::vector<ScheduledWork>& work, size_t streams) {
  std::vector<size_t> ends(streams, Schedule::kStart);
  for (size_t index = 0; index < work.size(); ++index) {
    ends[static_cast<size_t>(work[index].stream)] = index;
  }
  std::vector<size_t> last;
  for (size_t stream = 1; stream < streams; ++stream) {
    if (ends[stream] != Schedule::kStart) last.push_back(ends[stream]);
  }
  return last;
}

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
  Bytes bytes(width);
  Clocks clocks(work, width);
  const auto wait_for = [&](size_t stream, const std::vector<size_t>& candidates) {
    std::vector<size_t> waits = clocks.wait_for(stream, candidates);
    for (const size_t operation : waits) {
      if (operation == Schedule::kStart) {
        schedule.start_awaited = true;
      } else {
        schedule.items[operation].awaited = true;
      }
    }
    return waits;
  };

  for (size_t index = 0; index < work.size(); ++index) {
    const auto own = static_cast<size_t>(work[index].stream);
    std::vector<size_t> candidates = bytes.conflicts(work[index]);
    // A stream's first operation follows the start of the step, whatever it touches.
    if (own != 0 && !clocks.begun(own)) candidates.push_back(Schedule::kStart);
    schedule.items[index].waits = wait_for(own, candidates);
    clocks.append(index);
    bytes.touch(work[index], index);
  }
  schedule.joins = wait_for(0, last_of_side_streams(work, width));
  return schedule;
}

}  // namespace preresnet::cuda
