#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <type_traits>

#include "load.hpp"

namespace tocsin::daemon {
namespace {

/// Everything that was put in, each part with its length, so that no two lists of parts are alike; then SHA-256.
class Digest {
 public:
  void add(std::string_view part) { parts_ += fmt::format("{}:", part.size()), parts_ += part; }
  void add(bool part) { add(part ? std::string_view("1") : std::string_view("0")); }
  template <class N>
    requires(std::is_arithmetic_v<N> && !std::is_same_v<N, bool>)
  void add(N part) {
    add(std::string_view(fmt::format("{}", part)));
  }
  void add(core::Duration part) { add(part.count()); }
  void add(const core::SecretSource& part) {
    add(std::string_view(part.file));
    add(std::string_view(part.value.reveal()));
  }
  void add(const net::TlsOptions& part) {
    for (const std::string* text : {&part.ca_file, &part.cert_file, &part.key_file, &part.server_name})
      add(std::string_view(*text));
    add(part.insecure_skip_verify);
  }
  void add(const core::Labels& part) {
    for (const core::Label& label : part) {
      add(std::string_view(label.name));
      add(std::string_view(label.value));
    }
  }
  void add(const probes::RedisOptions& part) {
    add(std::string_view(part.address.host));
    add(part.address.port);
    add(part.address.unix_socket);
    add(part.tls.has_value());
    if (part.tls) add(*part.tls);
    add(std::string_view(part.user));
    add(part.password);
    add(part.database ? static_cast<std::int64_t>(*part.database) : -1);
    add(part.max_reply);
    add(part.keep_connection);
  }
  void add(const probes::HttpOptions& part) {
    add(std::string_view(part.url.display()));
    add(part.url.has_query);
    add(std::string_view(part.url.query));
    add(part.tls);
    add(std::string_view(part.method));
    add(part.headers.size());
    for (const auto& [name, value] : part.headers) {
      add(std::string_view(name));
      add(value);
    }
    add(std::string_view(part.body));
    add(std::string_view(part.user));
    add(part.password);
    add(part.bearer);
    add(part.follow_redirects);
    add(part.max_body);
    add(static_cast<int>(part.ip_protocol));
    add(part.expect);
  }
  void add(const probes::HttpExpectations& part) {
    add(part.status.size());
    for (const auto& [first, last] : part.status) {
      add(first);
      add(last);
    }
    add(part.within ? std::int64_t{part.within->count()} : -1);
    for (const auto* list : {&part.body_matches, &part.body_not_matches}) {
      add(list->size());
      for (const std::string& regex : *list) add(std::string_view(regex));
    }
    for (const auto& [path, equals] : part.json) {
      add(std::string_view(path));
      add(std::string_view(equals));
    }
  }

  std::string hex() {
    const core::Secret text(std::move(parts_));  // wipes the parts when it goes
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned length = 0;
    EVP_Digest(text.reveal().data(), text.reveal().size(), hash.data(), &length, EVP_sha256(), nullptr);
    std::string out;
    for (unsigned i = 0; i < length; ++i) out += fmt::format("{:02x}", hash[i]);
    return out;
  }

 private:
  std::string parts_;
};

}  // namespace

std::string fingerprint(const TargetConfig& target) {
  Digest digest;
  digest.add(std::string_view(target.job));
  digest.add(std::string_view(target.kind));
  digest.add(target.labels.size());
  digest.add(target.labels);
  for (const core::Duration time : {target.interval, target.timeout, target.confirm, target.reconnect})
    digest.add(time);
  digest.add(target.sentinel);
  std::visit([&digest](const auto& options) { digest.add(options); }, target.options);
  return digest.hex();
}

}  // namespace tocsin::daemon
