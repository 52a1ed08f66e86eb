#include "tls_info.hpp"

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>

namespace tocsin::net {
namespace {

std::string hex(const unsigned char* bytes, std::size_t size) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4U];
    text += digits[bytes[i] & 15U];
  }
  return text;
}

std::optional<core::TimePoint> not_after(const X509* cert) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &parts) != 1) return std::nullopt;
  return core::from_millis(static_cast<std::int64_t>(::timegm(&parts)) * 1000);
}

std::optional<core::TimePoint> earliest(const STACK_OF(X509) * chain) {
  std::optional<core::TimePoint> found;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const std::optional<core::TimePoint> end = not_after(sk_X509_value(chain, i));
    if (end && (!found || *end < *found)) found = end;
  }
  return found;
}

std::string utf8(const ASN1_STRING* text) {
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, text);
  if (size < 0) return {};
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

std::string escape_value(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool special = std::string_view(",+\"\\<>;").find(c) != std::string_view::npos;
    const bool edge = (i == 0 && (c == ' ' || c == '#')) || (i + 1 == value.size() && c == ' ');
    if (special || edge) out += '\\';
    out += c;
  }
  return out;
}

constexpr std::array<std::pair<int, std::string_view>, 9> name_fields{{{NID_serialNumber, "SERIALNUMBER"},
                                                                       {NID_commonName, "CN"},
                                                                       {NID_postalCode, "POSTALCODE"},
                                                                       {NID_streetAddress, "STREET"},
                                                                       {NID_stateOrProvinceName, "ST"},
                                                                       {NID_localityName, "L"},
                                                                       {NID_organizationalUnitName, "OU"},
                                                                       {NID_organizationName, "O"},
                                                                       {NID_countryName, "C"}}};

/// The values of one field as Go prints them: several are joined by '+', but of CN and SERIALNUMBER the last one
/// counts.
std::string field_text(const X509_NAME* name, int nid, std::string_view label) {
  std::string text;
  for (int at = X509_NAME_get_index_by_NID(name, nid, -1); at >= 0; at = X509_NAME_get_index_by_NID(name, nid, at)) {
    const bool single = nid == NID_commonName || nid == NID_serialNumber;
    if (single) text.clear();
    if (!text.empty()) text += '+';
    text += label;
    text += '=';
    text += escape_value(utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))));
  }
  return text;
}

bool has_field(int nid) {
  return std::any_of(name_fields.begin(), name_fields.end(), [nid](const auto& field) { return field.first == nid; });
}

/// Attributes without a short name in Go: `1.2.3=#<DER in hex>`.
std::string other_text(const X509_NAME_ENTRY* entry) {
  std::array<char, 128> oid{};
  OBJ_obj2txt(oid.data(), static_cast<int>(oid.size()), X509_NAME_ENTRY_get_object(entry), 1);
  unsigned char* der = nullptr;
  ASN1_TYPE type{};
  ASN1_STRING* data = X509_NAME_ENTRY_get_data(entry);
  type.type = ASN1_STRING_type(data);
  type.value.asn1_string = data;
  const int size = i2d_ASN1_TYPE(&type, &der);
  std::string text = std::string(oid.data()) + "=#" + (size > 0 ? hex(der, static_cast<std::size_t>(size)) : "");
  OPENSSL_free(der);
  return text;
}

std::string name_text(const X509_NAME* name) {
  std::string text;
  const auto append = [&text](const std::string& part) {
    if (!part.empty() && !text.empty()) text += ',';
    text += part;
  };
  for (const auto& [nid, label] : name_fields) append(field_text(name, nid, label));
  for (int i = X509_NAME_entry_count(name) - 1; i >= 0; --i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    if (!has_field(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)))) append(other_text(entry));
  }
  return text;
}

std::string dns_names(const X509* cert) {
  struct Free {
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  };
  const std::unique_ptr<GENERAL_NAMES, Free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    if (!text.empty()) text += ',';
    text += utf8(name->d.dNSName);
  }
  return text;
}

std::string serial_text(const X509* cert) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(cert);
  const std::string digits = hex(ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial)));
  const std::string text = digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
  return text.empty() ? "0" : text;
}

void record_leaf(const X509* cert, TlsInfo& info) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(cert, EVP_sha256(), digest.data(), &size) == 1) info.fingerprint_sha256 = hex(digest.data(), size);
  info.subject = name_text(X509_get_subject_name(cert));
  info.issuer = name_text(X509_get_issuer_name(cert));
  info.serial = serial_text(cert);
  info.subject_alternative = dns_names(cert);
}

TlsInfo* info_of(X509_STORE_CTX* store) {
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  return ssl == nullptr ? nullptr : static_cast<TlsInfo*>(SSL_get_app_data(ssl));
}

}  // namespace

int record_only(X509_STORE_CTX* store, void*) {
  if (TlsInfo* info = info_of(store); info != nullptr) {
    info->earliest_expiry = earliest(X509_STORE_CTX_get0_untrusted(store));
    if (const X509* leaf = X509_STORE_CTX_get0_cert(store); leaf != nullptr) record_leaf(leaf, *info);
  }
  return 1;
}

int verify_and_record(X509_STORE_CTX* store, void*) {
  record_only(store, nullptr);
  const int good = X509_verify_cert(store);
  if (TlsInfo* info = info_of(store); info != nullptr) {
    if (good == 1) {
      info->chain_expiry = earliest(X509_STORE_CTX_get0_chain(store));
    } else {
      info->verify_error = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
    }
  }
  return good == 1 ? 1 : 0;
}

void record_session(const SSL* ssl, TlsInfo& info) {
  const std::string_view version = SSL_get_version(ssl);
  info.version = version.starts_with("TLSv") ? "TLS " + std::string(version.substr(4)) : std::string(version);
  const char* cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  info.cipher = cipher == nullptr ? "" : cipher;
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  if (protocol != nullptr) info.alpn.assign(reinterpret_cast<const char*>(protocol), size);
}

}  // namespace tocsin::net
