#include "communicator/ranks.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <future>
#include <utility>

#include "core/error.h"

namespace preresnet {

namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 50ms;
constexpr auto kBeat = 500ms;
/// How long a rank waits for one that has left: what both have still to exchange may be under way.
constexpr auto kAfterLeaving = 2s;
/// Failures are passed on for so long.
constexpr auto kAfterFailure = 2s;
/// Polls between which a waiting thread only lets others run; later it sleeps.
constexpr int kEagerPolls = 2000;
constexpr auto kNap = 100us;

std::string host_and_process() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return std::string(host) + ", process " + std::to_string(getpid());
}

std::string seconds_of(std::chrono::duration<double> time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g s", time.count());
  return text;
}

Note note(Note::Kind kind, int64_t from, const std::string& text) {
  Note made;
  made.kind = kind;
  made.from = static_cast<int32_t>(from);
  std::snprintf(made.text, sizeof made.text, "%s", text.c_str());
  return made;
}

}  // namespace

Ranks::Ranks(std::unique_ptr<Engine> engine, double silence)
    : engine_(std::move(engine)), where_(host_and_process()), silence_(silence) {
  others_.resize(static_cast<size_t>(ranks()));
  for (Other& other : others_) other.heard = Clock::now();
  watcher_ = std::thread([this] { watch(); });
}

Ranks::~Ranks() { stop_watching(); }

void Ranks::stop_watching() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  if (watcher_.joinable()) watcher_.join();
}

std::string Ranks::own_name() const {
  return "rank " + std::to_string(rank()) + " of " + std::to_string(ranks()) + " (" + where_ + ")";
}

void Ranks::doing(const std::string& what) {
  const std::lock_guard lock(mutex_);
  doing_ = what;
}

void Ranks::fail(const std::string& message) {
  if (failed_ || closed_) return;
  note_failure(own_name() + ": " + message);
  tell_of_failure();
}

void Ranks::leave() {
  if (closed_) return;
  tell(note(Note::Kind::leave, rank(), ""), rank());
  std::unique_lock lock(mutex_);
  ++left_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return left_ == ranks() || failed_; });
  // Others are to hear of a failure before this process ends: who launched it may end them at once.
  if (failed_) changed_.wait_for(lock, kAfterFailure, [this] { return ends_; });
  lock.unlock();
  throw_if_failed();
  stop_watching();
  close();
}

/// The engine ends only together with all ranks, of which nobody hears any more: one that stands
/// still from here on is not waited for.
void Ranks::close() {
  {
    const std::lock_guard lock(engine_mutex_);
    closed_ = true;
  }
  std::packaged_task<void()> closing([engine = engine_] { engine->close(); });
  std::future<void> closed = closing.get_future();
  std::thread(std::move(closing)).detach();
  if (closed.wait_for(silence_) == std::future_status::ready) return closed.get();
  throw Error("ERR_RANK", own_name() + ": all ranks have ended their run, but " + engine_->name() +
                              " has not ended within " + seconds_of(silence_) +
                              ": one of them stands still or cannot be reached");
}

void Ranks::note_failure(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (failed_) return;
  failure_ = text;
  failed_ = true;
  changed_.notify_all();
}

void Ranks::throw_if_failed() {
  if (!failed_) return;
  const std::lock_guard lock(mutex_);
  throw Error("ERR_RANK", failure_);
}

void Ranks::throw_if_closed() const {
  if (closed_) throw Error("ERR_DISPOSED", "the ranks have ended their run");
}

void Ranks::tell(const Note& message, int64_t origin) {
  const std::lock_guard lock(engine_mutex_);
  if (closed_) return;
  if (rank() != 0) return engine_->send(0, message);
  for (int64_t to = 1; to < ranks(); ++to) {
    if (to != origin) engine_->send(to, message);
  }
}

void Ranks::tell_of_failure() {
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    text = failure_;
  }
  try {
    tell(note(Note::Kind::failure, rank(), text), rank());
  } catch (const Error&) {
    // What failed first is what is to be said. The others miss this rank once it has ended.
  }
}

// ---- exchanges

void Ranks::wait_for(uint64_t exchange) {
  Clock::time_point since_leaving{};
  for (int polls = 0;; ++polls) {
    {
      const std::lock_guard lock(engine_mutex_);
      throw_if_closed();
      if (engine_->finished(exchange)) return;
    }
    throw_if_failed();
    if (polls < kEagerPolls) {
      std::this_thread::yield();
      continue;
    }
    std::this_thread::sleep_for(kNap);
    if (!somebody_left_) continue;
    if (since_leaving == Clock::time_point{}) since_leaving = Clock::now();
    if (Clock::now() - since_leaving > kAfterLeaving) {
      fail("waits for ranks of which some have ended their run");
      throw_if_failed();
    }
  }
}

