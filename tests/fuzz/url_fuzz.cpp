// URLs from configuration files and Location headers.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tocsin/net/url.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto url = parse_url(text)) {
    // What is displayed is a URL again, and says the same.
    const auto again = parse_url(url->display());
    if (again && (again->display() != url->display() || !again->user.empty())) std::abort();
    if (url->request_target().find_first_of("\r\n ") != std::string::npos) std::abort();
    if (url->authority().find_first_of("\r\n ") != std::string::npos) std::abort();
  }
  const auto base = parse_url("https://user@host:1/a/b?c");
  if (const auto url = resolve_reference(*base, text)) {
    if (url->request_target().find_first_of("\r\n ") != std::string::npos) std::abort();
  }
  static_cast<void>(query_parameter(text, "query"));
  static_cast<void>(percent_decode(percent_encode(text)) == text ? 0 : (std::abort(), 0));
  return 0;
}
