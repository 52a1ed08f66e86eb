// The section `http` of a module of blackbox_exporter, in the words of our own keys.
#include <algorithm>

#include "config/kinds/modules.hpp"
#include "config/tables.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {

using core::field;
using core::list_of;
using core::map_of;
using core::Section;
using core::section;
using model::Probe;
using Rows = std::vector<core::Field<Probe>>;
using Wrong = std::optional<std::string>;

namespace {

model::Expect& expect_of(Probe& probe) {
  if (!probe.http.expect) probe.http.expect.emplace();
  return *probe.http.expect;
}

model::Header plain(const std::string& value) {
  model::Header header;
  header.value.value = core::Secret(value);
  return header;
}

/// `10MB`: of 1024, whatever the letter is called; 0 is no bound of theirs.
core::Type<std::uint64_t> size_type() {
  const auto parse = [](const std::string& text) -> std::variant<std::uint64_t, std::string> {
    const bool decimal =
        text.size() > 1 && text.ends_with('B') && text[text.size() - 2] >= 'A' && text.find("iB") == std::string::npos;
    const std::string binary = decimal ? text.substr(0, text.size() - 1).append("iB") : text;
    if (text == "0" || text == "0B") return std::uint64_t{0};
    if (const auto bytes = core::parse_bytes(binary)) return *bytes;
    return "is a size such as 10MB, not \"" + text + "\"";
  };
  return core::text_as<std::uint64_t>("size", "", parse,
                                      [](const std::uint64_t& size) { return std::to_string(size); });
}

struct HeaderRule {
  std::string header;
  std::string regexp;
  bool allow_missing = false;
};

/// Whether one of the values is to match, or none.
core::Field<Probe> header_rules(std::string name, std::string sign) {
  const Section<HeaderRule> table(
      "header rule", "",
      {field("header", &HeaderRule::header).required(), field("regexp", &HeaderRule::regexp, regex()).required(),
       field("allow_missing", &HeaderRule::allow_missing)});
  return module_row<std::vector<HeaderRule>>(
      std::move(name), list_of(section(table)), std::function([sign](Probe& probe, std::vector<HeaderRule> rules) {
        for (HeaderRule& rule : rules) {
          expect_of(probe).header_rules.push_back(
              {std::move(rule.header), sign + " " + rule.regexp, rule.allow_missing});
        }
      }));
}

struct HeaderValues {
  std::vector<std::string> values;
  std::vector<std::string> secrets;
  std::vector<std::string> files;
};

core::Field<Probe> http_headers() {
  const Section<HeaderValues> table("header values", "",
                                    {field("values", &HeaderValues::values), field("secrets", &HeaderValues::secrets),
                                     field("files", &HeaderValues::files, list_of(core::path()))});
  using Headers = std::vector<std::pair<std::string, HeaderValues>>;
  return module_row<Headers>("http_headers", map_of(section(table), "name"),
                             std::function([](Probe& probe, Headers headers) {
                               auto& into = probe.http.headers;
                               for (const auto& [name, given] : headers) {
                                 for (const std::string& value : given.values) into.emplace_back(name, plain(value));
                                 for (const std::string& value : given.secrets) into.emplace_back(name, plain(value));
                                 for (const std::string& file : given.files) {
                                   model::Header header;
                                   header.value.file = file;
                                   into.emplace_back(name, std::move(header));
                                 }
                               }
                             }));
}

struct ModuleAuth {
  std::string user;
  std::string user_file;
  core::SecretSource password;
};

core::Field<Probe> basic_auth() {
  const Section<ModuleAuth> table =
      Section<ModuleAuth>(
          "basic_auth", "",
          {field("username", &ModuleAuth::user), field("username_file", &ModuleAuth::user_file, core::path()),
           field("password", &ModuleAuth::password, core::secret_text()),
           field("password_file", &ModuleAuth::password, core::secret_file())})
          .exclusive({"username", "username_file"})
          .exclusive({"password", "password_file"});
  return module_row<ModuleAuth>(
      "basic_auth", section(table), std::function([](Probe& probe, ModuleAuth auth) {
        probe.http.user_file = std::move(auth.user_file);
        probe.http.basic_auth = model::BasicAuth{std::move(auth.user), std::move(auth.password), {}};
      }));
}

Rows expectations() {
  using Texts = std::vector<std::string>;
  return {
      module_row<std::vector<unsigned>>("valid_status_codes", list_of(core::integer<unsigned>(100, 599)),
                                        std::function([](Probe& probe, std::vector<unsigned> codes) {
                                          for (const unsigned code : codes)
                                            expect_of(probe).status.push_back({code, code});
                                        })),
      module_row<Texts>("valid_http_versions", list_of(core::text()),
                        std::function([](Probe& probe, Texts versions) -> Wrong {
                          for (const std::string& text : versions) {
                            const unsigned version = text == "HTTP/1.0"                       ? 10
                                                     : text == "HTTP/1.1"                     ? 11
                                                     : text == "HTTP/2" || text == "HTTP/2.0" ? 20
                                                                                              : 0;
                            if (version == 0) return "is of HTTP/1.0, HTTP/1.1 and HTTP/2.0, not \"" + text + "\"";
                            expect_of(probe).versions.push_back(version);
                          }
                          return std::nullopt;
                        })),
      module_row<bool>("fail_if_ssl", core::boolean(), std::function([](Probe& probe, bool fail) {
                         if (fail) expect_of(probe).tls = false;
                       })),
      module_row<bool>("fail_if_not_ssl", core::boolean(), std::function([](Probe& probe, bool fail) {
                         if (fail) expect_of(probe).tls = true;
                       })),
      module_row<Texts>("fail_if_body_matches_regexp", list_of(regex()), std::function([](Probe& probe, Texts texts) {
                          expect_of(probe).body_not_matches = std::move(texts);
                        })),
      module_row<Texts>(
          "fail_if_body_not_matches_regexp", list_of(regex()),
          std::function([](Probe& probe, Texts texts) { expect_of(probe).body_matches = std::move(texts); })),
      header_rules("fail_if_header_matches", "!~"),
      header_rules("fail_if_header_not_matches", "=~"),
      unsupported_row("fail_if_body_json_matches_cel", "is not supported: CEL is not spoken here (see `expect.json`)"),
      unsupported_row("fail_if_body_json_not_matches_cel",
                      "is not supported: CEL is not spoken here (see `expect.json`)"),
  };
}

Rows request() {
  using Texts = std::vector<std::pair<std::string, std::string>>;
  return {
      module_row<std::string>("method", core::text(), std::function([](Probe& probe, std::string method) {
                                if (!method.empty()) probe.http.method = std::move(method);
                              })),
      module_row<Texts>("headers", map_of(core::text(), "name"), std::function([](Probe& probe, Texts headers) {
                          for (const auto& [name, value] : headers) probe.http.headers.emplace_back(name, plain(value));
                        })),
      http_headers(),
      module_row<std::string>("body", core::text(),
                              std::function([](Probe& probe, std::string body) { probe.http.body = std::move(body); })),
      module_row<std::string>("body_file", core::path(), std::function([](Probe& probe, std::string file) {
                                probe.http.body_file = std::move(file);
                              })),
      module_row<std::uint64_t>("body_size_limit", size_type(), std::function([](Probe& probe, std::uint64_t size) {
                                  if (size > 0) probe.http.max_body = size;
                                })),
      module_row<net::Encoding>("compression",
                                core::choice<net::Encoding>({{"identity", net::Encoding::identity},
                                                             {"gzip", net::Encoding::gzip},
                                                             {"deflate", net::Encoding::deflate},
                                                             {"br", net::Encoding::brotli}}),
                                std::function([](Probe& probe, net::Encoding kind) { probe.http.compression = kind; })),
      module_row<bool>("follow_redirects", core::boolean(),
                       std::function([](Probe& probe, bool follow) { probe.http.follow_redirects = follow; })),
      module_row<bool>("no_follow_redirects", core::boolean(),
                       std::function([](Probe& probe, bool stay) { probe.http.follow_redirects = !stay; })),
      module_row<bool>("enable_http2", core::boolean(),
                       std::function([](Probe& probe, bool given) { probe.http.http2 = given; })),
      module_row<bool>("enable_http3", core::boolean(), std::function([](Probe&, bool given) -> Wrong {
                         if (!given) return std::nullopt;
                         return "is not supported: HTTP/3 is not spoken here";
                       })),
  };
}

Rows credentials() {
  return {
      basic_auth(),
      module_row<model::Authorization>(
          "authorization", section(authorization_table()),
          std::function([](Probe& probe, model::Authorization given) { probe.http.authorization = std::move(given); })),
      module_row<core::SecretSource>(
          "bearer_token", core::secret_text(),
          std::function([](Probe& probe, core::SecretSource token) { probe.http.bearer = std::move(token); })),
      module_row<core::SecretSource>(
          "bearer_token_file", core::secret_file(),
          std::function([](Probe& probe, core::SecretSource token) { probe.http.bearer = std::move(token); })),
      unsupported_row("oauth2",
                      "is not supported: OAuth 2 is not spoken here (a token in a file is read for each probe)"),
      tls_module_row(),
  };
}

Rows proxies() {
  using Headers = std::vector<std::pair<std::string, std::vector<std::string>>>;
  return {
      module_row<std::string>("proxy_url", core::text(), std::function([](Probe& probe, std::string url) {
                                probe.http.proxy.url = std::move(url);
                              })),
      module_row<std::string>("no_proxy", core::text(), std::function([](Probe& probe, std::string list) {
                                probe.http.proxy.no_proxy = std::move(list);
                              })),
      module_row<bool>("proxy_from_environment", core::boolean(),
                       std::function([](Probe& probe, bool given) { probe.http.proxy.from_environment = given; })),
      module_row<Headers>("proxy_connect_header", map_of(list_of(core::text()), "name"),
                          std::function([](Probe& probe, Headers headers) {
                            for (const auto& [name, values] : headers) {
                              for (const std::string& value : values)
                                probe.http.proxy.connect_headers.emplace_back(name, plain(value));
                            }
                          })),
      module_row<bool>("skip_resolve_phase_with_proxy", core::boolean(),
                       std::function([](Probe& probe, bool given) { probe.http.proxy.skip_resolve = given; })),
  };
}

}  // namespace

Rows http_module() {
  Rows rows;
  for (Rows part : {expectations(), request(), credentials(), proxies(), ip_module_rows()}) {
    std::move(part.begin(), part.end(), std::back_inserter(rows));
  }
  return rows;
}

}  // namespace tocsin::daemon
