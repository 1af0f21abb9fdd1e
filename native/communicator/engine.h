// What carries bytes between ranks: MPI, or the memory of one process. An engine starts exchanges
// and says when they are finished; it never waits. One thread at a time uses it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace preresnet {

struct Exchange {
  enum class Kind : uint8_t { all_gather, all_to_all, broadcast, add_up };

  Kind kind = Kind::all_gather;
  /// Exchanges of a channel are paired in the order in which they were started.
  int channel = 0;
  const void* mine = nullptr;
  void* theirs = nullptr;  // of broadcast and add_up both what is sent and what is received
  size_t bytes = 0;        // of a row, see interfaces/communicator.h
};

/// Short and unasked for, beside all exchanges.
struct Note {
  enum class Kind : int32_t {
    beat,     // text: what the rank is doing
    failure,  // text: why everybody shall end
    leave     // the rank has nothing more to exchange
  };

  Kind kind = Kind::beat;
  int32_t from = 0;
  char text[1024] = "";
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual int64_t rank() const = 0;
  virtual int64_t ranks() const = 0;
  /// The library that it is made of, for people.
  virtual std::string name() const = 0;
  virtual uint64_t start(const Exchange&) = 0;
  /// Forgets the exchange once it says true.
  virtual bool finished(uint64_t exchange) = 0;
  virtual void send(int64_t to, const Note&) = 0;
  virtual bool receive(Note*) = 0;
  /// Once everybody has left.
  virtual void close() = 0;
};

/// Ranks of one process, which name the same meeting. For tests.
struct Emulation {
  std::string meeting;
  int64_t rank = 0, ranks = 1;
  uint64_t seed = 0;  // of the times at which it arrives; 0: at once
  /// It stands still for ever after so many exchanges, as a stopped process does; -1: never.
  int64_t stops_after = -1;
  /// Notes are errors after so many exchanges, as where MPI has lost a process; -1: never.
  int64_t cut_off_after = -1;
  /// It is made when all have come, as MPI is, and until then nobody can end the waiting.
  bool waits_for_all = false;
};
std::unique_ptr<Engine> make_emulated_engine(const Emulation&);

/// By the library that `npx preresnet build --mpi` makes. ERR_DEVICE where it cannot be opened or
/// MPI cannot be started. Once in a process.
std::unique_ptr<Engine> make_mpi_engine(const std::string& library);

}  // namespace preresnet
