#include "core/file_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "core/error.h"

namespace preresnet {

namespace {

/// On the whole file, for fcntl.
struct flock request(short type) {
  struct flock whole = {};
  whole.l_type = type;
  whole.l_whence = SEEK_SET;
  return whole;
}

std::string reason(int code) { return std::generic_category().message(code); }

}  // namespace

std::unique_ptr<FileLock> FileLock::take(int descriptor) {
  // A duplicate shares the open file description, to which the lock belongs.
  const int own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (own < 0) throw Error("ERR_FILE", "cannot keep a file open for its lock: " + reason(errno));
  std::unique_ptr<FileLock> lock(new FileLock(own));
  struct flock whole = request(F_WRLCK);
  if (fcntl(own, F_OFD_SETLK, &whole) == 0) return lock;
  switch (const int code = errno; code) {
    case EAGAIN:
    case EACCES:
      return nullptr;
    case EINVAL:
    case ENOLCK:
    case ENOSYS:
    case EOPNOTSUPP:
      throw Error("ERR_UNSUPPORTED", "the file system has no locks: " + reason(code));
    default:
      throw Error("ERR_FILE", "cannot lock a file: " + reason(code));
  }
}

FileLock::~FileLock() {
  // A child that was forked, and has not begun its own program yet, shares the description: closing
  // alone would leave the lock to it.
  struct flock whole = request(F_UNLCK);
  fcntl(descriptor_, F_OFD_SETLK, &whole);
  close(descriptor_);
}

}  // namespace preresnet
