#include "src/scale.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "tocsin/core/json_path.hpp"

namespace tocsin::actions {
namespace {

namespace json = boost::json;

constexpr std::size_t max_version = 256;

core::Failure none(std::string words) {
  return core::Failure{core::Outcome::unexpected, core::Phase::parse, std::move(words)};
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
  return text.size() <= max_version ? std::string(text.data(), text.size()) : std::string();
}

}  // namespace

core::Result<Reading> reading_of_scale(std::string_view body) {
  const auto document = core::parse_json(body);
  const json::object* scale = document ? document->if_object() : nullptr;
  const json::value* kind = scale != nullptr ? scale->if_contains("kind") : nullptr;
  if (kind == nullptr || !kind->is_string() || kind->get_string() != "Scale") {
    return none("the answer is no Scale object: is this a Kubernetes API server?");
  }
  const auto wanted = number_at(*scale, "spec");
  const auto present = number_at(*scale, "status");
  Reading reading;
  reading.version = version_of(*scale);
  if (!wanted || !present || reading.version.empty()) {
    return none("the Scale object has no spec.replicas, status.replicas or metadata.resourceVersion");
  }
  reading.value = std::to_string(*wanted);
  reading.ready = *wanted == *present;
  if (!reading.ready) reading.not_ready = std::to_string(*present) + " of " + reading.value + " replicas";
  return reading;
}

std::string scale_object(const std::string& name, const std::string& space, const std::string& version,
                         std::int32_t replicas) {
  json::object metadata;
  metadata["name"] = name;
  metadata["namespace"] = space;
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

}  // namespace tocsin::actions
