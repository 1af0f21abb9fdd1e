// The order of work: schedules of random programs, and how the emulated runtime takes misuse, for
// test/cuda/order.test.ts. Each argument after the seed names a case; a line of JSON a case.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "cuda/runtime.h"
#include "cuda/schedule.h"

using preresnet::Error;
using namespace preresnet::cuda;

namespace {

uint64_t seed = 0;

// ---- schedules

constexpr int kStreams = 3;

std::vector<ScheduledWork> random_work(std::mt19937& random) {
  const auto below = [&](size_t limit) { return static_cast<size_t>(random()) % limit; };
  const auto range = [&] {
    const size_t begin = below(60);
    return ByteRange{begin, begin + 1 + below(6)};
  };
  std::vector<ScheduledWork> work(40);
  for (ScheduledWork& item : work) {
    item.stream = static_cast<int>(below(kStreams));
    for (size_t count = below(3); count > 0; --count) item.reads.push_back(range());
    item.writes.push_back(range());
  }
  return work;
}

bool meet(const std::vector<ByteRange>& a, const std::vector<ByteRange>& b) {
  for (const ByteRange& x : a) {
    for (const ByteRange& y : b) {
      if (x.begin < y.end && y.begin < x.end) return true;
    }
  }
  return false;
}

/// Node 0 is the start, node i + 1 operation i, the last node the end.
struct Order {
  std::vector<std::set<size_t>> before;  // direct

