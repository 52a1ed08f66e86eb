// Where a cluster is: a server, a kubeconfig, or the cluster around us.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_text.hpp"

namespace tocsin::daemon {
namespace {

using actions::KubernetesCall;
using testing::HasSubstr;
using testing::Not;

ConfigText with(const std::string& kubernetes, const std::map<std::string, std::string>& files = {},
                std::map<std::string, std::string> environment = {}, bool require_secrets = true) {
  return ConfigText("actions:\n  - name: n\n    when: A\n    target: t\n    count: {min: 1, max: 3}\n    kubernetes: " +
                        kubernetes + "\n",
                    std::move(environment), files, require_secrets);
}
KubernetesCall call_of(const ConfigText& text) {
  EXPECT_TRUE(text.config) << text.said;
  if (!text.config) return {};
  const auto& spec = text.config->actions.at(0);
  EXPECT_TRUE(std::holds_alternative<KubernetesCall>(spec.read.call));
  return std::get<KubernetesCall>(spec.set);
}

std::string kubeconfig(const std::string& cluster, const std::string& user, const std::string& context = {}) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: main\ncontexts:\n- name: other\n  context: {cluster: o, user: "
         "o}\n"
         "- name: main\n  context: {cluster: c, user: u" +
         context +
         "}\nclusters:\n- name: o\n  cluster: {server: 'https://other:6443'}\n- name: c\n  cluster: " + cluster +
         "\nusers:\n- name: o\n  user: {token: hunter-other}\n- name: u\n  user: " + user + "\n";
}

TEST(Kubernetes, HasAServer) {
  const ConfigText text =
      with("{server: 'https://[fd00::1]:6443/', token_file: f, ca_file: f, namespace: shop, statefulset: db}");
  const KubernetesCall call = call_of(text);
  EXPECT_EQ(call.server, "https://[fd00::1]:6443");
  EXPECT_EQ(call.token.file, text.folder + "/f");
  EXPECT_EQ(call.tls.value().ca_file, text.folder + "/f");
  EXPECT_EQ(call.space, "shop");
  EXPECT_EQ(call.resource, "statefulsets");
  EXPECT_EQ(call.name, "db");
  const ConfigText again(dump_config(*text.config));
  ASSERT_TRUE(again.config) << again.said;
  EXPECT_EQ(dump_config(*again.config), dump_config(*text.config));
}

TEST(Kubernetes, MayBeAskedThroughAProxyWithoutTls) {
  const KubernetesCall call = call_of(with("{server: 'http://127.0.0.1:8001', deployment: d}"));
  EXPECT_FALSE(call.tls);
  EXPECT_EQ(call.space, "default");
  EXPECT_EQ(call.resource, "deployments");
}

TEST(Kubernetes, IsAroundUs) {
  const std::map<std::string, std::string> environment{{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                                                       {"KUBERNETES_SERVICE_PORT", "443"}};
  const KubernetesCall call = call_of(with("{deployment: d}", {}, environment, false));
  EXPECT_EQ(call.server, "https://10.0.0.1:443");
  EXPECT_EQ(call.token.file, "/var/run/secrets/kubernetes.io/serviceaccount/token");
  EXPECT_EQ(call.tls.value().ca_file, "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt");
  EXPECT_EQ(call_of(with("{deployment: d}", {},
                         {{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}}, false))
                .server,
            "https://[fd00::1]:443");
  const ConfigText elsewhere = with("{deployment: d}");
  EXPECT_FALSE(elsewhere.config);
  EXPECT_THAT(elsewhere.said, HasSubstr("this is no pod in Kubernetes"));
  const ConfigText checked = with("{deployment: d}", {}, {}, false);
  EXPECT_TRUE(checked.config);
  EXPECT_THAT(checked.said, HasSubstr("warning: this is no pod in Kubernetes"));
  EXPECT_FALSE(call_of(checked).server.empty());
}

TEST(Kubeconfig, SaysWhereAndWho) {
  const ConfigText text = with("{kubeconfig: k/config, deployment: d}",
                               {{"k/config", kubeconfig("{server: 'https://api:6443', certificate-authority: ca.pem, "
                                                        "tls-server-name: kube}",
                                                        "{token: hunter-token}", ", namespace: shop")},
                                {"k/ca.pem", "x"}});
  const KubernetesCall call = call_of(text);
  EXPECT_EQ(call.server, "https://api:6443");
  EXPECT_EQ(call.token.value.reveal(), "hunter-token");
  EXPECT_EQ(call.tls.value().ca_file, text.folder + "/k/ca.pem");
  EXPECT_EQ(call.tls.value().server_name, "kube");
  EXPECT_EQ(call.space, "shop");
  EXPECT_THAT(dump_config(*text.config), Not(HasSubstr("hunter")));
  EXPECT_EQ(call_of(with("{kubeconfig: config, context: other, namespace: mine, deployment: d}",
                         {{"config", kubeconfig("{server: 'https://api:6443'}", "{token: x}", ", namespace: shop")}}))
                .server,
            "https://other:6443");
}

TEST(Kubeconfig, MayNameFiles) {
  const std::map<std::string, std::string> files{
      {"config", kubeconfig("{server: 'https://api:6443', insecure-skip-tls-verify: true}",
                            "{tokenFile: /proc/version, token: old, client-certificate: c.pem, client-key: k.pem}")},
      {"c.pem", "x"},
      {"k.pem", "x"}};
  const ConfigText text = with("{kubeconfig: config, deployment: d}", files);
  const KubernetesCall call = call_of(text);
  EXPECT_EQ(call.token.file, "/proc/version");
  EXPECT_TRUE(call.token.value.empty());
  EXPECT_EQ(call.tls.value().cert_file, text.folder + "/c.pem");
  EXPECT_EQ(call.tls.value().key_file, text.folder + "/k.pem");
  EXPECT_TRUE(call.tls.value().insecure_skip_verify);
}

TEST(Kubeconfig, GivesWayToWhatTheActionSays) {
  const std::map<std::string, std::string> files{
      {"config",
       kubeconfig("{server: 'https://api:6443', certificate-authority-data: aHVudGVy}", "{exec: {command: aws}}")}};
  const ConfigText text = with("{kubeconfig: config, ca_file: f, token_file: f, deployment: d}", files);
  EXPECT_EQ(call_of(text).tls.value().ca_file, text.folder + "/f");
  EXPECT_EQ(call_of(text).token.file, text.folder + "/f");
}

TEST(Kubernetes, IsRefusedInWords) {
  const std::string good = "{server: 'https://api:6443'}";
  const std::tuple<std::string, std::string, std::string> table[] = {
      {"{kubeconfig: config, deployment: d}",
       kubeconfig("{server: 'https://a', certificate-authority-data: aHVudGVy}", "{token: hunter}"),
       "certificates are read from files, and not out of a kubeconfig"},
      {"{kubeconfig: config, deployment: d}", kubeconfig(good, "{client-certificate-data: a, client-key-data: hunter}"),
       "a client's certificate and key are read from files"},
      {"{kubeconfig: config, deployment: d}", kubeconfig(good, "{exec: {command: aws}}"),
       "this user's token comes from a command"},
      {"{kubeconfig: config, deployment: d}", kubeconfig(good, "{username: x, password: hunter}"),
       "this user has no token"},
      {"{kubeconfig: config, context: nowhere, deployment: d}", kubeconfig(good, "{token: hunter}"),
       "there is no context \"nowhere\""},
      {"{kubeconfig: config, deployment: d}",
       "current-context: x\ncontexts: [{name: x, context: {cluster: y, user: z}}]\n", "there is no cluster \"y\""},
      {"{kubeconfig: config, deployment: d}", "kind: Config\n", "there is no current-context"},
      {"{kubeconfig: nowhere, deployment: d}", "", "cannot read "},
      {"{kubeconfig: config, server: 'https://x', deployment: d}", "", "exclude each other"},
      {"{context: x, deployment: d}", "", "\"context\" needs a \"kubeconfig\""},
      {"{server: 'https://x', deployment: d}", "", "the API server wants to know who asks"},
      {"{server: 'https://u:hunter@x', token_file: f, deployment: d}", "", "no user info"},
      {"{server: 'tcp://x', token_file: f, deployment: d}", "", "the API server's URL begins with https://"},
      {"{server: 'http://x', ca_file: f, deployment: d}", "", "TLS needs a URL with https://"},
      {"{server: 'https://x', token_file: nowhere, deployment: d}", "", "cannot read the secret file"},
      {"{server: 'https://x', token_file: f}", "", "needs a \"deployment\", a \"statefulset\" or a \"replicaset\""},
      {"{server: 'https://x', token_file: f, deployment: a/b}", "", "\"a/b\" is no name of an object"},
      {"{server: 'https://x', token_file: f, deployment: a, statefulset: b}", "", "exclude each other"},
  };
  for (const auto& [section, file, words] : table) {
    std::map<std::string, std::string> files;
    if (!file.empty()) files["config"] = file;
    const ConfigText text = with(section, files);
    EXPECT_FALSE(text.config) << section << file;
    EXPECT_THAT(text.said, HasSubstr(words)) << section << file;
    EXPECT_THAT(text.said, Not(HasSubstr("hunter"))) << section << file;
  }
}

TEST(Kubernetes, MovesACountAndNoLadder) {
  const ConfigText text(
      "actions:\n  - {name: n, when: A, target: t, ladder: [a, b], kubernetes: {server: 'http://x', "
      "deployment: d}}\n");
  EXPECT_FALSE(text.config);
  EXPECT_THAT(text.said, HasSubstr("kubernetes needs a \"count\""));
}

}  // namespace
}  // namespace tocsin::daemon
