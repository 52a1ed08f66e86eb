// What all requests to a receiver have in common.
#pragma once

#include "tocsin/alerts/receiver.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::alerts {

[[nodiscard]] bool same_url(const net::Url& a, const net::Url& b);

}  // namespace tocsin::alerts
