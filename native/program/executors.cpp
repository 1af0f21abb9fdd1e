#include "core/error.h"
#include "core/system.h"
#include "program/host_session.h"

namespace preresnet {

std::unique_ptr<Executor> make_executor(const std::string& device, int threads, bool keep_weights) {
  if (device == "reference") return make_reference_executor();
  if (device == "cpu") {
    return make_cpu_executor(threads > 0 ? threads : allowed_threads(), keep_weights);
  }
  throw Error("ERR_DEVICE", "expected device \"reference\" or \"cpu\", got \"" + device + "\"");
}

}  // namespace preresnet
