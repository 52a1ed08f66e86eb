// What a platform says: values taken out of it, a Scale object, and the words that people are told of it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/extract.hpp"
#include "src/scale.hpp"
#include "src/words.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tocsin::actions::Extract;
  const std::string text(reinterpret_cast<const char*>(data), size);
  // The first line is what is looked for, the rest is what was said.
  const std::size_t end = text.find('\n');
  const std::string first = text.substr(0, end);
  const std::string_view rest = end == std::string::npos ? std::string_view() : std::string_view(text).substr(end + 1);
  for (const Extract::Kind kind :
       {Extract::Kind::whole, Extract::Kind::json, Extract::Kind::regex, Extract::Kind::lines, Extract::Kind::format}) {
    Extract how;
    how.kind = kind;
    how.expression = first;
    const auto value = tocsin::actions::extract(how, rest);
    if (value && (value->empty() || value->size() > 256)) std::abort();
  }
  const auto reading = tocsin::actions::reading_of_scale(rest);
  if (reading && (reading->value.empty() || reading->version.empty())) std::abort();

  tocsin::actions::Secrets secrets;
  tocsin::actions::add_secret(secrets, first);
  for (const std::string& words :
       {tocsin::actions::first_line(rest, secrets), tocsin::actions::reason_in(rest, secrets)}) {
    if (words.size() > 203) std::abort();
    for (const char letter : words) {
      if (static_cast<unsigned char>(letter) < 0x20) std::abort();
    }
  }
  return 0;
}
