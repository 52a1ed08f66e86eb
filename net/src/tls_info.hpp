// What certificates say, in the words of TlsInfo.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tocsin/net/stream.hpp"

namespace tocsin::net {

/// Verify callbacks of a context. The connection's TlsInfo is found through SSL_get_app_data and filled with what was
/// presented.
int verify_and_record(X509_STORE_CTX* store, void*);
int record_only(X509_STORE_CTX* store, void*);

/// Version, cipher and ALPN, after the handshake.
void record_session(const SSL* ssl, TlsInfo& info);

}  // namespace tocsin::net
