// The one exception that native code throws. native/addon turns it into a JavaScript error with the
// same code.
#pragma once
#include <stdexcept>
#include <string>

namespace preresnet {

class Error : public std::runtime_error {
 public:
  /// code: stable and documented (docs/errors.md), for example "ERR_PROGRAM".
  Error(std::string code, const std::string& message)
      : std::runtime_error(message), code_(std::move(code)) {}
  const std::string& code() const noexcept { return code_; }

 private:
  std::string code_;
};

}  // namespace preresnet
