// Who of the images that wait may be decoded.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

namespace preresnet {

struct DecodeLimits {
  int64_t most = 1;    // images at a time; one place is for small ones, where there are several
  int64_t small = 0;   // pixels of the largest small image
  int64_t budget = 0;  // pixels of all large images at a time, together; one that has more goes
                       // without other large ones
};

/// Lets images through in the order they came, but for this: small ones go past large ones that may
/// not begin yet. They take nothing that these wait for: a place that becomes free is for whoever
/// has waited longest and may take it. Not for several threads at a time.
class DecodeTurns {
 public:
  explicit DecodeTurns(const DecodeLimits& limits) : limits_(limits) {}

  /// Its number, by which it is known from now on.
  uint64_t add(int64_t pixels);
  /// One that may begin, and counts as begun then.
  std::optional<uint64_t> begin();
  /// Of one that has begun.
  void end(uint64_t number);
  /// False where it does not wait.
  bool remove(uint64_t number);

 private:
  struct Image {
    uint64_t number = 0;
    int64_t cost = 0;  // of the budget; 0: small
  };

  std::deque<Image>* next();

  DecodeLimits limits_;
  uint64_t arrivals_ = 0;
  std::deque<Image> small_, large_;  // that wait
  std::unordered_map<uint64_t, int64_t> running_;
  int64_t large_running_ = 0;
  int64_t cost_ = 0;
};

}  // namespace preresnet
