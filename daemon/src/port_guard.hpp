// Who may use the port: names and passwords, held against bcrypt hashes. On one loop; the hashing is done on a pool.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "tocsin/core/secret.hpp"
#include "tocsin/daemon/config/config.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::daemon {

/// What stands in a header `Authorization: Basic ...`; nothing where it is no such header.
struct Login {
  std::string user;
  core::Secret password;
};
[[nodiscard]] std::optional<Login> parse_login(std::string_view authorization);

/// Whether the password is the one that the bcrypt hash was made of. Takes as long as the hash's cost wants: not for a
/// loop.
[[nodiscard]] bool password_fits(const core::Secret& password, const core::Secret& hash);

/// Good answers are remembered (as a keyed digest, not as they are), so that a scrape does not cost a hash each time.
/// Bad ones are slow, and at most a few are looked at at a time.
class PortGuard {
 public:
  static constexpr std::chrono::milliseconds slowness{500};  // that a bad login costs besides
  static constexpr std::size_t most_remembered = 64;

  struct Admission {
    std::string user;                            // who it is, where there is no refusal
    std::optional<net::ServerResponse> refusal;  // 401, or 503 where too many ask at a time
  };

  /// The pool should have one thread and a short queue: so many logins are looked at at a time.
  PortGuard(net::Loop& loop, net::BlockingPool& pool);

  void set_users(WebUsers users);
  [[nodiscard]] bool wants_login() const { return !users_.empty(); }
  [[nodiscard]] net::Task<Admission> admit(std::string authorization);
  /// From any thread: how many logins were bad.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  [[nodiscard]] std::string digest(const Login& login, const core::Secret& hash) const;

  net::Loop& loop_;
  net::BlockingPool& pool_;
  WebUsers users_;
  std::string salt_;               // of the digests, of this process alone
  std::deque<std::string> known_;  // digests of what was good, the newest last
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace tocsin::daemon
