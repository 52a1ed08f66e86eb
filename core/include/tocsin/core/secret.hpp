// A secret that does not print itself. What holds one is wiped when it goes.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "tocsin/core/result.hpp"

namespace tocsin::core {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The only way to the text; call it where it goes out, and nowhere else.
  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

/// Where a secret comes from; it is read when it is needed, because files rotate.
struct SecretSource {
  Secret value;      // given in place
  std::string file;  // or a file; one trailing newline is cut
  [[nodiscard]] bool empty() const { return value.empty() && file.empty(); }
  /// Failure::detail names the file, never the content. At most 1 MiB is read.
  [[nodiscard]] Result<Secret> read() const;
  bool operator==(const SecretSource&) const = default;
};

/// True of words such as `password`, `api_key` and `AWS_SECRET_ACCESS_KEY`; not of those that end in `file`: they name
/// where one is.
[[nodiscard]] bool names_a_secret(std::string_view word);

/// `text` with every occurrence of each non-empty secret replaced by `<secret>`.
[[nodiscard]] std::string redact(std::string text, std::string_view secret);

}  // namespace tocsin::core
