// What the ranks of one run say to each other: processes that run the same programs, each on its
// share of a batch. Every rank makes the same calls in the same order.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace preresnet {

class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int64_t rank() const = 0;
  virtual int64_t ranks() const = 0;

  // Each throws ERR_RANK soon after another rank has failed, and names it.

  /// Row r of `all` becomes what rank r has as `mine`; `bytes`: of one row.
  virtual void all_gather(const void* mine, void* all, size_t bytes) = 0;
  /// Row r of `mine` goes to rank r, and row r of `theirs` comes from it; `bytes`: of one row.
  virtual void all_to_all(const void* mine, void* theirs, size_t bytes) = 0;
  /// Everybody gets what rank 0 has.
  virtual void broadcast(void* values, size_t bytes) = 0;
  /// Sums over all ranks, in the engine's own order.
  virtual void add_up(float* values, size_t count) = 0;

  /// Ends what the others wait for. Every rank that hears of it throws ERR_RANK with this rank,
  /// its host and the message. Does not wait, and does nothing after a failure.
  virtual void fail(const std::string& message) = 0;
};

}  // namespace preresnet
