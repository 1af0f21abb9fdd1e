// A set of programs ready to run: its memory, its steps. Used by one thread at a time; cancel() by
// any.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "interfaces/batch_source.h"
#include "interfaces/executor.h"
#include "program/arena.h"
#include "program/convert.h"
#include "program/program.h"

namespace preresnet {

struct SessionMemory {
  size_t arenas = 0;
  size_t scratch = 0;    // of the executor, and the copy of the buffers that makes a step undoable
  size_t available = 0;  // on the device
  size_t total() const { return arenas + scratch; }
};

struct RunRequest {
  int64_t steps = 0;
  uint64_t seed = 0;
  uint64_t first_step = 0;
  std::vector<double> learning_rates;  // one a step, or none
  std::shared_ptr<BatchSource> source;
  uint64_t first_batch = 0;
  bool check_finite = false;
  bool poison = false;
  bool trace = false;
  bool serial = false;  // traced operations one after the other, where they could overlap
  bool collect = false;
  int64_t images = 0;   // that are wanted, at the front of the batch; 0: all
  uint64_t ticket = 0;  // of Session::ticket(), taken when the run was asked for
};

struct RunOutcome {
  std::vector<double>
      rows;  // 6 a step: loss sum, counted, top-1, top-5, seconds waited, seconds run
  int64_t completed = 0;
  bool canceled = false;
  std::vector<int32_t> predictions;
  std::vector<int32_t> labels;
};

struct TraceEvent {
  const ProgramOperation* operation;
  double start;     // microseconds since the run began
  double duration;  // microseconds
};

/// Pixels in, values out: a step of a program without labels and crops, with the copies around it.
struct Inference {
  struct Output {
    std::string tensor;
    std::span<float> target;  // the tensor's first values
  };
  std::string program;
  std::vector<std::span<const uint8_t>> images;  // those that are wanted, at most a batch
  std::vector<Output> outputs;
  uint64_t ticket = 0;  // of Session::ticket(), taken when it was asked for
};

class Session {
 public:
  explicit Session(std::unique_ptr<ProgramSet>);
  virtual ~Session() = default;

  virtual SessionMemory memory() const = 0;
  /// ERR_MEMORY if that is more than is available.
  virtual void allocate() = 0;

  virtual Values read(std::string_view tensor) = 0;
  /// The tensor's first values, see convert.h.
  virtual void read_floats(std::string_view tensor, std::span<float> target) = 0;
  virtual void write(std::string_view tensor, const Values&) = 0;
  /// All values of a floating-point tensor, see convert.h.
  virtual void write_floats(std::string_view tensor, std::span<const float>) = 0;
  /// A plain f32 or f64 tensor of a persistent arena, else ERR_PARAMETER; ERR_UNSUPPORTED where
  /// memory is not the host's. JavaScript may write through it from then on. Any thread.
  virtual const Tensor& viewable(std::string_view tensor) = 0;
  /// Kept alive by whoever holds it, also after the session. Null where the arena lies in another,
  /// whose contents are nobody else's.
  virtual std::shared_ptr<Arena> arena(std::string_view name) const = 0;

  virtual RunOutcome run(std::string_view program, const RunRequest&) = 0;
  /// Every rank's arena becomes that of rank 0. ERR_UNSUPPORTED where there are no ranks.
  virtual void share(std::string_view arena);

  /// Inferences that can be under way: what is asked for in between runs after what has begun.
  virtual size_t most_inferences() const { return 1; }
  /// Images are no longer read when it has begun. ERR_ABORTED where cancel() was called before.
  virtual void begin_inference(const Inference&) = 0;
  /// Whether the oldest one under way is over, for which `wait` waits: its targets have been filled
  /// then. After an error it is no longer under way.
  virtual bool end_inference(bool wait) = 0;

  /// Any thread: runs whose ticket was taken before end between two operations, on a GPU between
  /// two steps.
  void cancel() { ++cancellations_; }
  uint64_t ticket() const { return cancellations_; }

  /// What the executor's threads reach at best. ERR_UNSUPPORTED where speed is no concern, or not
  /// the host's.
  virtual Roofline measure_roofline() = 0;

  /// Of the last run that was traced. Any thread.
  virtual std::vector<TraceEvent> trace() const = 0;

 protected:
  const ProgramSet& set() const { return *set_; }
  ProgramSet& set() { return *set_; }
  /// A tensor that keeps its contents; ERR_PARAMETER for another.
  const Tensor& persistent(std::string_view name) const;
  /// The program of that name; ERR_OPTION where there is none, or where the request does not fit
  /// it.
  const Program& program_for(std::string_view name, const RunRequest&) const;
  /// Where the program's pixels lie. ERR_OPTION where the inference does not fit the program,
  /// ERR_ABORTED where it was canceled.
  const Tensor& images_for(const Inference&) const;

 private:
  std::unique_ptr<ProgramSet> set_;
  std::map<std::string_view, const Tensor*> persistent_;
  std::atomic<uint64_t> cancellations_{0};
};

}  // namespace preresnet
