// Memories come from a file that a disk may have damaged: whatever they are, reading them ends in a state or in a note,
// and a group goes on with what it took for good.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "src/memory_codec.hpp"
#include "tocsin/core/yaml.hpp"
#include "tocsin/rules/group.hpp"

namespace {

using namespace tocsin;

template <class T>
void comes_back(const std::optional<T>& value, std::optional<T> (*decode)(std::string_view)) {
  if (!value) return;
  const std::string once = rules::encode(*value);
  const auto again = decode(once);
  if (!again || rules::encode(*again) != once) std::abort();
}

std::vector<rules::GroupSpec> read(const char* text) {
  core::Diagnostics diagnostics;
  const auto file = std::make_shared<core::SourceFile>(core::SourceFile{"r.yml", text});
  return rules::parse_rule_file(core::parse_yaml(file, diagnostics), diagnostics);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  comes_back(rules::decode_alert(text), rules::decode_alert);
  comes_back(rules::decode_series(text), rules::decode_series);
  comes_back(rules::decode_names(text), rules::decode_names);
  comes_back(rules::decode_time(text), rules::decode_time);
  if (const auto key = rules::decode_key(text)) {
    if (rules::decode_key(rules::encode("", *key)) != key) std::abort();
  }
  if (size < 2) return 0;
  // One memory: which rule and what kind, then a key's end and a value.
  static const auto specs = {read("groups: [{name: g, rules: [{alert: A, expr: x > 1, keep_firing_for: 1m}]}]"),
                             read("thresholds: [{alert: A, all: [{metric: x, above: 1}, {metric: y, below: 1}]}]")};
  const std::size_t cut = bytes[0] % size;
  for (const auto& groups : specs) {
    store::Store store{store::Limits{}};
    rules::Group group(groups.at(0), rules::GroupSettings{}, store);
    const auto mark = rules::rule_hash(group.spec().rules.at(0));
    std::vector<core::Memory> memories;
    for (const char kind : {'g', 'a', 'u', 'n', 's'}) {
      rules::MemoryKey key{static_cast<rules::MemoryKey::Kind>(kind),
                           {mark, 0},
                           rules::stable_hash(group.spec().rules.at(0).expression),
                           bytes[1] % 3U,
                           {}};
      if (kind == 'a' || kind == 'u') key.labels = core::Labels{{"alertname", "A"}};
      memories.push_back({rules::encode(group.memory_prefix(), key), std::string(text.substr(cut))});
      memories.push_back(
          {group.memory_prefix() + kind + std::string(text.substr(0, cut)), std::string(text.substr(cut))});
    }
    (void)group.restore(memories, {core::from_millis(1'700'000'000'000), std::chrono::hours{1}, std::nullopt});
    (void)group.evaluate(core::from_millis(1'700'000'015'000), {});
    (void)group.status();
    (void)group.forget();
  }
  return 0;
}
