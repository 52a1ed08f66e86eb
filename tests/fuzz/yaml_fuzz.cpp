// Anything may stand in a file: the tree is bounded, every complaint renders, and what was read is written so that it
// reads the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "tocsin/core/yaml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::core;
  const auto* begin = reinterpret_cast<const char*>(data);
  const auto parse = [](std::string text, Diagnostics& diagnostics) {
    return parse_yaml(std::make_shared<const SourceFile>(SourceFile{"fuzz", std::move(text)}), diagnostics);
  };
  Diagnostics diagnostics;
  const YamlDocument document = parse(std::string(begin, begin + size), diagnostics);
  static_cast<void>(diagnostics.render());
  static_cast<void>(write_json(document.root));
  if (diagnostics.has_errors()) return 0;
  const std::string written = write_yaml(document.root);
  Diagnostics none;
  const YamlDocument again = parse(written, none);
  if (none.has_errors() || write_yaml(again.root) != written) std::abort();
  return 0;
}
