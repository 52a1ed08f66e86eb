// Who we are, as HTTP wants it said.
#pragma once

#include <string>

#include "tocsin/core/result.hpp"
#include "tocsin/core/secret.hpp"

namespace tocsin::core {

/// The value of an Authorization header, empty where there are no credentials. A token stands before user and password.
[[nodiscard]] Result<std::string> authorization(const SecretSource& bearer, const std::string& user,
                                                const SecretSource& password);

}  // namespace tocsin::core