void Ranks::Channel::exchange(Exchange::Kind kind, const void* from, size_t sent, void* to,
                              size_t received, size_t row) {
  const std::lock_guard turn(turn_);
  owner_.throw_if_failed();
  if (sent_.size() < sent) sent_.resize(sent);
  if (received_.size() < received) received_.resize(received);
  const bool in_place = from == nullptr;
  std::memcpy(in_place ? received_.data() : sent_.data(), in_place ? to : from, sent);
  uint64_t started;
  {
    const std::lock_guard lock(owner_.engine_mutex_);
    owner_.throw_if_closed();
    started = owner_.engine_->start({.kind = kind,
                                     .channel = number_,
                                     .mine = in_place ? nullptr : sent_.data(),
                                     .theirs = received_.data(),
                                     .bytes = row});
  }
  owner_.wait_for(started);
  std::memcpy(to, received_.data(), received);
}

void Ranks::Channel::all_gather(const void* mine, void* all, size_t bytes) {
  const auto rows = static_cast<size_t>(ranks());
  exchange(Exchange::Kind::all_gather, mine, bytes, all, rows * bytes, bytes);
}

void Ranks::Channel::all_to_all(const void* mine, void* theirs, size_t bytes) {
  const size_t all = static_cast<size_t>(ranks()) * bytes;
  exchange(Exchange::Kind::all_to_all, mine, all, theirs, all, bytes);
}

void Ranks::Channel::broadcast(void* values, size_t bytes) {
  // In pieces: an engine counts in int, and the memory of its own stays small.
  constexpr size_t kPiece = size_t{8} << 20;
  for (size_t begin = 0; begin < bytes; begin += kPiece) {
    const size_t piece = bytes - begin < kPiece ? bytes - begin : kPiece;
    auto* at = static_cast<std::byte*>(values) + begin;
    exchange(Exchange::Kind::broadcast, nullptr, piece, at, piece, piece);
  }
}

void Ranks::Channel::add_up(float* values, size_t count) {
  const size_t bytes = count * sizeof(float);
  exchange(Exchange::Kind::add_up, nullptr, bytes, values, bytes, bytes);
}

// ---- watching

void Ranks::watch() {
  Clock::time_point ticked = Clock::now(), beaten{}, failed{};
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, kTick, [this] { return ends_; })) return;
    }
    const Clock::time_point now = Clock::now();
    // This process itself stood still, perhaps together with all others.
    if (now - ticked > silence_ / 2) {
      const std::lock_guard lock(mutex_);
      for (Other& other : others_) other.heard = now;
    }
    ticked = now;
    if (failed_) {
      if (failed == Clock::time_point{}) failed = now;
      if (now - failed > kAfterFailure) return;
    }
    try {
      if (now - beaten > kBeat) {
        say_beat();
        beaten = now;
      }
      listen();
    } catch (const Error& error) {
      // The engine's own. It may be that another rank is gone.
      fail(error.what());
    }
    if (!failed_) look_for_silence(now);
  }
}

void Ranks::say_beat() {
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    text = where_ + ": " + doing_;
  }
  tell(note(Note::Kind::beat, rank(), text), rank());
}

void Ranks::listen() {
  Note message;
  for (;;) {
    {
      const std::lock_guard lock(engine_mutex_);
      if (!engine_->receive(&message)) return;
    }
    take(message);
  }
}

void Ranks::take(const Note& message) {
  {
    const std::lock_guard lock(mutex_);
    Other& from = others_[static_cast<size_t>(message.from)];
    // Everything comes from rank 0, whoever said it first.
    (rank() == 0 ? from : others_[0]).heard = Clock::now();
    if (message.kind == Note::Kind::beat) from.doing = message.text;
    if (message.kind == Note::Kind::leave && !from.left) {
      from.left = somebody_left_ = true;
      ++left_;
      changed_.notify_all();
    }
  }
  if (message.kind == Note::Kind::failure) note_failure(message.text);
  if (message.kind != Note::Kind::beat && rank() == 0) tell(message, message.from);
}

void Ranks::look_for_silence(Clock::time_point now) {
  std::string found;
  {
    const std::lock_guard lock(mutex_);
    for (size_t from = 0; from < (rank() == 0 ? others_.size() : 1); ++from) {
      const Other& other = others_[from];
      // Who has left says that it is there until all have.
      if (static_cast<int64_t>(from) == rank() || now - other.heard < silence_) continue;
      found = "rank " + std::to_string(from) + " of " + std::to_string(ranks()) +
              " has said nothing for " + seconds_of(silence_) +
              ": it was killed, stands still or " + "cannot be reached; it last was on " +
              (other.doing.empty() ? "no known host" : other.doing);
      break;
    }
  }
  if (found.empty()) return;
  note_failure(found);
  tell_of_failure();
}

}  // namespace preresnet
