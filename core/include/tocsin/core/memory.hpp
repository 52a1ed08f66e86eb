// What must outlive the process of something that changes all the time: its newest value, under a key.
#pragma once

#include <optional>
#include <string>

namespace tocsin::core {

/// `value` is kept under `key` in place of the one before; without a value the key is forgotten. What the value means
/// only its owner knows; it says a version of its own.
struct Memory {
  std::string key;
  std::optional<std::string> value;
};

}  // namespace tocsin::core
