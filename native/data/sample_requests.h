// Samples whose bytes another thread gives: workers ask and wait, whoever has the bytes delivers
// them. Knows no JavaScript.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace preresnet {

/// What those who wait for the samples of one loader share.
struct SampleBoard {
  std::mutex mutex;
  std::condition_variable settled;
  bool closed = false;
};

/// One sample that was asked for. Settled once; what comes later is dropped.
class SampleRequest {
 public:
  SampleRequest(uint64_t sample, std::shared_ptr<SampleBoard> board)
      : sample_(sample), board_(std::move(board)) {}

  uint64_t sample() const { return sample_; }
  /// The bytes are copied.
  void deliver(const uint8_t* bytes, size_t size);
  void refuse(std::string code, std::string message);

 private:
  friend class SampleRequests;

  const uint64_t sample_;
  const std::shared_ptr<SampleBoard> board_;
  bool settled_ = false;
  std::vector<uint8_t> bytes_;
  std::string code_;  // empty where there are bytes
  std::string message_;
};

class SampleRequests {
 public:
  /// `post` hands a request to whoever settles it and does not wait. It is not called after
  /// close().
  using Post = std::function<void(const std::shared_ptr<SampleRequest>&)>;
  explicit SampleRequests(Post post)
      : post_(std::move(post)), board_(std::make_shared<SampleBoard>()) {}

  std::shared_ptr<SampleRequest> ask(uint64_t sample);
  /// Appends the bytes to `to`. Throws what the request was refused with, and ERR_ABORTED after
  /// close().
  void wait(SampleRequest& request, std::vector<uint8_t>* to);
  void close();

 private:
  const Post post_;
  const std::shared_ptr<SampleBoard> board_;
};

}  // namespace preresnet
