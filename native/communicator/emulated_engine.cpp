// Sessions of one process as ranks. What is sent is copied, so that nothing of a rank that has gone
// is read.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "communicator/engine.h"
#include "core/error.h"

namespace preresnet {

namespace {

using Rows = std::vector<std::vector<std::byte>>;

/// What all ranks of one name share.
struct Meeting {
  std::mutex mutex;
  int64_t ranks = 0;
  std::set<int64_t> joined;
  std::vector<std::deque<Note>> notes;
  /// By channel and number: what each rank sends; empty: it is not there yet.
  struct Point {
    Rows rows;
    int64_t arrived = 0, left = 0;
  };
  std::map<std::pair<int, uint64_t>, Point> points;
};

std::shared_ptr<Meeting> meeting_of(const std::string& name, int64_t ranks) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<Meeting>> meetings;
  const std::lock_guard lock(mutex);
  std::shared_ptr<Meeting> meeting = meetings[name].lock();
  if (meeting == nullptr) {
    meeting = std::make_shared<Meeting>();
    meeting->ranks = ranks;
    meeting->notes.resize(static_cast<size_t>(ranks));
    meetings[name] = meeting;
  }
  return meeting;
}

class EmulatedEngine final : public Engine {
 public:
  explicit EmulatedEngine(const Emulation& given)
      : given_(given), random_(given.seed), meeting_(meeting_of(given.meeting, given.ranks)) {
    join();
    while (given.waits_for_all && !all_have_joined()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  int64_t rank() const override { return given_.rank; }
  int64_t ranks() const override { return given_.ranks; }
  std::string name() const override { return "emulated"; }

  uint64_t start(const Exchange& exchange) override {
    arrive_late();
    const uint64_t id = next_++;
    const uint64_t number = numbers_[exchange.channel]++;
    pending_[id] = {exchange, number};
    if (stands_still(static_cast<int64_t>(id))) return id;
    const bool rooted = exchange.kind == Exchange::Kind::broadcast;
    const size_t rows =
        exchange.kind == Exchange::Kind::all_to_all ? static_cast<size_t>(ranks()) : 1;
    const void* sent = exchange.mine == nullptr ? exchange.theirs : exchange.mine;
    const size_t bytes = rooted && rank() != 0 ? 0 : rows * exchange.bytes;
    const std::lock_guard lock(meeting_->mutex);
    Meeting::Point& point = meeting_->points[{exchange.channel, number}];
    point.rows.resize(static_cast<size_t>(ranks()));
    std::vector<std::byte>& mine = point.rows[static_cast<size_t>(rank())];
    mine.resize(bytes);
    if (bytes > 0) std::memcpy(mine.data(), sent, bytes);
    ++point.arrived;
    return id;
  }

  bool finished(uint64_t id) override {
    const auto entry = pending_.find(id);
    const auto [exchange, number] = entry->second;
    if (stands_still(static_cast<int64_t>(id))) return false;
    const std::lock_guard lock(meeting_->mutex);
    const auto at = meeting_->points.find({exchange.channel, number});
    if (at->second.arrived < ranks()) return false;
    take(exchange, at->second.rows);
    if (++at->second.left == ranks()) meeting_->points.erase(at);
    pending_.erase(entry);
    return true;
  }

  void send(int64_t to, const Note& note) override {
    throw_if_cut_off();
    if (stands_still(static_cast<int64_t>(next_))) return;
    const std::lock_guard lock(meeting_->mutex);
    meeting_->notes[static_cast<size_t>(to)].push_back(note);
  }

  bool receive(Note* note) override {
    throw_if_cut_off();
    if (stands_still(static_cast<int64_t>(next_))) return false;
    const std::lock_guard lock(meeting_->mutex);
    std::deque<Note>& notes = meeting_->notes[static_cast<size_t>(rank())];
    if (notes.empty()) return false;
    *note = notes.front();
    notes.pop_front();
    return true;
  }

  void close() override {}

 private:
  void join() {
    const std::lock_guard lock(meeting_->mutex);
    if (meeting_->ranks != given_.ranks || !meeting_->joined.insert(given_.rank).second) {
      throw Error("ERR_OPTION", "meeting " + given_.meeting + ": expected rank " +
                                    std::to_string(given_.rank) + " of " +
                                    std::to_string(meeting_->ranks) + " once, got it again or of " +
                                    std::to_string(given_.ranks));
    }
  }

  bool all_have_joined() const {
    const std::lock_guard lock(meeting_->mutex);
    return static_cast<int64_t>(meeting_->joined.size()) == ranks();
  }

  void throw_if_cut_off() const {
    if (given_.cut_off_after >= 0 && static_cast<int64_t>(next_) >= given_.cut_off_after) {
      throw Error("ERR_RANK", "the emulated engine is cut off");
    }
  }

  bool stands_still(int64_t exchange) const {
    return given_.stops_after >= 0 && exchange >= given_.stops_after;
  }

  void arrive_late() {
    if (given_.seed == 0) return;
    std::this_thread::sleep_for(
        std::chrono::microseconds(std::uniform_int_distribution<int>(0, 2000)(random_)));
  }

  void take(const Exchange& exchange, const Rows& rows) const {
    auto* to = static_cast<std::byte*>(exchange.theirs);
    const size_t bytes = exchange.bytes;
    if (exchange.kind == Exchange::Kind::broadcast) {
      if (rank() != 0) std::memcpy(to, rows[0].data(), bytes);
    } else if (exchange.kind == Exchange::Kind::add_up) {
      std::vector<float> sum(bytes / sizeof(float), 0.0f);
      for (const auto& row : rows) {
        const auto* values = reinterpret_cast<const float*>(row.data());
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
      }
      std::memcpy(to, sum.data(), bytes);
    } else {
      const size_t mine =
          exchange.kind == Exchange::Kind::all_to_all ? static_cast<size_t>(rank()) * bytes : 0;
      for (size_t from = 0; from < rows.size(); ++from) {
        std::memcpy(to + from * bytes, rows[from].data() + mine, bytes);
      }
    }
  }

  Emulation given_;
  std::mt19937_64 random_;
  std::shared_ptr<Meeting> meeting_;
  uint64_t next_ = 0;
  std::map<int, uint64_t> numbers_;
  std::map<uint64_t, std::pair<Exchange, uint64_t>> pending_;
};

}  // namespace

std::unique_ptr<Engine> make_emulated_engine(const Emulation& given) {
  return std::make_unique<EmulatedEngine>(given);
}

}  // namespace preresnet
