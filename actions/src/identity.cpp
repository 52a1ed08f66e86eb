#include "src/identity.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>

namespace tocsin::actions {
namespace {

// FNV-1a; every field is preceded by its length, so that no two lists of fields are the same bytes.
std::uint64_t hash(std::uint64_t seed, std::initializer_list<std::string_view> fields) {
  std::uint64_t value = seed;
  const auto add = [&value](unsigned char byte) { value = (value ^ byte) * 0x100000001b3ULL; };
  for (const std::string_view field : fields) {
    for (unsigned shift = 0; shift < 64; shift += 8)
      add(static_cast<unsigned char>(static_cast<std::uint64_t>(field.size()) >> shift));
    for (const char letter : field) add(static_cast<unsigned char>(letter));
  }
  // FNV's last bytes reach few bits; this spreads them (the finalizer of MurmurHash3).
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdULL;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return value ^ (value >> 33);
}

std::string name(std::initializer_list<std::string_view> fields) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t half : {hash(0xcbf29ce484222325ULL, fields), hash(0x9ae16a3b2f90404fULL, fields)}) {
    for (unsigned shift = 64; shift > 0; shift -= 4) text += digits[(half >> (shift - 4)) & 0xfU];
  }
  return text;
}

}  // namespace

Episode episode_of(const core::Alert& alert) {
  return {alert.labels.to_string(), alert.fired_at.value_or(alert.active_at)};
}

std::string decision_id(std::string_view action, std::string_view target, const Episode& episode) {
  return name({action, target, episode.alert, std::to_string(core::to_millis(episode.since))});
}

std::string run_id(std::string_view action, std::string_view target, const Episode& episode, std::string_view from,
                   std::string_view to, unsigned attempt) {
  return name({action, target, episode.alert, std::to_string(core::to_millis(episode.since)), from, to,
               std::to_string(attempt)});
}

}  // namespace tocsin::actions
