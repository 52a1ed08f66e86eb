// Apache Kafka for tests: brokers in KRaft mode on free loopback ports, and a client that fills them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/certificates.hpp"
#include "support/child.hpp"
#include "support/free_port.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::test {

/// The last line of versions whose brokers take librdkafka's SCRAM from before 2.6.1; Kafka 4 does not.
inline constexpr const char* kafka_lenient = "3.9.1";

/// The folder with a broker, which is fetched if need be; empty where it cannot be had. No version: that of pom.xml.
[[nodiscard]] inline const std::string& kafka_folder(const std::string& version = {}) {
  static std::map<std::string, std::string> folders;
  if (const auto known = folders.find(version); known != folders.end()) return known->second;
  std::vector<std::string> command{std::string(TOCSIN_SOURCE_DIR) + "/tests/kafka/fetch.sh"};
  if (!version.empty()) command.push_back(version);
  Child fetch(std::move(command));
  const auto status = fetch.wait_exit(std::chrono::minutes(15));
  std::string said = fetch.output();
  if (status != 0) {
    std::fputs(said.c_str(), stderr);
    return folders[version];
  }
  said.erase(said.find_last_not_of('\n') + 1);
  return folders[version] = said.substr(said.find_last_of('\n') + 1);
}

[[nodiscard]] inline bool in_ci() {
  const char* const ci = std::getenv("CI");
  return ci != nullptr && std::string(ci) == "true";
}

/// A test that needs Kafka: without one it is skipped, in CI it fails.
class KafkaTest : public ::testing::Test {
 protected:
  void SetUp() override { need(); }
  static void need(const std::string& version = {}) {
    if (!kafka_folder(version).empty()) return;
    if (in_ci()) FAIL() << "Apache Kafka could not be fetched, and CI=true";
    GTEST_SKIP() << "Apache Kafka could not be fetched (tests/kafka/fetch.sh)";
  }
};

/// The users that every listener with SASL knows.
inline constexpr const char* kafka_user = "scout";
inline constexpr const char* kafka_password = "scout-secret";

struct KafkaWish {
  unsigned nodes = 1;   // the first is the controller too
  bool secure = false;  // listeners with TLS and SASL beside the plain one; of a single node
  std::string version = {};
  std::uint16_t advertised_port = 0;  // what clients are told instead of the truth
};

class KafkaBrokers {
 public:
  explicit KafkaBrokers(KafkaWish wish = {}) : wish_(std::move(wish)), folder_(kafka_folder(wish_.version)) {
    if (wish_.secure) make_certificates();
    for (unsigned i = 0; i < wish_.nodes; ++i) nodes_.push_back(std::make_unique<Node>());
    for (unsigned i = 0; i < wish_.nodes; ++i) prepare(i);
    for (unsigned i = 0; i < wish_.nodes; ++i) launch(i);
    for (unsigned i = 0; i < wish_.nodes; ++i) wait_up(i);
  }
  ~KafkaBrokers() {
    for (unsigned i = 0; i < nodes_.size(); ++i) kill(i);
  }

  [[nodiscard]] std::uint16_t port(unsigned node = 0) const { return nodes_.at(node)->plain; }
  [[nodiscard]] std::uint16_t tls_port() const { return nodes_.at(0)->tls; }  // a client certificate is a must
  [[nodiscard]] std::uint16_t sasl_tls_port() const { return nodes_.at(0)->sasl_tls; }      // PLAIN and SCRAM
  [[nodiscard]] std::uint16_t sasl_plain_port() const { return nodes_.at(0)->sasl_plain; }  // the same without TLS
  [[nodiscard]] std::string bootstrap(unsigned node = 0) const { return "127.0.0.1:" + std::to_string(port(node)); }
  [[nodiscard]] const std::string& ca_file() const { return certificates_->ca_file(); }
  [[nodiscard]] CertificateFiles client_certificate() const { return client_; }
  [[nodiscard]] Child& child(unsigned node = 0) const { return *nodes_.at(node)->child; }

  void kill(unsigned node = 0) {
    Node& it = *nodes_.at(node);
    if (!it.child) return;
    it.child->kill();
    it.child.reset();
  }
  /// Starts a node that was killed, on its ports and with its data.
  void start(unsigned node = 0) {
    launch(node);
    wait_up(node);
  }

 private:
  struct Node {
    TempDir dir;
    std::uint16_t plain = free_port(), controller = free_port();
    std::uint16_t tls = 0, sasl_tls = 0, sasl_plain = 0;
    std::unique_ptr<Child> child;
  };

  void make_certificates() {
    certificates_ = std::make_unique<Certificates>();
    CertificateWish wish;
    wish.name = "broker";
    const CertificateFiles broker = certificates_->issue(wish);
    // Kafka wants the key and its chain in one file.
    keystore_ = certificates_->dir().write("broker-store.pem", read_text(broker.key) + read_text(broker.cert));
    wish.name = "client";
    client_ = certificates_->issue(wish);
  }

