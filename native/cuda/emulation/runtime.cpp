// A device whose memory is the host's: records what is enqueued and runs it when somebody waits, in
// an order that no machine would choose but that events allow. Misuse is an error.
#include "cuda/runtime.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/system.h"
#include "cuda/emulation/blocks.h"
#include "cuda/emulation/capture.h"
#include "cuda/emulation/pending.h"

namespace preresnet::cuda {

namespace emulation {

namespace {

constexpr size_t kAlignment = 256;
constexpr int kGarbage = 0xff;

Runtime::Properties properties_of(const char* name, const Emulation& settings) {
  return {
      .name = name, .architecture = 90, .multiprocessors = settings.multiprocessors, .l2_bytes = 0};
}

std::string name_of(Stream stream) { return "stream " + std::to_string(static_cast<int>(stream)); }
std::string name_of(Event event) { return "event " + std::to_string(event.number); }

class EmulatedRuntime : public Runtime {
 public:
  explicit EmulatedRuntime(const Emulation& settings)
      : properties_(properties_of("emulated", settings)),
        memory_(settings.memory),
        seed_(settings.schedule_seed),
        pending_(settings.schedule_seed) {}

  const Properties& properties() const override { return properties_; }

  void* allocate(size_t bytes) override {
    void* memory = allocate_within(available_bytes(), bytes);
    sizes_[memory] = rounded(bytes);
    taken_ += rounded(bytes);
    return memory;
  }
  void free(void* memory) noexcept override {
    const auto size = sizes_.find(memory);
    if (size != sizes_.end()) {
      taken_ -= size->second;
      sizes_.erase(size);
    }
    std::free(memory);
  }
  size_t available_bytes() const override {
    return memory_ == 0 ? available_memory() : memory_ - taken_;
  }
  /// Enough to see that it is kept: code lies in the host's memory.
  size_t reserved_bytes() const override { return size_t{1} << 20; }
  void* allocate_pinned(size_t bytes) override {
    return allocate_within(available_memory(), bytes);
  }
  void free_pinned(void* memory) noexcept override { std::free(memory); }

  void launch(Stream stream, const Launch& work) override {
    if (!work.emulated) {
      throw Error("ERR_INTERNAL", std::string(work.name) + ": a launch without an emulation");
    }
    ++launches_;
    // Seeded anew for each kernel: its order does not depend on the thread that runs it.
    enqueue(stream, [this, emulated = work.emulated] {
      seed_blocks(seed_ * kLaunchesOfASeed + ++run_);
      emulated();
    });
  }
  void copy_to_device(Stream stream, void* device, const void* pinned, size_t bytes) override {
    copy(stream, device, pinned, bytes);
  }
  void copy_to_host(Stream stream, void* pinned, const void* device, size_t bytes) override {
    copy(stream, pinned, device, bytes);
  }
  void copy_on_device(Stream stream, void* to, const void* from, size_t bytes) override {
    copy(stream, to, from, bytes);
  }
  void fill(Stream stream, void* device, uint8_t value, size_t bytes) override {
    if (bytes > 0) enqueue(stream, [=] { std::memset(device, value, bytes); });
  }

  void record(Stream stream, Event event) override {
    check_use(event);
    Recorded& entry = events_[event.number];
    entry = {.work = 0, .captured = captures(stream), .reached = {}};
    if (entry.captured) {
      capture_->record(stream, event);
      return;
    }
    entry.work = enqueue(stream, [&entry] { entry.reached = Clock::now(); });
  }
  void wait(Stream stream, Event event) override {
    check_use(event);
    const Recorded& entry = recorded(event);
    if (entry.captured) {
      if (!capture_.has_value() || !capture_->recorded(event)) {
        refuse(name_of(stream) + " waits for " + name_of(event) +
               ", which was recorded in a capture that is over");
      }
      capture_->wait(stream, event);
      return;
    }
    if (captures(stream)) {
      refuse(name_of(stream) + " is captured and waits for " + name_of(event) +
             ", which was recorded outside of the capture");
    }
    // Its own work waits from here on.
    Pending::Id& end = ends_[stream];
    end = pending_.add(static_cast<int>(stream), {end, entry.work}, {});
  }

