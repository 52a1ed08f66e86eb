// A connection: TCP, TLS over TCP, or a unix socket, behind one interface. Not thread-safe: use it on the loop it was
// made on.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/result.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::net {

enum class TlsVersion { tls10, tls11, tls12, tls13 };

/// How to speak TLS. Equal options share one SSL context.
struct TlsOptions {
  std::string ca_file;    // empty: the system's
  std::string cert_file;  // client certificate
  std::string key_file;
  std::string server_name;  // empty: the host that is connected to
  bool insecure_skip_verify = false;
  std::optional<TlsVersion> min_version;  // none: TLS 1.2; older ones come with their weak ciphers
  std::optional<TlsVersion> max_version;
  std::vector<std::string> alpn;  // protocols offered, the preferred one first ("h2", "http/1.1"); empty: no ALPN
  bool operator==(const TlsOptions&) const = default;
};

/// What the peer showed in the handshake; filled as far as it came, also when verification failed.
struct TlsInfo {
  std::string version;                             // "TLS 1.3"
  std::string cipher;                              // IANA name
  std::string alpn;                                // the protocol that was agreed on; empty: none
  std::optional<core::TimePoint> earliest_expiry;  // the smallest notAfter of the presented certificates
  std::optional<core::TimePoint> chain_expiry;     // of the verified chain; none where verification is off or failed
  std::string fingerprint_sha256;                  // of the leaf, lower-case hex
  std::string subject, issuer, serial;             // as Go prints them: "CN=x,O=y"; serial in hex
  std::string subject_alternative;                 // "DNS:a,DNS:b" without prefixes: a,b
  std::string verify_error;                        // empty if verified (or not asked to)
};

struct Address {
  std::string host;  // name or numeric address; for unix sockets the path
  std::uint16_t port = 0;
  bool unix_socket = false;
  /// host:port, [v6]:port, or the path.
  [[nodiscard]] std::string to_string() const;
};

/// A numeric address, as the resolver returns it.
struct Endpoint {
  std::array<unsigned char, 16> bytes{};  // 4 or 16 are used
  bool v6 = false;
  std::uint16_t port = 0;
  std::uint32_t scope = 0;
  [[nodiscard]] std::span<const unsigned char> address() const { return {bytes.data(), v6 ? 16U : 4U}; }
  [[nodiscard]] std::string to_string() const;
};

/// Nothing if the host is a name.
[[nodiscard]] std::optional<Endpoint> numeric_endpoint(const std::string& host, std::uint16_t port);

class Stream {
 public:
  virtual ~Stream() = default;
  /// The one deadline of everything on this stream: when it passes, the operation that waits ends with
  /// Outcome::timeout, and so does every later one until a new deadline is set. Cheap to call again.
  /// `core::Deadline::max()` means none; set it on a connection that is kept without being watched.
  virtual void expires_at(core::Deadline deadline) = 0;
  /// Reads at least one byte. An orderly end is Outcome::closed.
  [[nodiscard]] virtual Task<core::Result<std::size_t>> read_some(std::span<char> into) = 0;
  /// Writes all of it.
  [[nodiscard]] virtual Task<core::Result<void>> write(std::string_view bytes) = 0;
  /// Writes as much as goes without waiting, and says how much that was: `write` is for the rest, and for what failed.
  /// Most writes are small and go at once; they need no coroutine.
  [[nodiscard]] virtual std::size_t write_now(std::string_view /*bytes*/) { return 0; }
  /// The idle connection as a sentinel: returns when the peer closes it, resets it or says something unasked (true), or
  /// when `stop_watching` is called (false). No deadline applies: the caller bounds it by stop_watching.
  [[nodiscard]] virtual Task<bool> wait_closed() = 0;
  virtual void stop_watching() = 0;
  /// Switches to TLS on this connection (STARTTLS, or right after connect).
  [[nodiscard]] virtual Task<core::Result<void>> start_tls(const TlsOptions& options, std::string host) = 0;
  /// Null where there is no TLS. Also filled after a handshake that failed on the certificate.
  [[nodiscard]] virtual const TlsInfo* tls() const = 0;
  /// After a read that ended with Outcome::closed: the peer ended the connection in order, and did not break it off.
  [[nodiscard]] virtual bool ended() const { return false; }
  /// Closes at once, without a TLS goodbye; whatever waits ends with Outcome::cancelled.
  virtual void close() noexcept = 0;
  /// `close` for a conversation that is over: all that the peer had to say was read.
  virtual void retire() noexcept { close(); }
};

/// What a connection asks for beside an address.
struct ConnectOptions {
  std::optional<Endpoint> source;  // our side's address; its port does not count
  bool peer_speaks_first = false;  // the handshake's last ACK must not wait for what we say
};

class Socket;

/// A connection that has begun. `settled`: it is there, or has failed; else `Connector::finish` waits for it.
struct Attempt {
  std::optional<core::Result<std::unique_ptr<Stream>>> settled;
  std::shared_ptr<Socket> socket;
  Endpoint endpoint;
};

/// Looks names up and connects. Owns the TLS contexts and the pool that resolves. One for the process; use it on any
/// loop.
class Connector {
 public:
  struct Impl;
  explicit Connector(BlockingPool& pool);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  /// All addresses of a name, in the system's order; numeric addresses answer at once. Failures are Outcome::resolve,
  /// or timeout with Phase::resolve. At most one look-up a name is under way; the others wait for it.
  [[nodiscard]] Task<core::Result<std::vector<Endpoint>>> resolve(std::string host, std::uint16_t port,
                                                                  core::Deadline deadline);
  /// Connects one numeric endpoint; the stream's deadline is `deadline`.
  [[nodiscard]] Task<core::Result<std::unique_ptr<Stream>>> connect(Endpoint endpoint, core::Deadline deadline,
                                                                    ConnectOptions options = {});
  /// `connect` in two steps: near peers answer at once, and then the second is not needed.
  [[nodiscard]] Attempt begin(const Endpoint& endpoint, core::Deadline deadline, const ConnectOptions& options);
  [[nodiscard]] Task<core::Result<std::unique_ptr<Stream>>> finish(Attempt attempt);
  [[nodiscard]] Task<core::Result<std::unique_ptr<Stream>>> connect_unix(std::string path, core::Deadline deadline);
  /// Resolves, tries the addresses in order until one connects (each gets a fair part of the time), then TLS if asked.
  [[nodiscard]] Task<core::Result<std::unique_ptr<Stream>>> open(Address address, std::optional<TlsOptions> tls,
                                                                 core::Deadline deadline);
  /// Reads certificate files again (after a reload).
  void forget_tls_contexts();

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::net