  /// The log directory as `kafka-storage format` leaves it.
  void prepare(unsigned index) {
    const Node& node = *nodes_[index];
    const std::filesystem::path formatted = folder_ + "/formatted";
    std::filesystem::copy(formatted, node.dir.path() / "log", std::filesystem::copy_options::recursive);
    std::string meta = read_text(formatted / "meta.properties");
    const std::size_t id = meta.find("node.id=1");
    meta.replace(id, 9, "node.id=" + std::to_string(index + 1));
    const std::size_t directory = meta.find("directory.id=") + 13;
    meta[directory] = static_cast<char>('A' + index);
    node.dir.write("log/meta.properties", meta);
    node.dir.write("server.properties", properties(index));
  }

  std::string properties(unsigned index) {
    Node& node = *nodes_[index];
    const std::string host = "://127.0.0.1:";
    std::string listeners = "PLAIN" + host + std::to_string(node.plain);
    std::string map = "PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT";
    if (wish_.secure) {
      node.tls = free_port();
      node.sasl_tls = free_port();
      node.sasl_plain = free_port();
      listeners += ",TLS" + host + std::to_string(node.tls) + ",SASLTLS" + host + std::to_string(node.sasl_tls) +
                   ",SASLPLAIN" + host + std::to_string(node.sasl_plain);
      map += ",TLS:SSL,SASLTLS:SASL_SSL,SASLPLAIN:SASL_PLAINTEXT";
    }
    const std::uint16_t told = wish_.advertised_port;
    const std::string advertised = told == 0 ? listeners : "PLAIN" + host + std::to_string(told);
    std::string text = "node.id=" + std::to_string(index + 1) + "\nadvertised.listeners=" + advertised + "\n";
    if (index == 0) listeners += ",CONTROLLER" + host + std::to_string(node.controller);
    text += "listeners=" + listeners + "\nlistener.security.protocol.map=" + map +
            "\nprocess.roles=" + (index == 0 ? "broker,controller" : "broker") +
            "\ncontroller.quorum.voters=1@127.0.0.1:" + std::to_string(nodes_[0]->controller) +
            "\nlog.dirs=" + (node.dir / "log") + "\n";
    text += common_properties;
    if (wish_.secure) text += secure_properties();
    return text;
  }
  [[nodiscard]] std::string secure_properties() const {
    const std::string user = std::string(kafka_user) + "=\"" + kafka_password + "\"";
    std::string text = "ssl.keystore.type=PEM\nssl.keystore.location=" + keystore_ +
                       "\nssl.truststore.type=PEM\nssl.truststore.location=" + ca_file() +
                       "\nlistener.name.tls.ssl.client.auth=required\n"
                       "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512\n";
    const std::string package = "org.apache.kafka.common.security.";
    for (const std::string listener : {"sasltls", "saslplain"}) {
      const std::string name = "listener.name." + listener + ".";
      text += name + "plain.sasl.jaas.config=" + package + "plain.PlainLoginModule required user_" + user + ";\n";
      for (const std::string scram : {"scram-sha-256", "scram-sha-512"}) {
        text += name + scram + ".sasl.jaas.config=" + package + "scram.ScramLoginModule required;\n";
      }
    }
    return text;
  }

  void launch(unsigned index) {
    Node& node = *nodes_[index];
    std::vector<std::string> argv{"java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"};
    if (std::filesystem::exists(folder_ + "/classes.jsa")) {
      argv.push_back("-XX:SharedArchiveFile=" + folder_ + "/classes.jsa");
    }
    argv.insert(argv.end(), {"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", folder_ + "/*"});
    argv.insert(argv.end(), {"kafka.Kafka", node.dir / "server.properties"});
    node.child = std::make_unique<Child>(std::move(argv));
  }
  void wait_up(unsigned index) {
    const Node& node = *nodes_[index];
    for (const std::uint16_t port : {node.plain, node.tls, node.sasl_tls, node.sasl_plain}) {
      if (port != 0) node.child->wait_for_port(port, std::chrono::seconds(45));
    }
  }

  static constexpr const char* common_properties =
      "controller.listener.names=CONTROLLER\n"
      "inter.broker.listener.name=PLAIN\n"
      "num.network.threads=1\nnum.io.threads=2\nbackground.threads=2\nnum.recovery.threads.per.data.dir=1\n"
      "log.cleaner.enable=false\nauto.create.topics.enable=false\n"
      "offsets.topic.replication.factor=1\noffsets.topic.num.partitions=2\n"
      "transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n"
      "transaction.state.log.num.partitions=2\ngroup.initial.rebalance.delay.ms=0\n"
      // So that what is dead is seen to be dead before a test gives up.
      "broker.heartbeat.interval.ms=200\nbroker.session.timeout.ms=2000\nreplica.lag.time.max.ms=2000\n"
      "controlled.shutdown.enable=false\n";

  KafkaWish wish_;
  std::string folder_;
  std::unique_ptr<Certificates> certificates_;
  std::string keystore_;
  CertificateFiles client_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace tocsin::test
