#include <dlfcn.h>

#include <map>

#include "communicator/engine.h"
#include "core/error.h"
#include "interfaces/mpi_api.h"

namespace preresnet {

namespace {

const preresnet_mpi_api& open_library(const std::string& file) {
  // MPI opens parts of its own, which look for its symbols.
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    throw Error("ERR_DEVICE", "MPI: " + std::string(dlerror()) +
                                  "; build it against the MPI of this machine: npx preresnet "
                                  "build --mpi");
  }
  using GetApi = const preresnet_mpi_api* (*)(uint32_t);
  const auto get = reinterpret_cast<GetApi>(dlsym(library, "preresnet_mpi_get_api"));
  const preresnet_mpi_api* api = get == nullptr ? nullptr : get(PRERESNET_MPI_API_VERSION);
  if (api == nullptr) {
    throw Error("ERR_DEVICE", "MPI: " + file + " is of another version: npx preresnet build --mpi");
  }
  return *api;
}

constexpr bool same(Exchange::Kind ours, preresnet_mpi_kind theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(same(Exchange::Kind::all_gather, PRERESNET_MPI_ALL_GATHER) &&
                  same(Exchange::Kind::all_to_all, PRERESNET_MPI_ALL_TO_ALL) &&
                  same(Exchange::Kind::broadcast, PRERESNET_MPI_BROADCAST) &&
                  same(Exchange::Kind::add_up, PRERESNET_MPI_ADD_UP),
              "the library numbers the kinds of exchanges in the same way");

class MpiEngine final : public Engine {
 public:
  explicit MpiEngine(const std::string& file) : api_(open_library(file)) {
    char library[256] = "";
    check(api_.open(&rank_, &ranks_, library, sizeof library, &error_), "ERR_DEVICE");
    name_ = library;
  }

  int64_t rank() const override { return rank_; }
  int64_t ranks() const override { return ranks_; }
  std::string name() const override { return name_; }

  uint64_t start(const Exchange& exchange) override {
    preresnet_mpi_request* request = nullptr;
    check(api_.start(static_cast<int32_t>(exchange.kind), exchange.channel, exchange.mine,
                     exchange.theirs, exchange.bytes, &request, &error_));
    pending_[next_] = request;
    return next_++;
  }

  bool finished(uint64_t exchange) override {
    const auto entry = pending_.find(exchange);
    int32_t done = 0;
    check(api_.finished(entry->second, &done, &error_));
    if (done != 0) pending_.erase(entry);
    return done != 0;
  }

  void send(int64_t to, const Note& note) override {
    check(api_.send(static_cast<int32_t>(to), &note, sizeof note, &error_));
  }

  bool receive(Note* note) override {
    int32_t received = 0;
    check(api_.receive(note, sizeof *note, &received, &error_));
    return received != 0;
  }

  void close() override { check(api_.close(&error_)); }

 private:
  void check(int status, const char* code = "ERR_RANK") const {
    if (status != 0) throw Error(code, "MPI: " + std::string(error_.message));
  }

  const preresnet_mpi_api& api_;
  preresnet_mpi_error error_{};
  int32_t rank_ = 0, ranks_ = 1;
  std::string name_;
  uint64_t next_ = 0;
  std::map<uint64_t, preresnet_mpi_request*> pending_;
};

}  // namespace

std::unique_ptr<Engine> make_mpi_engine(const std::string& library) {
  return std::make_unique<MpiEngine>(library);
}

}  // namespace preresnet
