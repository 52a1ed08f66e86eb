// The scale subresource of a Deployment, StatefulSet or ReplicaSet. The PUT carries the resourceVersion that was read:
// if anybody has changed the object since, the API server refuses it.
#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>
#include <variant>

#include "src/driver.hpp"
#include "src/request.hpp"
#include "tocsin/core/json_path.hpp"
#include "tocsin/core/number.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::actions {
namespace {

namespace json = boost::json;

/// An object's scale: where it is, in words and as a URL.
struct Place {
  std::string name;
  std::string space;
  std::string words;  // deployments/web in the namespace shop
  Request request;    // a GET
};

bool is_object_name(std::string_view text) {
  const auto good = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '.';
  };
  return !text.empty() && text.size() <= 253 && text.front() != '.' && std::all_of(text.begin(), text.end(), good);
}

core::Result<Place> find(const ActionSpec& spec, const KubernetesCall& call, const Placeholders& values) {
  if (call.server.empty()) return cannot("there is no Kubernetes API server to ask");
  const auto name = fill(spec, call.name, values);
  if (!name) return name.error();
  const auto space = fill(spec, call.space, values);
  if (!space) return space.error();
  for (const std::string& text : {*name, *space, call.resource}) {
    if (!is_object_name(text)) return cannot("no object of Kubernetes is called '" + first_line(text, {}) + "'");
  }
  Place place;
  place.name = *name;
  place.space = *space;
  place.words = call.resource + "/" + *name + " in the namespace " + *space;
  place.request.method = "GET";
  place.request.url = call.server;
  while (place.request.url.ends_with('/')) place.request.url.pop_back();
  place.request.url.append("/apis/apps/v1/namespaces/").append(*space).append("/").append(call.resource);
  place.request.url.append("/").append(*name).append("/scale");
  place.request.tls = call.tls;
  place.request.headers.emplace_back("Accept", "application/json");
  return place;
}

/// The token is read for each request: it rotates.
core::Result<void> authorize(const KubernetesCall& call, Request& request) {
  if (call.token.empty()) return {};
  const auto token = call.token.read();
  if (!token) return token.error();
  core::SecretSource header;
  header.value = core::Secret("Bearer " + token->reveal());
  request.secret_headers.emplace_back("Authorization", std::move(header));
  return {};
}

/// What the API server says instead of yes.
std::string denial(const KubernetesCall& call, const Place& place, std::string_view verb, const Answer& answer) {
  const std::string reason = ": " + told(*answer.response, answer.secrets);
  switch (answer.response->status) {
    case 401:
      return "the API server does not accept the token" + reason;
    case 403:
      return "the token may not " + std::string(verb) + " " + call.resource +
             "/scale: a Role must grant the verbs get and update on the resource " + call.resource + "/scale in " +
             place.space + reason;
    case 404:
      return "there is no " + place.words + reason;
    case 409:
      return "somebody changed " + place.words + " meanwhile" + reason;
    case 422:
      return "the API server does not take that number of replicas" + reason;
    default:
      return told(*answer.response, answer.secrets);
  }
}

std::optional<std::int64_t> number_at(const json::object& scale, const char* part) {
  const json::value* object = scale.if_contains(part);
  if (object == nullptr || object->if_object() == nullptr) return std::nullopt;
  const json::value* replicas = object->get_object().if_contains("replicas");
  if (replicas == nullptr) return 0;  // Go leaves a zero out
  if (const std::int64_t* number = replicas->if_int64(); number != nullptr && *number >= 0) return *number;
  return std::nullopt;
}

std::string version_of(const json::object& scale) {
  const json::value* metadata = scale.if_contains("metadata");
  if (metadata == nullptr || metadata->if_object() == nullptr) return {};
  const json::value* version = metadata->get_object().if_contains("resourceVersion");
  if (version == nullptr || !version->is_string()) return {};
  const json::string& text = version->get_string();
  return text.size() <= 256 ? std::string(text.data(), text.size()) : std::string();
}

core::Result<Reading> reading_of_scale(std::string_view body) {
  const auto document = core::parse_json(body);
  const json::object* scale = document ? document->if_object() : nullptr;
  const json::value* kind = scale != nullptr ? scale->if_contains("kind") : nullptr;
  if (kind == nullptr || !kind->is_string() || kind->get_string() != "Scale") {
    return cannot("the answer is no Scale object: is this a Kubernetes API server?");
  }
  const auto wanted = number_at(*scale, "spec");
  const auto present = number_at(*scale, "status");
  Reading reading;
  reading.version = version_of(*scale);
  if (!wanted || !present || reading.version.empty()) {
    return cannot("the Scale object has no spec.replicas, status.replicas or metadata.resourceVersion");
  }
  reading.value = std::to_string(*wanted);
  reading.ready = *wanted == *present;
  if (!reading.ready) reading.not_ready = std::to_string(*present) + " of " + reading.value + " replicas";
  return reading;
}

std::string scale_object(const Place& place, const std::string& version, std::int32_t replicas) {
  json::object metadata;
  metadata["name"] = place.name;
  metadata["namespace"] = place.space;
  metadata["resourceVersion"] = version;
  json::object spec;
  spec["replicas"] = replicas;
  json::object scale;
  scale["apiVersion"] = "autoscaling/v1";
  scale["kind"] = "Scale";
  scale["metadata"] = std::move(metadata);
  scale["spec"] = std::move(spec);
  return json::serialize(scale);
}

}  // namespace

net::Task<core::Result<Reading>> read_by_kubernetes(net::Connector& connector, Spec spec, Placeholders values,
                                                    core::Deadline deadline) {
  const KubernetesCall& call = std::get<KubernetesCall>(spec->read.call);
  auto place = find(*spec, call, values);
  if (!place) co_return place.error();
  if (const auto may = authorize(call, place->request); !may) co_return cannot("the token: " + may.error().detail);
  const Answer answer = co_await send(connector, std::move(place->request), deadline);
  if (!answer.response) co_return cannot(first_line(answer.response.error().detail, answer.secrets));
  if (answer.response->status != 200) co_return cannot(denial(call, *place, "get", answer));
  co_return reading_of_scale(answer.response->body);
}

net::Task<CallEnd> change_by_kubernetes(net::Connector& connector, Spec spec, Placeholders values, std::string version,
                                        core::Deadline deadline) {
  const KubernetesCall& call = std::get<KubernetesCall>(spec->set);
  const auto replicas = core::parse_number<std::int32_t>(values.to);
  if (!replicas || *replicas < 0) co_return refused("replicas are a whole number");
  // Without it the server would take any change, whoever else made one meanwhile.
  if (version.empty()) co_return refused("nothing was sent: there is no resourceVersion that the change is based on");
  auto place = find(*spec, call, values);
  if (!place) co_return refused("nothing was sent: " + place.error().detail);
  if (const auto may = authorize(call, place->request); !may)
    co_return refused("nothing was sent: the token: " + may.error().detail);
  place->request.method = "PUT";
  place->request.headers.emplace_back("Content-Type", "application/json");
  place->request.body = scale_object(*place, version, *replicas);
  const Answer answer = co_await send(connector, std::move(place->request), deadline);
  if (!answer.response) co_return without_answer(answer);
  const unsigned status = answer.response->status;
  CallEnd end;
  if (status == 200 || status == 201) {
    end.how = CallEnd::How::done;
    end.words = place->words + " is to have " + values.to + (values.to == "1" ? " replica" : " replicas");
  } else {
    end.how = meaning_of(status);
    end.words = denial(call, *place, "update", answer);
  }
  co_return end;
}

}  // namespace tocsin::actions
