// The ranks of a run, watched: whoever fails, falls silent or goes ends the waiting of all others
// within seconds, with a message that names it.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "communicator/engine.h"
#include "interfaces/communicator.h"

namespace preresnet {

class Ranks {
 public:
  /// silence: seconds after which a rank that says nothing counts as gone.
  Ranks(std::unique_ptr<Engine>, double silence);
  ~Ranks();

  int64_t rank() const { return engine_->rank(); }
  int64_t ranks() const { return engine_->ranks(); }
  std::string engine() const { return engine_->name(); }

  /// Two rows of exchanges that do not disturb each other: of a session's thread, and of everybody
  /// else.
  Communicator& steps() { return steps_; }
  Communicator& control() { return control_; }

  /// What the others say of this rank if it falls silent: "step 14", "validation".
  void doing(const std::string& what);
  /// Does nothing after a failure or once all have left.
  void fail(const std::string& message);
  /// Waits until all have left. ERR_RANK where one fails before, or stands still when all have.
  /// Exchanges end with ERR_DISPOSED from then on.
  void leave();

 private:
  using Clock = std::chrono::steady_clock;

  /// Exchanges lie in memory of its own: where a rank fails, what another still sends must not
  /// arrive in memory that was freed.
  class Channel final : public Communicator {
   public:
    Channel(Ranks& owner, int number) : owner_(owner), number_(number) {}
    int64_t rank() const override { return owner_.rank(); }
    int64_t ranks() const override { return owner_.ranks(); }
    void all_gather(const void* mine, void* all, size_t bytes) override;
    void all_to_all(const void* mine, void* theirs, size_t bytes) override;
    void broadcast(void* values, size_t bytes) override;
    void add_up(float* values, size_t count) override;
    void fail(const std::string& message) override { owner_.fail(message); }

   private:
    void exchange(Exchange::Kind, const void* from, size_t sent, void* to, size_t received,
                  size_t row);

    Ranks& owner_;
    int number_;
    std::mutex turn_;
    std::vector<std::byte> sent_, received_;
  };

  struct Other {
    Clock::time_point heard;
    std::string doing;
    bool left = false;
  };

  void wait_for(uint64_t exchange);
  void throw_if_failed();
  void throw_if_closed() const;
  void watch();
  void stop_watching();
  void close();
  void say_beat();
  void listen();
  void take(const Note&);
  void look_for_silence(Clock::time_point now);
  /// To rank 0, which passes it on, or from there to all others but `origin`.
  void tell(const Note&, int64_t origin);
  void tell_of_failure();
  void note_failure(const std::string& text);
  /// "rank 1 of 4 (host, process 7)"
  std::string own_name() const;

  std::shared_ptr<Engine> engine_;
  const std::string where_;  // host and process
  const std::chrono::duration<double> silence_;
  std::mutex engine_mutex_;          // held for every call of the engine
  std::atomic<bool> closed_{false};  // changed under engine_mutex_

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::string failure_, doing_ = "start";
  std::vector<Other> others_;
  int64_t left_ = 0;
  bool ends_ = false;
  std::atomic<bool> failed_{false}, somebody_left_{false};

  Channel steps_{*this, 1}, control_{*this, 0};
  std::thread watcher_;
};

}  // namespace preresnet
