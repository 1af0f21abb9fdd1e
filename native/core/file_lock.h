// A lock of the kernel on an open file, for as long as somebody keeps it.
#pragma once
#include <memory>

namespace preresnet {

/// An open-file-description lock: other descriptors conflict with it, those of the same process
/// too, and it ends with the process, however that ends.
class FileLock {
 public:
  /// Of the file that this descriptor has open for writing; the descriptor may be closed
  /// afterwards. Does not wait: null where another one has the lock. ERR_UNSUPPORTED where the file
  /// system has no locks, ERR_FILE for any other failure.
  static std::unique_ptr<FileLock> take(int descriptor);

  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace preresnet
