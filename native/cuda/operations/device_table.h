// A small table that kernels read, in device memory of its own; written once.
#pragma once
#include <cstring>
#include <vector>

#include "cuda/runtime.h"

namespace preresnet::cuda {

template <class T>
class DeviceTable {
 public:
  DeviceTable(Runtime& runtime, const std::vector<T>& rows) : runtime_(runtime) {
    if (rows.empty()) return;
    const size_t bytes = rows.size() * sizeof(T);
    data_ = runtime.allocate(bytes);
    void* pinned = nullptr;
    try {
      pinned = runtime.allocate_pinned(bytes);
      std::memcpy(pinned, rows.data(), bytes);
      runtime.copy_to_device(Stream{0}, data_, pinned, bytes);
      runtime.synchronize(Stream{0});
    } catch (...) {
      if (pinned != nullptr) runtime.free_pinned(pinned);
      runtime.free(data_);
      throw;
    }
    runtime.free_pinned(pinned);
  }
  ~DeviceTable() {
    if (data_ != nullptr) runtime_.free(data_);
  }
  DeviceTable(const DeviceTable&) = delete;
  DeviceTable& operator=(const DeviceTable&) = delete;

  const T* data() const { return static_cast<const T*>(data_); }

 private:
  Runtime& runtime_;
  void* data_ = nullptr;
};

}  // namespace preresnet::cuda
