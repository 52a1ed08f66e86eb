#include "kafka/client.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <utility>

namespace tocsin::probes::kafka {
namespace {

using core::Outcome;
using core::Phase;

constexpr std::size_t most_troubles = 64;  // taken at once; the rest of a storm says nothing new
constexpr std::size_t longest_trouble = 400;

const char* protocol_name(KafkaSecurity security) {
  switch (security) {
    case KafkaSecurity::plaintext:
      return "plaintext";
    case KafkaSecurity::ssl:
      return "ssl";
    case KafkaSecurity::sasl_plaintext:
      return "sasl_plaintext";
    case KafkaSecurity::sasl_ssl:
      return "sasl_ssl";
  }
  return "plaintext";
}

const char* mechanism_name(KafkaMechanism mechanism) {
  switch (mechanism) {
    case KafkaMechanism::plain:
      return "PLAIN";
    case KafkaMechanism::scram_sha_256:
      return "SCRAM-SHA-256";
    case KafkaMechanism::scram_sha_512:
      return "SCRAM-SHA-512";
  }
  return "PLAIN";
}

/// Settings, one after the other; the first that is refused is remembered.
class Settings {
 public:
  Settings() : conf_(rd_kafka_conf_new()) {}
  void set(const char* name, const std::string& value) {
    std::array<char, 256> why{};
    if (rd_kafka_conf_set(conf_.get(), name, value.c_str(), why.data(), why.size()) == RD_KAFKA_CONF_OK) return;
    if (wrong_.empty()) wrong_ = std::string("librdkafka refuses its setting ") + name;
  }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }
  [[nodiscard]] rd_kafka_conf_t* get() const { return conf_.get(); }
  [[nodiscard]] rd_kafka_conf_t* give() { return conf_.release(); }

 private:
  Owned<rd_kafka_conf_t> conf_;
  std::string wrong_;
};

void set_security(Settings& settings, const KafkaOptions& options, const core::Secret& password) {
  settings.set("security.protocol", protocol_name(options.security));
  if (uses_sasl(options.security)) {
    settings.set("sasl.mechanism", mechanism_name(options.sasl.mechanism));
    settings.set("sasl.username", options.sasl.username);
    settings.set("sasl.password", password.reveal());
  }
  if (!uses_tls(options.security)) return;
  const net::TlsOptions& tls = options.tls;
  if (!tls.ca_file.empty()) settings.set("ssl.ca.location", tls.ca_file);
  if (!tls.cert_file.empty()) settings.set("ssl.certificate.location", tls.cert_file);
  if (!tls.key_file.empty()) settings.set("ssl.key.location", tls.key_file);
  settings.set("enable.ssl.certificate.verification", tls.insecure_skip_verify ? "false" : "true");
  settings.set("ssl.endpoint.identification.algorithm", tls.insecure_skip_verify ? "none" : "https");
}

void set_bounds(Settings& settings, const KafkaOptions& options) {
  settings.set("receive.message.max.bytes", std::to_string(options.max_response));
  settings.set("fetch.max.bytes", std::to_string(options.max_response - 1024));  // nothing is fetched; it must fit
  settings.set("reconnect.backoff.ms", "100");
  settings.set("reconnect.backoff.max.ms", "2000");
  settings.set("topic.metadata.refresh.interval.ms", "-1");  // each probe asks anyway
  settings.set("socket.keepalive.enable", "true");
  settings.set("socket.nagle.disable", "true");
}

std::string broker_list(const std::vector<net::Address>& brokers) {
  std::string list;
  for (const net::Address& broker : brokers) list += (list.empty() ? "" : ",") + broker.to_string();
  return list;
}

void say_nothing(const rd_kafka_t* /*client*/, int /*level*/, const char* /*facility*/, const char* /*text*/) {}

}  // namespace

Client::Client() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

Client::~Client() {
  if (events_) rd_kafka_queue_io_event_enable(events_.get(), -1, nullptr, 0);
  events_.reset();
  client_.reset();
  if (descriptor_ >= 0) ::close(descriptor_);
}

core::Result<void> Client::open(const KafkaOptions& options, const core::Secret& password) {
  if (descriptor_ < 0) return core::Failure{Outcome::limit, Phase::connect, "no descriptor is left"};
  Settings settings;
  settings.set("client.id", "tocsin");
  settings.set("bootstrap.servers", broker_list(options.brokers));
  settings.set("isolation.level", options.read_committed ? "read_committed" : "read_uncommitted");
  set_security(settings, options, password);
  set_bounds(settings, options);
  if (!settings.wrong().empty()) return core::Failure{Outcome::internal, Phase::none, settings.wrong()};
  rd_kafka_conf_set_log_cb(settings.get(), say_nothing);
  rd_kafka_conf_set_events(settings.get(), RD_KAFKA_EVENT_ERROR);

  std::array<char, 512> why{};
  rd_kafka_conf_t* const conf = settings.give();  // rd_kafka_new takes it, unless it fails
  client_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size()));
  if (!client_) {
    rd_kafka_conf_destroy(conf);
    const bool tls = uses_tls(options.security);
    return core::Failure{tls ? Outcome::tls : Outcome::internal, tls ? Phase::tls : Phase::none, why.data()};
  }
  events_.reset(rd_kafka_queue_get_main(client_.get()));
  static constexpr std::uint64_t one = 1;
  rd_kafka_queue_io_event_enable(events_.get(), descriptor_, &one, sizeof one);
  open_.store(true, std::memory_order_release);
  wake();  // for what came before the descriptor was set
  return {};
}

void Client::wake() const {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(descriptor_, &one, sizeof one));
}

std::vector<Trouble> Client::take_troubles() {
  std::uint64_t count = 0;
  static_cast<void>(!::read(descriptor_, &count, sizeof count));
  std::vector<Trouble> troubles;
  if (!is_open()) return troubles;
  // It is woken only when the queue was empty: take all there is.
  while (const Owned<rd_kafka_event_t> event{rd_kafka_queue_poll(events_.get(), 0)}) {
    if (rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_ERROR || troubles.size() >= most_troubles) continue;
    const char* const text = rd_kafka_event_error_string(event.get());
    Trouble trouble{rd_kafka_event_error(event.get()), text == nullptr ? "" : text};
    if (trouble.text.size() > longest_trouble) trouble.text.resize(longest_trouble);
    troubles.push_back(std::move(trouble));
  }
  return troubles;
}

}  // namespace tocsin::probes::kafka
