// DNS messages from the network.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dns/message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::probes::dns;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Question question;
  question.name = "a.test";
  static const std::string query = write_query(question, 0x1234).value();
  static_cast<void>(answers(bytes, query));
  Wanted all;
  all.answer = all.authority = all.additional = true;
  if (const auto reply = read_reply(bytes, all)) {
    if (reply->answer.size() != reply->answers || reply->authority.size() != reply->authorities) std::abort();
  }
  // A name from the configuration.
  question.name = std::string(bytes.substr(0, 300));
  static_cast<void>(write_query(question, 1));
  return 0;
}
