#include "dns/message.hpp"

#include <ldns/ldns.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace tocsin::probes::dns {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;

struct Free {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(ldns_rdf* data) const { ldns_rdf_deep_free(data); }
  void operator()(char* text) const { std::free(text); }
  void operator()(std::uint8_t* bytes) const { std::free(bytes); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

constexpr std::size_t header_size = 12;

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

unsigned number_at(std::string_view text, std::size_t at) { return byte_at(text, at) * 256 + byte_at(text, at + 1); }

/// Where a name that begins at `at` ends; nothing if the bytes do not hold it.
std::optional<std::size_t> skip_name(std::string_view bytes, std::size_t at) {
  while (at < bytes.size()) {
    const unsigned length = byte_at(bytes, at);
    if (length >= 0xc0) return at + 2;  // the rest stands elsewhere
    at += 1 + length;
    if (length == 0) return at;
  }
  return std::nullopt;
}

/// Whether a record is a signature (TSIG). We never ask for one, and libldns 1.8 leaks all but the last.
bool is_signed(std::string_view bytes) {
  if (bytes.size() < header_size) return false;
  constexpr unsigned tsig = 250;
  std::size_t at = header_size;
  for (unsigned left = number_at(bytes, 4); left > 0; --left) {
    const auto end = skip_name(bytes, at);
    if (!end) return false;
    at = *end + 4;
  }
  for (unsigned left = number_at(bytes, 6) + number_at(bytes, 8) + number_at(bytes, 10); left > 0; --left) {
    const auto end = skip_name(bytes, at);
    if (!end || *end + 10 > bytes.size()) return false;
    if (number_at(bytes, *end) == tsig) return true;
    at = *end + 10 + number_at(bytes, *end + 8);
  }
  return false;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string text_of(const ldns_rr* record) {
  const Owned<char> text(ldns_rr2str(record));
  std::string line = text ? text.get() : "";
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return line;
}

std::vector<std::string> texts_of(const ldns_rr_list* records) {
  std::vector<std::string> texts;
  const std::size_t count = ldns_rr_list_rr_count(records);
  texts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) texts.push_back(text_of(ldns_rr_list_rr(records, i)));
  return texts;
}

std::optional<Service> service_of(const ldns_rr* record) {
  if (ldns_rr_get_type(record) != LDNS_RR_TYPE_SRV || ldns_rr_rd_count(record) != 4) return std::nullopt;
  Service service;
  service.priority = ldns_rdf2native_int16(ldns_rr_rdf(record, 0));
  service.weight = ldns_rdf2native_int16(ldns_rr_rdf(record, 1));
  service.port = ldns_rdf2native_int16(ldns_rr_rdf(record, 2));
  const Owned<char> host(ldns_rdf2str(ldns_rr_rdf(record, 3)));
  if (!host) return std::nullopt;
  service.host = host.get();
  if (service.host.size() > 1 && service.host.ends_with('.')) service.host.pop_back();
  service.ttl = ldns_rr_ttl(record);
  return service;
}

void read_answer(const ldns_rr_list* records, Reply& reply) {
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    const ldns_rr* record = ldns_rr_list_rr(records, i);
    if (ldns_rr_get_type(record) == LDNS_RR_TYPE_SOA && ldns_rr_rd_count(record) > 2) {
      reply.serial = ldns_rdf2native_int32(ldns_rr_rdf(record, 2));
    }
    if (auto service = service_of(record)) reply.services.push_back(std::move(*service));
  }
}

}  // namespace

core::Result<std::string> write_query(const Question& question, std::uint16_t id) {
  const std::string& name = question.name;
  Owned<ldns_rdf> wire(ldns_dname_new_frm_str(name.empty() ? "." : name.c_str()));
  if (!wire || name.find('\0') != std::string::npos) {
    return Failure{Outcome::internal, Phase::send, "\"" + name + "\" is not a name that can be asked for"};
  }
  const std::uint16_t flags = question.recursion_desired ? LDNS_RD : 0;
  const Owned<ldns_pkt> packet(ldns_pkt_query_new(wire.get(), static_cast<ldns_rr_type>(question.type),
                                                  static_cast<ldns_rr_class>(question.query_class), flags));
  if (!packet) return Failure{Outcome::internal, Phase::send, "the query cannot be made"};
  static_cast<void>(wire.release());  // the packet's by now
  ldns_pkt_set_id(packet.get(), id);
  std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  if (ldns_pkt2wire(&bytes, packet.get(), &size) != LDNS_STATUS_OK) {
    return Failure{Outcome::internal, Phase::send, "the query cannot be written"};
  }
  const Owned<std::uint8_t> owned(bytes);
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

bool answers(std::string_view reply, std::string_view query) {
  if (reply.size() < header_size || reply.substr(0, 2) != query.substr(0, 2)) return false;
  const bool is_reply = (byte_at(reply, 2) & 0x80U) != 0;
  const bool same_opcode = (byte_at(reply, 2) & 0x78U) == (byte_at(query, 2) & 0x78U);
  if (!is_reply || !same_opcode) return false;
  const unsigned questions = number_at(reply, 4);
  const unsigned rcode = byte_at(reply, 3) & 15U;
  if (questions == 0) return rcode != 0;  // who cannot read a question need not repeat it
  // The question is all that follows the query's header; names may change their case.
  const std::string_view asked = query.substr(header_size);
  const std::string_view repeated = reply.substr(header_size, asked.size());
  return questions == 1 && std::equal(asked.begin(), asked.end(), repeated.begin(), repeated.end(),
                                      [](char a, char b) { return lower(a) == lower(b); });
}

core::Result<Reply> read_reply(std::string_view bytes, Wanted texts) {
  if (is_signed(bytes)) {
    return Failure{Outcome::protocol, Phase::parse, "the answer has a signature (TSIG) that was not asked for"};
  }
  ldns_pkt* parsed = nullptr;
  const auto status = ldns_wire2pkt(&parsed, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  const Owned<ldns_pkt> packet(parsed);
  if (status != LDNS_STATUS_OK || !packet) {
    return Failure{Outcome::protocol, Phase::parse,
                   std::string("the answer is not a DNS message: ") + ldns_get_errorstr_by_id(status)};
  }
  Reply reply;
  reply.rcode = ldns_pkt_get_rcode(packet.get());
  reply.truncated = ldns_pkt_tc(packet.get());
  const ldns_rr_list* answer = ldns_pkt_answer(packet.get());
  const ldns_rr_list* authority = ldns_pkt_authority(packet.get());
  const ldns_rr_list* additional = ldns_pkt_additional(packet.get());
  reply.answers = ldns_rr_list_rr_count(answer);
  reply.authorities = ldns_rr_list_rr_count(authority);
  // The OPT record is taken out of the list by the library; blackbox_exporter counts it.
  reply.additionals = ldns_rr_list_rr_count(additional) + (ldns_pkt_edns(packet.get()) ? 1 : 0);
  read_answer(answer, reply);
  if (texts.answer) reply.answer = texts_of(answer);
  if (texts.authority) reply.authority = texts_of(authority);
  if (texts.additional) reply.additional = texts_of(additional);
  return reply;
}

}  // namespace tocsin::probes::dns
