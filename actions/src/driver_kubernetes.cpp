// The scale subresource of a Deployment, StatefulSet or ReplicaSet. The PUT carries the resourceVersion that was read:
// if anybody has changed the object since, the API server refuses it.
#include <algorithm>
#include <utility>
#include <variant>

#include "src/driver.hpp"
#include "src/request.hpp"
#include "src/scale.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::actions {
namespace {

/// An object's scale: where it is, in words and as a URL.
struct Workload {
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

core::Result<Workload> find(const ActionSpec& spec, const KubernetesCall& call, const Placeholders& values) {
  if (call.server.empty()) return cannot("there is no Kubernetes API server to ask");
  const auto name = fill(spec, call.name, values);
  if (!name) return name.error();
  const auto space = fill(spec, call.space, values);
  if (!space) return space.error();
  for (const std::string& text : {*name, *space, call.resource}) {
    if (!is_object_name(text)) return cannot("no object of Kubernetes is called '" + first_line(text, {}) + "'");
  }
  Workload place;
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
std::string denial(const KubernetesCall& call, const Workload& place, std::string_view verb, const Answer& answer) {
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
  place->request.body = scale_object(place->name, place->space, version, *replicas);
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