  void synchronize(Stream stream) override {
    refuse_while_capturing("synchronize");
    pending_.run_until(ends_[stream]);
  }
  void synchronize(Event event) override {
    refuse_while_capturing("synchronize");
    require_use(event, Event::Use::host, "the host waits for it");
    pending_.run_until(reachable(event).work);
  }
  /// The device goes on while the host looks.
  bool reached(Event event) override {
    refuse_while_capturing("reached");
    require_use(event, Event::Use::host, "the host asks for it");
    const Pending::Id work = reachable(event).work;
    pending_.run_some(work);
    return pending_.done(work);
  }
  double milliseconds(Event from, Event to) override {
    for (const Event event : {from, to}) require_use(event, Event::Use::time, "its time is asked");
    const Recorded& begin = reachable(from);
    const Recorded& end = reachable(to);
    if (!pending_.done(begin.work) || !pending_.done(end.work)) {
      refuse("time between events that were not reached yet");
    }
    return std::chrono::duration<double, std::milli>(end.reached - begin.reached).count();
  }

  void begin_capture(Stream stream) override {
    refuse_while_capturing("begin_capture");
    capture_.emplace(stream);
  }
  std::unique_ptr<Graph> end_capture(Stream) override {
    if (!capture_.has_value()) refuse("end_capture without begin_capture");
    Capture capture = std::move(*capture_);
    capture_.reset();
    return capture.end();
  }
  void replay(Stream stream, const Graph& graph) override {
    refuse_while_capturing("replay");
    const auto& nodes = static_cast<const CapturedGraph&>(graph).nodes;
    std::vector<Pending::Id> ids;
    ids.reserve(nodes.size());
    Pending::Id& end = ends_[stream];
    for (const CapturedGraph::Node& node : nodes) {
      std::vector<Pending::Id> needs;
      for (const size_t need : node.needs) needs.push_back(ids[need]);
      if (needs.empty()) needs.push_back(end);
      ids.push_back(pending_.add(node.stream, needs, node.work));
    }
    ids.push_back(end);
    end = pending_.add(static_cast<int>(stream), ids, {});
  }

  void* native(Stream) override { return nullptr; }
  uint64_t launches() const override { return launches_; }

 private:
  using Clock = std::chrono::steady_clock;

  struct Recorded {
    Pending::Id work = 0;
    bool captured = false;
    Clock::time_point reached;
  };

