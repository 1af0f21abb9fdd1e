#include "cuda/machine.h"

#include <cstring>
#include <string>

#include "core/error.h"
#include "core/system.h"
#include "cuda/settings.h"

namespace preresnet::cuda {

preresnet_cuda_information machine_information() {
  preresnet_cuda_information information{};
  information.size = sizeof information;
  information.emulated = 1;
  information.devices = 1;
  return information;
}

preresnet_cuda_device machine_device(int32_t index) {
  if (index != 0) {
    throw Error("ERR_DEVICE",
                "expected device 0, the only emulated one, got " + std::to_string(index));
  }
  preresnet_cuda_device device{};
  device.size = sizeof device;
  std::strncpy(device.name, "emulated", sizeof device.name - 1);
  device.architecture = 90;
  device.multiprocessors = Emulation{}.multiprocessors;
  device.memory = total_memory();
  device.available = available_memory();
  return device;
}

}  // namespace preresnet::cuda
