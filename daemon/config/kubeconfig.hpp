// Where a Kubernetes cluster is, and who we are there.
#pragma once

#include <optional>

#include "load.hpp"

namespace tocsin::daemon {

/// Server, token and certificates: of the section, of the kubeconfig that it names, or of the cluster that tocsin runs
/// in. Nothing after an error.
[[nodiscard]] std::optional<actions::KubernetesCall> make_kubernetes(const model::Kubernetes& section,
                                                                     const Loading& loading);

}  // namespace tocsin::daemon
