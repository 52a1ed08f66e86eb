// Templates come from people's rule files: no text may crash the parser or run away in the executor.
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "tocsin/rules/template.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace tocsin;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const core::Labels labels{{"instance", "a:1"}, {"job", "b"}};
  const rules::TemplateContext context{core::Labels{{"site", "x"}}, "http://example"};
  try {
    const rules::Template parsed(text);
    (void)parsed.expand({labels, 1.5, core::from_millis(0), context, {}});
  } catch (const std::invalid_argument&) {
    // What does not parse says so.
  }
  return 0;
}
