#include "icmp/echo.hpp"

namespace tocsin::probes::icmp {
namespace {

constexpr std::size_t header_size = 8;  // type, code, checksum, identifier, sequence
constexpr char v4_request = 8;
constexpr char v4_reply = 0;
constexpr char v6_request = '\x80';
constexpr char v6_reply = '\x81';

void put(std::string& text, std::uint16_t number) {
  text += static_cast<char>(number >> 8U);
  text += static_cast<char>(number & 0xffU);
}

}  // namespace

std::uint16_t checksum(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint32_t byte = static_cast<unsigned char>(bytes[i]);
    sum += i % 2 == 0 ? byte << 8U : byte;
    sum = (sum & 0xffffU) + (sum >> 16U);
  }
  return static_cast<std::uint16_t>(~sum);
}

std::string echo_request(const Echo& echo, std::string_view payload) {
  std::string message;
  message.reserve(header_size + payload.size());
  message += echo.v6 ? v6_request : v4_request;
  message += '\0';
  put(message, 0);
  put(message, echo.id);
  put(message, echo.sequence);
  message += payload;
  if (echo.v6) return message;
  const std::uint16_t sum = checksum(message);
  message[2] = static_cast<char>(sum >> 8U);
  message[3] = static_cast<char>(sum & 0xffU);
  return message;
}

bool is_reply(std::string_view message, std::string_view request, bool v6, bool check_id) {
  if (message.size() != request.size() || message.size() < header_size) return false;
  if (message[0] != (v6 ? v6_reply : v4_reply) || message[1] != '\0') return false;
  const std::size_t from = check_id ? 4 : 6;
  return message.substr(from) == request.substr(from);
}

}  // namespace tocsin::probes::icmp
