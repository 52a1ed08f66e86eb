#include "kubeconfig.hpp"

#include <fstream>

#include "files.hpp"
#include "tocsin/core/yaml.hpp"

namespace tocsin::daemon {
namespace {

using actions::KubernetesCall;
using core::YamlNode;

constexpr std::string_view account = "/var/run/secrets/kubernetes.io/serviceaccount/";

const YamlNode* below(const YamlNode* node, std::string_view key) {
  return node && node->kind == YamlNode::Kind::map ? node->find(key) : nullptr;
}

std::string text_of(const YamlNode* node) {
  return node && node->kind == YamlNode::Kind::scalar ? node->scalar : std::string();
}

/// The clusters, contexts and users of a kubeconfig (kubernetes/client-go, tools/clientcmd/api/v1).
class Kubeconfig {
 public:
  Kubeconfig(const core::YamlDocument& document, const model::Kubernetes& section, const Loading& loading)
      : reader_(document.file, loading.diagnostics), root_(document.root), section_(section) {}

  std::optional<KubernetesCall> read() {
    const std::string context_name =
        section_.context.empty() ? text_of(below(&root_, "current-context")) : section_.context;
    if (context_name.empty()) return wrong(root_.at, "there is no current-context (write \"context\" in the action)");
    const YamlNode* context = named("contexts", "context", context_name);
    if (!context) return wrong(root_.at, "there is no context \"" + context_name + "\"");
    const std::string cluster_name = text_of(below(context, "cluster")), user_name = text_of(below(context, "user"));
    const YamlNode* cluster = named("clusters", "cluster", cluster_name);
    if (!cluster) return wrong(context->at, "there is no cluster \"" + cluster_name + "\"");
    KubernetesCall call;
    call.space = text_of(below(context, "namespace"));
    call.server = text_of(below(cluster, "server"));
    if (!read_cluster(*cluster, call)) return std::nullopt;
    const YamlNode* user = named("users", "user", user_name);
    if (!user && section_.token.empty()) return wrong(context->at, "there is no user \"" + user_name + "\"");
    if (user && !read_user(*user, call)) return std::nullopt;
    return call;
  }

 private:
  std::nullopt_t wrong(core::Position at, std::string message) {
    reader_.error(at, std::move(message));
    return std::nullopt;
  }

  /// The item of that name in a list of {name, KIND}.
  const YamlNode* named(std::string_view list, std::string_view kind, const std::string& name) const {
    const YamlNode* items = below(&root_, list);
    if (!items) return nullptr;
    for (const YamlNode& item : items->items) {
      if (text_of(below(&item, "name")) == name) return below(&item, kind);
    }
    return nullptr;
  }

  std::string file_of(const YamlNode& node, std::string_view key) const {
    return reader_.resolve(text_of(below(&node, key)));
  }

  bool read_cluster(const YamlNode& cluster, KubernetesCall& call) {
    const bool own_tls = !section_.ca_file.empty() || section_.tls.has_value();
    const YamlNode* data = below(&cluster, "certificate-authority-data");
    if (data && !own_tls) {
      wrong(data->at,
            "certificates are read from files, and not out of a kubeconfig (write what stands here in base64 into a "
            "file of its own: `kubectl config view --raw --minify -o "
            "jsonpath='{.clusters[0].cluster.certificate-authority-data}' | base64 -d`, and name it as \"ca_file\")");
      return false;
    }
    call.tls.emplace();
    call.tls->ca_file = file_of(cluster, "certificate-authority");
    call.tls->server_name = text_of(below(&cluster, "tls-server-name"));
    call.tls->insecure_skip_verify = text_of(below(&cluster, "insecure-skip-tls-verify")) == "true";
    return true;
  }

  bool read_user(const YamlNode& user, KubernetesCall& call) {
    for (const std::string_view secret : {"token", "client-key-data", "password"}) {
      if (const YamlNode* node = below(&user, secret)) reader_.conceal(node->at);
    }
    if (!section_.token.empty()) return true;
    call.token.value = core::Secret(text_of(below(&user, "token")));
    call.token.file = file_of(user, "tokenFile");
    if (!call.token.file.empty()) call.token.value = core::Secret();
    call.tls->cert_file = file_of(user, "client-certificate");
    call.tls->key_file = file_of(user, "client-key");
    if (!call.token.empty() || !call.tls->cert_file.empty() || (section_.tls && !section_.tls->cert_file.empty()))
      return true;
    const YamlNode* data = below(&user, "client-certificate-data");
    const YamlNode* command = below(&user, "exec") ? below(&user, "exec") : below(&user, "auth-provider");
    if (data) {
      wrong(data->at,
            "a client's certificate and key are read from files, and not out of a kubeconfig (write them into files, "
            "and name those under \"tls\")");
    } else if (command) {
      wrong(command->at,
            "this user's token comes from a command (write the token of a service account into a file, as `kubectl "
            "create token` makes one, and name it as \"token_file\")");
    } else {
      wrong(user.at, "this user has no token, no tokenFile and no client-certificate");
    }
    return false;
  }

