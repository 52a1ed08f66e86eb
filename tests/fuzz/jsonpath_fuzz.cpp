// A JSONPath and a text, parted by the first newline: neither may crash, and a path that parses finds something or
// nothing.
#include <boost/json/parse.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "actions/src/extract.hpp"
#include "actions/src/jsonpath.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  tocsin::actions::Extract how;
  how.kind = tocsin::actions::Extract::Kind::json;
  how.expression = std::string(input.substr(0, end));
  const std::string_view output = end == std::string_view::npos ? std::string_view() : input.substr(end + 1);
  const auto value = tocsin::actions::extract(how, output);
  return value && value->empty() ? 1 : 0;
}
