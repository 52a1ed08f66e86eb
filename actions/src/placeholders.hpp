// What may stand in a call to a platform, and where. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tocsin/actions/machine.hpp"
#include "tocsin/actions/spec.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::actions {

/// What the placeholders stand for; `id` is empty when only something is read.
struct Placeholders {
  std::string from;
  std::string to;
  std::string target;
  std::string id;
  std::uint64_t key = 0;
  core::Labels labels;
};

/// Whether a call to set the target may be made with these values at all: each value that is used fits its type and,
/// where there is one, its list. Empty, or what is wrong. The gate asks it before anything is begun.
[[nodiscard]] std::string unfit(const ActionSpec& spec, const Call& call, const Placeholders& values);

/// A text with its placeholders replaced, each once and from left to right. Fails as `unfit` says.
[[nodiscard]] core::Result<std::string> fill(const ActionSpec& spec, std::string_view text, const Placeholders& values);

/// The same for a URL: what is filled in is percent-encoded.
[[nodiscard]] core::Result<std::string> fill_url(const ActionSpec& spec, std::string_view url,
                                                 const Placeholders& values);

}  // namespace tocsin::actions
