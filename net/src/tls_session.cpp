#include "tls_session.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "tls_info.hpp"

namespace tocsin::net {
namespace {

TlsSession::Transport& transport_of(BIO* bio) { return *static_cast<TlsSession::Transport*>(BIO_get_data(bio)); }

bool must_wait(int error) { return error == EAGAIN || error == EINTR; }

int bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  TlsSession::Transport& transport = transport_of(bio);
  const ssize_t got = ::recv(transport.fd, into, static_cast<std::size_t>(size), 0);
  if (got == 0) transport.eof = true;
  if (got < 0 && must_wait(errno)) {
    BIO_set_retry_read(bio);
  } else if (got < 0) {
    transport.error = errno;
  }
  return static_cast<int>(got);
}

/// OpenSSL's own socket BIO writes without MSG_NOSIGNAL and so may end the process by SIGPIPE.
int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  TlsSession::Transport& transport = transport_of(bio);
  const ssize_t sent = ::send(transport.fd, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && must_wait(errno)) {
    BIO_set_retry_write(bio);
  } else if (sent < 0) {
    transport.error = errno;
  }
  return static_cast<int>(sent);
}

long bio_ctrl(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return transport_of(bio).eof ? 1 : 0;
  return 0;
}

const BIO_METHOD* socket_method() {
  struct Free {
    void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
  };
  static const std::unique_ptr<BIO_METHOD, Free> method = [] {
    std::unique_ptr<BIO_METHOD, Free> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tocsin socket"));
    BIO_meth_set_read(made.get(), bio_read);
    BIO_meth_set_write(made.get(), bio_write);
    BIO_meth_set_ctrl(made.get(), bio_ctrl);
    return made;
  }();
  return method.get();
}

bool is_numeric(const std::string& name) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, name.c_str(), &ignored) == 1 || ::inet_pton(AF_INET6, name.c_str(), &ignored) == 1;
}

/// Each name behind its length.
std::string alpn_wire(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& name : protocols) {
    if (name.empty() || name.size() > 255) continue;
    wire += static_cast<char>(name.size());
    wire += name;
  }
  return wire;
}

}  // namespace

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context, int fd, const std::string& name,
                       const TlsOptions& options)
    : context_(std::move(context)), ssl_(SSL_new(context_->ssl.get())) {
  BIO* bio = BIO_new(socket_method());
  if (!ssl_ || bio == nullptr) throw std::bad_alloc();
  transport_.fd = fd;
  BIO_set_data(bio, &transport_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_connect_state(ssl_.get());
  SSL_set_app_data(ssl_.get(), &info_);
  const bool numeric = is_numeric(name);
  if (!numeric && !name.empty()) {
    std::string sni = name;  // the macro SSL_set_tlsext_host_name has a C cast in it
    SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, sni.data());
  }
  if (const std::string offer = alpn_wire(options.alpn); !offer.empty()) {
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(offer.data()),
                        static_cast<unsigned>(offer.size()));
  }
  if (options.insecure_skip_verify) return;
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl_.get());
  if (numeric) {
    X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), name.size());
  }
}

TlsSession::Step TlsSession::handshake() {
  ERR_clear_error();
  const Step step = judge(SSL_do_handshake(ssl_.get()));
  if (step == Step::done) record_session(ssl_.get(), info_);
  return step;
}

TlsSession::Step TlsSession::read(std::span<char> into, std::size_t& size) {
  ERR_clear_error();
  return judge(SSL_read_ex(ssl_.get(), into.data(), into.size(), &size));
}

TlsSession::Step TlsSession::write(std::string_view bytes, std::size_t& size) {
  ERR_clear_error();
  return judge(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size));
}

TlsSession::Step TlsSession::peek() {
  ERR_clear_error();
  char byte = 0;
  std::size_t size = 0;
  return judge(SSL_peek_ex(ssl_.get(), &byte, 1, &size));
}

TlsSession::Step TlsSession::judge(int result) {
  if (result == 1) return Step::done;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Step::want_read;
    case SSL_ERROR_WANT_WRITE:
      return Step::want_write;
    default:
      return fail();
  }
}

TlsSession::Step TlsSession::fail() {
  const unsigned long code = ERR_peek_error();
  if (code != 0 && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET) refused_ = ERR_GET_LIB(code) == ERR_LIB_SSL;
  if (transport_.error != 0) {
    error_ = std::strerror(transport_.error);
    return Step::closed;
  }
  if (transport_.eof || (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0) {
    if (!refused_) {
      error_ = "the connection was closed";
      return Step::closed;
    }
  }
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  error_ = reason == nullptr ? "TLS failed without a reason" : reason;
  ERR_clear_error();
  return Step::failed;
}

}  // namespace tocsin::net
