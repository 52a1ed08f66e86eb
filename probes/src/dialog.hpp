// The steps of a dialog, compiled once. No sockets here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/probes/dialog.hpp"

namespace tocsin::probes {

class Dialog {
 public:
  /// What follows from a step that matched.
  struct Reply {
    std::string send;
    std::vector<core::Label> labels;
  };

  /// Throws std::invalid_argument where `check_dialog` has something to say.
  explicit Dialog(std::vector<DialogStep> steps);
  ~Dialog();
  Dialog(Dialog&&) noexcept;
  Dialog& operator=(Dialog&&) noexcept;

  [[nodiscard]] const std::vector<DialogStep>& steps() const { return steps_; }
  /// Holds what the peer said against the step's `expect`. Nothing if it does not match.
  [[nodiscard]] std::optional<Reply> match(std::size_t step, std::string_view said) const;

 private:
  struct Compiled;
  std::vector<DialogStep> steps_;
  std::vector<std::unique_ptr<Compiled>> compiled_;  // null where nothing is expected
};

/// Text of a peer for a message to a person: what cannot be printed is replaced, and what is long is cut.
[[nodiscard]] std::string shown(std::string_view text);
inline constexpr std::size_t most_shown = 100;  // bytes

}  // namespace tocsin::probes
