// Kubernetes' Scale object (autoscaling/v1), as it is read and as it is sent. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tocsin/actions/machine.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::actions {

/// spec.replicas, whether there are as many, and the resourceVersion. Fails on what is no Scale object.
[[nodiscard]] core::Result<Reading> reading_of_scale(std::string_view body);

/// What asks for so many replicas, if the object is still at that version.
[[nodiscard]] std::string scale_object(const std::string& name, const std::string& space, const std::string& version,
                                       std::int32_t replicas);

}  // namespace tocsin::actions
