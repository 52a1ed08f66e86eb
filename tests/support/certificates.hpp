// Certificates made for a test: an authority of its own, and what it signs.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include "support/temp_dir.hpp"

namespace tocsin::test {

struct CertificateFiles {
  std::string cert;  // PEM, the leaf alone
  std::string key;
};

struct CertificateWish {
  std::string name = "localhost";                          // of the files, and the subject's CN
  std::string organization = "tocsin test";                // the subject's O
  std::string alternative = "DNS:localhost,IP:127.0.0.1";  // subjectAltName; empty for none
  std::chrono::seconds from{-3600};                        // relative to now
  std::chrono::seconds until{24 * 3600};
  bool self_signed = false;
};

class Certificates {
 public:
  Certificates() : ca_key_(new_key()) {
    CertificateWish wish;
    wish.name = "Test CA";
    wish.alternative.clear();
    ca_ = sign(wish, ca_key_.get(), nullptr, ca_key_.get(), true);
    ca_file_ = dir_ / "ca.pem";
    write_cert(ca_file_, ca_.get());
  }
  /// The authority's certificate, to be trusted.
  [[nodiscard]] const std::string& ca_file() const { return ca_file_; }
  [[nodiscard]] const TempDir& dir() const { return dir_; }

  CertificateFiles issue(const CertificateWish& wish = {}) {
    const Key key = new_key();
    const Cert cert = wish.self_signed ? sign(wish, key.get(), nullptr, key.get(), false)
                                       : sign(wish, key.get(), ca_.get(), ca_key_.get(), false);
    const std::string base = dir_ / std::to_string(serial_);
    CertificateFiles files{base + ".pem", base + ".key"};
    write_cert(files.cert, cert.get());
    const File out = open(files.key);
    PEM_write_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return files;
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* cert) const { X509_free(cert); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Cert = std::unique_ptr<X509, Free>;
  using File = std::unique_ptr<std::FILE, Free>;

  static Key new_key() { return Key(EVP_EC_gen("P-256")); }
  static File open(const std::string& path) {
    File file(std::fopen(path.c_str(), "w"));
    if (!file) throw std::runtime_error("cannot write " + path);
    return file;
  }
  static void write_cert(const std::string& path, X509* cert) {
    const File out = open(path);
    PEM_write_X509(out.get(), cert);
  }
  static void entry(X509_NAME* name, const char* field, const std::string& text) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1,
                               0);
  }
  static void extend(X509* cert, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Free> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    if (!extension) throw std::runtime_error("bad extension " + value);
    X509_add_ext(cert, extension.get(), -1);
  }

  Cert sign(const CertificateWish& wish, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, bool authority) {
    Cert cert(X509_new());
    X509_set_version(cert.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(cert.get()), wish.from.count());
    X509_gmtime_adj(X509_getm_notAfter(cert.get()), wish.until.count());
    X509_NAME* subject = X509_get_subject_name(cert.get());
    entry(subject, "O", wish.organization);
    entry(subject, "CN", wish.name);
    X509_set_issuer_name(cert.get(), issuer == nullptr ? subject : X509_get_subject_name(issuer));
    X509_set_pubkey(cert.get(), key);
    if (authority) extend(cert.get(), cert.get(), NID_basic_constraints, "critical,CA:TRUE");
    if (!wish.alternative.empty()) extend(cert.get(), issuer, NID_subject_alt_name, wish.alternative);
    if (X509_sign(cert.get(), issuer_key, EVP_sha256()) == 0) throw std::runtime_error("cannot sign");
    return cert;
  }

  TempDir dir_;
  long serial_ = 0xA0;
  Key ca_key_;
  Cert ca_;
  std::string ca_file_;
};

}  // namespace tocsin::test
