#include "tls_context.hpp"

#include <openssl/err.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "tls_info.hpp"

namespace tocsin::net {
namespace {

core::Failure bad_file(const std::string& what, const std::string& file) {
  std::string reason;
  if (std::ifstream(file).good()) {
    const char* text = ERR_reason_error_string(ERR_peek_last_error());
    reason = text == nullptr ? "it holds nothing that can be used" : text;
  } else {
    reason = std::strerror(errno);
  }
  ERR_clear_error();
  return {core::Outcome::tls, core::Phase::tls, "cannot use the " + what + " " + file + ": " + reason};
}

/// A key with a passphrase is refused rather than asked for on a terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

core::Result<void> load_files(SSL_CTX* context, const TlsOptions& options) {
  if (options.insecure_skip_verify) {
    // Nothing is verified, so no authority is needed.
  } else if (options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) {
    return bad_file("CA file", options.ca_file);
  }
  if (options.cert_file.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1) {
    return bad_file("certificate", options.cert_file);
  }
  const std::string& key = options.key_file.empty() ? options.cert_file : options.key_file;
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) return bad_file("private key", key);
  return {};
}

int number(TlsVersion version) {
  switch (version) {
    case TlsVersion::tls10:
      return TLS1_VERSION;
    case TlsVersion::tls11:
      return TLS1_1_VERSION;
    case TlsVersion::tls12:
      return TLS1_2_VERSION;
    case TlsVersion::tls13:
      return TLS1_3_VERSION;
  }
  return TLS1_2_VERSION;
}

void set_versions(SSL_CTX* context, const TlsOptions& options) {
  const TlsVersion least = options.min_version.value_or(TlsVersion::tls12);
  SSL_CTX_set_min_proto_version(context, number(least));
  if (options.max_version) SSL_CTX_set_max_proto_version(context, number(*options.max_version));
  // OpenSSL's usual level refuses all that the old versions can do.
  if (least < TlsVersion::tls12) SSL_CTX_set_cipher_list(context, "DEFAULT@SECLEVEL=0");
}

core::Result<std::shared_ptr<const TlsContext>> make_context(const TlsOptions& options) {
  ERR_clear_error();
  auto context = std::make_shared<TlsContext>();
  context->ssl.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* ssl = context->ssl.get();
  if (ssl == nullptr) return core::Failure{core::Outcome::tls, core::Phase::tls, "OpenSSL has no memory for a context"};
  set_versions(ssl, options);
  SSL_CTX_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A resumed session shows no certificates, and a probe is to see them.
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
  SSL_CTX_set_verify(ssl, options.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(ssl, options.insecure_skip_verify ? record_only : verify_and_record, nullptr);
  const core::Result<void> loaded = load_files(ssl, options);
  if (!loaded) return loaded.error();
  return std::shared_ptr<const TlsContext>(std::move(context));
}

}  // namespace

core::Result<std::shared_ptr<const TlsContext>> TlsContexts::get(const TlsOptions& options) {
  TlsOptions key = options;
  key.server_name.clear();  // these two belong to the connection
  key.alpn.clear();
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->first != key) continue;
    entries_.splice(entries_.begin(), entries_, entry);
    return entries_.front().second;
  }
  core::Result<std::shared_ptr<const TlsContext>> made = make_context(key);
  if (!made) return made;
  entries_.emplace_front(std::move(key), *made);
  if (entries_.size() > most_) entries_.pop_back();
  return made;
}

void TlsContexts::forget() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

}  // namespace tocsin::net