  static size_t rounded(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
  static void* allocate_within(size_t available, size_t bytes) {
    const size_t size = rounded(bytes);
    void* memory = size > available ? nullptr : std::aligned_alloc(kAlignment, size);
    if (memory == nullptr && bytes > 0) {
      throw Error("ERR_MEMORY", "expected " + std::to_string(bytes) +
                                    " bytes, got a machine with " + std::to_string(available) +
                                    " free");
    }
    if (memory != nullptr) std::memset(memory, kGarbage, size);
    return memory;
  }

  [[noreturn]] static void refuse(const std::string& what) {
    throw Error("ERR_DEVICE", "the emulated device refuses: " + what);
  }
  void refuse_while_capturing(const char* what) const {
    if (capture_.has_value()) refuse(std::string(what) + " during a capture");
  }
  bool captures(Stream stream) const { return capture_.has_value() && capture_->has(stream); }

  /// CUDA makes an event once, for the use that is asked of it first.
  void check_use(Event event) {
    if (uses_.try_emplace(event.number, event.use).first->second == event.use) return;
    refuse(name_of(event) + " is used in two ways");
  }
  void require_use(Event event, Event::Use use, const char* what) {
    check_use(event);
    if (event.use != use) refuse(name_of(event) + " was not made so that " + what);
  }
  const Recorded& recorded(Event event) const {
    const auto entry = events_.find(event.number);
    if (entry == events_.end()) refuse(name_of(event) + " was never recorded");
    return entry->second;
  }
  const Recorded& reachable(Event event) const {
    const Recorded& entry = recorded(event);
    if (entry.captured) refuse(name_of(event) + " was recorded in a capture");
    return entry;
  }

  Pending::Id enqueue(Stream stream, std::function<void()> work) {
    if (captures(stream)) {
      capture_->add(stream, std::move(work));
      return 0;
    }
    Pending::Id& end = ends_[stream];
    end = pending_.add(static_cast<int>(stream), {end}, std::move(work));
    return end;
  }
  void copy(Stream stream, void* to, const void* from, size_t bytes) {
    if (bytes > 0) enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  }

  static constexpr uint64_t kLaunchesOfASeed = uint64_t{1} << 32;

  Properties properties_;
  const size_t memory_;            // 0: the host's
  std::atomic<size_t> taken_ = 0;  // read by any thread
  std::map<void*, size_t> sizes_;  // of what is allocated
  uint64_t seed_;
  uint64_t run_ = 0;  // launches that have run
  Pending pending_;
  std::map<Stream, Pending::Id> ends_;  // last piece of work
  std::map<int, Recorded> events_;      // by number
  std::map<int, Event::Use> uses_;
  std::optional<Capture> capture_;
  uint64_t launches_ = 0;
};

/// Counts launches; nothing is allocated, copied or computed.
class RecordingRuntime : public Runtime {
 public:
  explicit RecordingRuntime(const Emulation& settings)
      : properties_(properties_of("recording", settings)) {}
  const Properties& properties() const override { return properties_; }
  void* allocate(size_t bytes) override {
    void* address = reinterpret_cast<void*>(next_);
    next_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return address;
  }
  void free(void*) noexcept override {}
  size_t available_bytes() const override { return size_t{1} << 50; }
  size_t reserved_bytes() const override { return 0; }
  /// The host writes there.
  void* allocate_pinned(size_t bytes) override { return std::malloc(bytes); }
  void free_pinned(void* memory) noexcept override { std::free(memory); }
  void launch(Stream, const Launch&) override { ++launches_; }
  void copy_to_device(Stream, void*, const void*, size_t) override {}
  void copy_to_host(Stream, void*, const void*, size_t) override {}
  void copy_on_device(Stream, void*, const void*, size_t) override {}
  void fill(Stream, void*, uint8_t, size_t) override {}
  void record(Stream, Event) override {}
  void wait(Stream, Event) override {}
  void synchronize(Stream) override {}
  void synchronize(Event) override {}
  bool reached(Event) override { return true; }
  double milliseconds(Event, Event) override { return 0; }
  void begin_capture(Stream) override {}
  std::unique_ptr<Graph> end_capture(Stream) override { return std::make_unique<Graph>(); }
  void replay(Stream, const Graph&) override {}
  void* native(Stream) override { return nullptr; }
  uint64_t launches() const override { return launches_; }

 private:
  Properties properties_;
  uintptr_t next_ = uintptr_t{1} << 40;  // no address of anything
  uint64_t launches_ = 0;
};

}  // namespace

}  // namespace emulation

std::unique_ptr<Runtime> make_runtime(const Settings& settings) {
  if (settings.index != 0) {
    throw Error("ERR_DEVICE",
                "expected device 0, the only emulated one, got " + std::to_string(settings.index));
  }
  const Emulation emulated = settings.emulated();
  if (emulated.record_only) return std::make_unique<emulation::RecordingRuntime>(emulated);
  return std::make_unique<emulation::EmulatedRuntime>(emulated);
}

}  // namespace preresnet::cuda