  core::FieldReader reader_;  // `$` means nothing in such a file
  const YamlNode& root_;
  const model::Kubernetes& section_;
};

/// The API server as pods find it.
std::optional<KubernetesCall> in_cluster(const model::Kubernetes& section, const Loading& loading) {
  const auto& environment = loading.options.environment;
  const auto host = environment.find("KUBERNETES_SERVICE_HOST"), port = environment.find("KUBERNETES_SERVICE_PORT");
  KubernetesCall call;
  if (host == environment.end() || port == environment.end()) {
    loading.missing(section.place, section.place.at,
                    "this is no pod in Kubernetes: KUBERNETES_SERVICE_HOST is not set (give a \"server\" or a "
                    "\"kubeconfig\")");
    call.server = "https://kubernetes.default.svc";
  } else {
    const bool v6 = host->second.find(':') != std::string::npos;
    call.server = std::string("https://").append(v6 ? "[" : "").append(host->second).append(v6 ? "]:" : ":");
    call.server += port->second;
  }
  std::string folder(account);
  call.token.file = folder + "token";
  call.tls.emplace().ca_file = folder + "ca.crt";
  const auto space = read_file(folder + "namespace");
  call.space = space.value_or("");
  return call;
}

std::optional<KubernetesCall> of_kubeconfig(const model::Kubernetes& section, const Loading& loading) {
  if (!std::ifstream(section.kubeconfig).is_open()) {
    loading.missing(section.place, section.place.of("kubeconfig"), "cannot read " + section.kubeconfig);
    KubernetesCall unknown;
    unknown.server = "https://kubernetes.default.svc";
    return loading.options.require_secrets ? std::nullopt : std::optional(unknown);
  }
  const core::YamlDocument document = core::load_yaml(section.kubeconfig, loading.diagnostics);
  if (loading.diagnostics.has_errors()) return std::nullopt;
  return Kubeconfig(document, section, loading).read();
}

std::optional<KubernetesCall> where(const model::Kubernetes& section, const Loading& loading) {
  if (!section.kubeconfig.empty()) return of_kubeconfig(section, loading);
  if (section.server.empty()) return in_cluster(section, loading);
  KubernetesCall call;
  call.server = section.server;
  call.tls.emplace();
  return call;
}

}  // namespace

std::optional<KubernetesCall> make_kubernetes(const model::Kubernetes& section, const Loading& loading) {
  auto call = where(section, loading);
  if (!call) return std::nullopt;
  const auto wrong = [&](std::string_view key, std::string message) {
    loading.error(section.place, section.place.of(key), std::move(message));
    return std::nullopt;
  };
  if (!section.token.empty()) call->token = section.token;
  if (!section.ca_file.empty()) call->tls->ca_file = section.ca_file;
  if (section.tls) call->tls = section.tls;
  while (call->server.ends_with('/')) call->server.pop_back();
  const std::string_view key = section.server.empty() ? "kubeconfig" : "server";
  const auto url = net::parse_url(call->server);
  if (url.has_error()) return wrong(key, url.error().detail);
  if (url->scheme != "https" && url->scheme != "http") return wrong(key, "the API server's URL begins with https://");
  if (!url->user.empty() || url->has_query) return wrong(key, "the API server's URL has no user info and no query");
  if (url->scheme == "http") {
    if (section.tls || !section.ca_file.empty())
      return wrong(section.tls ? "tls" : "ca_file", "TLS needs a URL with https://");
    call->tls.reset();
  }
  const bool has_certificate = call->tls && !call->tls->cert_file.empty();
  if (call->token.empty() && !has_certificate && url->scheme == "https" && section.kubeconfig.empty())
    return wrong("server", "the API server wants to know who asks (give a \"token_file\")");
  loading.check_secret(call->token, section.place, section.token.empty() ? key : "token_file");
  if (call->tls) {
    for (const std::string& file : {call->tls->ca_file, call->tls->cert_file, call->tls->key_file}) {
      if (!file.empty() && !std::ifstream(file).is_open())
        loading.missing(section.place, section.place.at, "cannot read " + file);
    }
  }
  if (!section.space.empty()) call->space = section.space;
  if (call->space.empty()) call->space = "default";
  call->resource = !section.deployment.empty()    ? "deployments"
                   : !section.statefulset.empty() ? "statefulsets"
                                                  : "replicasets";
  call->name = section.deployment + section.statefulset + section.replicaset;
  return call;
}

}  // namespace tocsin::daemon