  bool holds(size_t first, size_t then) const {
    std::vector<bool> seen(before.size(), false);
    std::vector<size_t> open = {then};
    while (!open.empty()) {
      const size_t node = open.back();
      open.pop_back();
      if (node == first) return true;
      if (seen[node]) continue;
      seen[node] = true;
      open.insert(open.end(), before[node].begin(), before[node].end());
    }
    return false;
  }
};

/// Without the wait of that number.
Order order_of(const std::vector<ScheduledWork>& work, const Schedule& schedule, size_t omitted) {
  Order order;
  order.before.resize(work.size() + 2);
  std::vector<size_t> ends(kStreams, SIZE_MAX);
  ends[0] = 0;
  size_t number = 0;
  const auto wait = [&](size_t node, size_t awaited) {
    if (number++ != omitted)
      order.before[node].insert(awaited == Schedule::kStart ? 0 : awaited + 1);
  };
  for (size_t index = 0; index < work.size(); ++index) {
    size_t& end = ends[static_cast<size_t>(work[index].stream)];
    if (end != SIZE_MAX) order.before[index + 1].insert(end);
    for (const size_t awaited : schedule.items[index].waits) wait(index + 1, awaited);
    end = index + 1;
  }
  order.before.back().insert(ends[0]);
  for (const size_t awaited : schedule.joins) wait(work.size() + 1, awaited);
  return order;
}

size_t broken_pairs(const std::vector<ScheduledWork>& work, const Order& order) {
  size_t broken = 0;
  for (size_t then = 0; then < work.size(); ++then) {
    broken += order.holds(0, then + 1) ? 0 : 1;
    broken += order.holds(then + 1, work.size() + 1) ? 0 : 1;
    for (size_t first = 0; first < then; ++first) {
      const bool conflict = meet(work[first].writes, work[then].reads) ||
                            meet(work[first].writes, work[then].writes) ||
                            meet(work[first].reads, work[then].writes);
      if (conflict && !order.holds(first + 1, then + 1)) ++broken;
    }
  }
  return broken;
}

/// Pairs that are not ordered, and waits that nobody would miss.
double schedules() {
  std::mt19937 random(static_cast<unsigned>(seed));
  size_t wrong = 0;
  for (int round = 0; round < 20; ++round) {
    const std::vector<ScheduledWork> work = random_work(random);
    const Schedule schedule = make_schedule(work, kStreams);
    wrong += broken_pairs(work, order_of(work, schedule, SIZE_MAX));
    for (size_t wait = 0; wait < schedule.waits(); ++wait) {
      if (broken_pairs(work, order_of(work, schedule, wait)) == 0) ++wrong;
    }
  }
  return static_cast<double>(wrong);
}

// ---- the runtime

std::unique_ptr<Runtime> runtime() {
  return make_runtime({.emulation = Emulation{.schedule_seed = seed}});
}

void append(Runtime& to, Stream stream, std::vector<int>& log, int value) {
  Launch work;
  work.name = "append";
  work.emulated = [&log, value] { log.push_back(value); };
  to.launch(stream, work);
}

/// Two streams that know nothing of each other: which of their pieces is the first.
double free_order() {
  const auto device = runtime();
  std::vector<int> log;
  for (int i = 0; i < 4; ++i) append(*device, Stream{0}, log, i);
  for (int i = 4; i < 8; ++i) append(*device, Stream{1}, log, i);
  device->synchronize(Stream{0});
  device->synchronize(Stream{1});
  double digits = 0;
  for (const int value : log) digits = digits * 8 + value;
  return digits;
}

/// Stream 1 waits for half of stream 0, captured and replayed twice; wrong orders.
double captured_order() {
  const auto device = runtime();
  std::vector<int> log;
  device->begin_capture(Stream{0});
  append(*device, Stream{0}, log, 0);
  device->record(Stream{0}, Event{1});
  device->wait(Stream{1}, Event{1});
  append(*device, Stream{1}, log, 1);
  append(*device, Stream{0}, log, 2);
  device->record(Stream{1}, Event{2});
  device->wait(Stream{0}, Event{2});
  append(*device, Stream{0}, log, 3);
  const auto graph = device->end_capture(Stream{0});
  if (!log.empty()) return 1;
  device->replay(Stream{0}, *graph);
  device->replay(Stream{0}, *graph);
  device->synchronize(Stream{0});
  if (log.size() != 8) return 2;
  for (size_t begin = 0; begin < 8; begin += 4) {
    if (log[begin] != 0 || log[begin + 3] != 3) return 3;
  }
  return 0;
}

double unrecorded() {
  runtime()->wait(Stream{1}, Event{5});
  return 0;
}

double unjoined() {
  const auto device = runtime();
  std::vector<int> log;
  device->begin_capture(Stream{0});
  device->record(Stream{0}, Event{1});
  device->wait(Stream{1}, Event{1});
  append(*device, Stream{1}, log, 1);
  device->end_capture(Stream{0});
  return 0;
}

double wait_for_outside() {
  const auto device = runtime();
  device->record(Stream{1}, Event{1});
  device->begin_capture(Stream{0});
  device->wait(Stream{0}, Event{1});
  return 0;
}

double wait_for_captured() {
  const auto device = runtime();
  device->begin_capture(Stream{0});
  device->record(Stream{0}, Event{1});
  device->end_capture(Stream{0});
  device->wait(Stream{1}, Event{1});
  return 0;
}

double synchronize_in_capture() {
  const auto device = runtime();
  device->begin_capture(Stream{0});
  device->synchronize(Stream{0});
  return 0;
}

double host_waits_for_order() {
  const auto device = runtime();
  device->record(Stream{0}, Event{5});
  device->synchronize(Event{5});
  return 0;
}

double time_of_order() {
  const auto device = runtime();
  device->record(Stream{0}, Event{4, Event::Use::time});
  device->record(Stream{0}, Event{5});
  device->synchronize(Stream{0});
  return device->milliseconds(Event{4, Event::Use::time}, Event{5});
}

double two_uses() {
  const auto device = runtime();
  device->record(Stream{0}, Event{5});
  device->synchronize(Event{5, Event::Use::host});
  return 0;
}

struct Case {
  const char* name;
  double (*run)();
};
constexpr Case kCases[] = {
    {"schedules", schedules},
    {"free_order", free_order},
    {"captured_order", captured_order},
    {"unrecorded", unrecorded},
    {"unjoined", unjoined},
    {"wait_for_outside", wait_for_outside},
    {"wait_for_captured", wait_for_captured},
    {"synchronize_in_capture", synchronize_in_capture},
    {"host_waits_for_order", host_waits_for_order},
    {"time_of_order", time_of_order},
    {"two_uses", two_uses},
};

}  // namespace

int main(int count, char** names) {
  if (count < 2) return std::fprintf(stderr, "expected a seed and names of cases\n"), 2;
  seed = std::strtoull(names[1], nullptr, 10);
  for (int i = 2; i < count; ++i) {
    const auto found = std::find_if(std::begin(kCases), std::end(kCases), [&](const Case& one) {
      return std::strcmp(one.name, names[i]) == 0;
    });
    if (found == std::end(kCases)) return std::fprintf(stderr, "no case %s\n", names[i]), 2;
    try {
      std::printf("{\"name\":\"%s\",\"result\":%.9g}\n", names[i], found->run());
    } catch (const Error& error) {
      std::printf("{\"name\":\"%s\",\"code\":\"%s\",\"message\":\"%s\"}\n", names[i],
                  error.code().c_str(), error.what());
    }
  }
}
