#include "config/kinds/http.hpp"

#include <algorithm>
#include <cstdlib>

#include "config/kinds/kind.hpp"
#include "config/kinds/modules.hpp"
#include "config/tables.hpp"
#include "tocsin/core/condition.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::daemon {

using core::Duration;
using core::field;
using core::FieldReader;
using core::list_of;
using core::ListStyle;
using core::maybe;
using core::Place;
using core::section;
using core::Section;
using model::HttpKeys;

namespace {

core::Type<model::StatusRange> status_range() {
  const auto parse = [](const std::string& text) -> std::variant<model::StatusRange, std::string> {
    const std::string wrong = "is a status such as 200, a range such as 200-299, or 2xx, not \"" + text + "\"";
    const auto number = [](std::string_view digits) {
      const unsigned value = core::parse_number<unsigned>(digits).value_or(0);
      return value >= 100 && value <= 599 ? value : 0U;
    };
    if (text.size() == 3 && text.substr(1) == "xx" && text[0] >= '1' && text[0] <= '5') {
      const auto hundreds = static_cast<unsigned>(text[0] - '0') * 100;
      return model::StatusRange{hundreds, hundreds + 99};
    }
    const auto dash = text.find('-');
    const unsigned first = number(std::string_view(text).substr(0, dash));
    const unsigned last = dash == std::string::npos ? first : number(std::string_view(text).substr(dash + 1));
    if (first == 0 || last < first) return wrong;
    return model::StatusRange{first, last};
  };
  auto type = core::text_as<model::StatusRange>(
      "status", "^([1-5][0-9][0-9](-[1-5][0-9][0-9])?|[1-5]xx)$", parse, [](const model::StatusRange& range) {
        return range.first == range.last ? std::to_string(range.first)
                                         : std::to_string(range.first) + "-" + std::to_string(range.last);
      });
  type.write = [](const model::StatusRange& range) {
    if (range.first == range.last) return core::yaml_word(std::to_string(range.first));
    return core::yaml_text(std::to_string(range.first) + "-" + std::to_string(range.last));
  };
  core::YamlNode number = core::yaml_map(
      {{"type", core::yaml_text("integer")}, {"minimum", core::yaml_word("100")}, {"maximum", core::yaml_word("599")}});
  type.shape.schema = core::yaml_map({{"anyOf", core::yaml_list({std::move(number), std::move(type.shape.schema)})}});
  return type;
}

/// `HTTP/2.0`, `HTTP/2` or `2`.
core::Type<unsigned> http_version() {
  const auto parse = [](const std::string& text) -> std::variant<unsigned, std::string> {
    std::string_view rest = text;
    if (rest.starts_with("HTTP/")) rest.remove_prefix(5);
    if (rest == "1.0") return 10U;
    if (rest == "1.1") return 11U;
    if (rest == "2" || rest == "2.0") return 20U;
    return "is HTTP/1.0, HTTP/1.1 or HTTP/2.0, not \"" + text + "\"";
  };
  return core::text_as<unsigned>("HTTP version", "^(HTTP/)?(1\\.0|1\\.1|2|2\\.0)$", parse, [](unsigned version) {
    return "HTTP/" + std::to_string(version / 10) + "." + std::to_string(version % 10);
  });
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// What is wrong with conditions on JSON or on headers.
std::optional<std::string> condition_problem(const Pairs& conditions) {
  for (const auto& [name, condition] : conditions) {
    const auto parsed = core::Condition::parse(condition);
    if (!parsed) return "has \"" + condition + "\" for " + name + ", which " + parsed.error().detail;
  }
  return std::nullopt;
}

std::optional<std::string> json_problem(const Pairs& paths) {
  for (const auto& [path, condition] : paths) {
    if (const auto problem = json_path_problem(path)) return "has the path \"" + path + "\", which " + *problem;
  }
  return condition_problem(paths);
}

Section<model::Expect> expect_table() {
  return Section<model::Expect>(
      "expect", "What an HTTP answer must be like. Everything that is given must hold.",
      {
          field("status", &model::Expect::status, list_of(status_range(), ListStyle::list_or_one))
              .doc("The status codes that are good.")
              .fallback("`2xx`"),
          field("body_matches", &model::Expect::body_matches, list_of(regex(), ListStyle::list_or_one))
              .doc("Each must be found in the body (RE2, not anchored)."),
          field("body_not_matches", &model::Expect::body_not_matches, list_of(regex(), ListStyle::list_or_one))
              .doc("None of these may be found in the body."),
          field("json", &model::Expect::json, core::map_of(core::text(), "path"))
              .doc("What stands at a path of the JSON body: `{\"$.database\": ok, \"$.queue.depth\": \"< 100\"}`. "
                   "Paths are "
                   "made of `$`, `.name`, `['name']` and `[index]`. A condition is a text, or `==`, `!=`, `<`, `<=`, "
                   "`>`, "
                   "`>=`, `=~` (RE2), `!~` with what follows, or `exists`, or `absent`.")
              .check(json_problem),
          field("headers", &model::Expect::headers, core::map_of(core::text(), "name"))
              .doc("Headers of the answer and conditions on them, as of JSON: `{Content-Type: \"=~ ^text/\"}`.")
              .check(condition_problem),
          field("version", &model::Expect::versions, list_of(http_version(), ListStyle::list_or_one))
              .doc("The versions of HTTP that are good: `HTTP/1.1`, `HTTP/2.0`.")
              .fallback("any"),
          field("tls", &model::Expect::tls)
              .doc("Whether the last answer must come over TLS, or must not.")
              .fallback("either is good"),
          field("certificate_valid", &model::Expect::certificate_valid)
              .doc("How long the certificates that are shown must still be valid, such as `14d`."),
          field("within", &model::Expect::within)
              .doc("How long the whole probe may take to be good.")
              .least(Duration{1}),
      });
}

}  // namespace

Section<model::Header> header_table() {
  return Section<model::Header>("header", "A header's value, in place or in a file.",
                                {
                                    field("value", &model::Header::value, core::secret_text()).doc("The value."),
                                    field("file", &model::Header::value, core::secret_file())
                                        .doc("A file with the value; it is read for every probe."),
                                })
      .exclusive({"value", "file"})
      .shorthand("value")
      .check([](FieldReader& reader, const Place& place, const model::Header&) {
        if (place.keys.empty()) reader.error(place.at, "a header needs a value, or a \"file\" that has it");
      });
}

namespace {

core::Type<net::Encoding> compression_type() {
  using net::Encoding;
  return core::choice<Encoding>({{"identity", Encoding::identity},
                                 {"gzip", Encoding::gzip},
                                 {"deflate", Encoding::deflate},
                                 {"br", Encoding::brotli}});
}

std::vector<core::Field<model::Proxy>> proxy_rows() {
  return {
      field("proxy_url", &model::Proxy::url).doc("The proxy: `http://host:port`, maybe with user info."),
      field("no_proxy", &model::Proxy::no_proxy)
          .doc("Whom to ask directly: names (with what is below them), addresses, networks, by commas; `*` for all."),
      field("proxy_from_environment", &model::Proxy::from_environment)
          .doc("Whether HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or in small letters) say all that."),
      field("proxy_connect_header", &model::Proxy::connect_headers, core::map_of(core::section(header_table()), "name"))
          .doc("Headers for the proxy, sent with CONNECT."),
      field("skip_resolve_phase_with_proxy", &model::Proxy::skip_resolve)
          .doc("Whether the target's name is left to the proxy. Otherwise it is looked up too, for "
               "`probe_ip_protocol`."),
  };
}

std::vector<core::Field<HttpKeys>> http_rows() {
  using Ip = probes::HttpOptions::IpProtocol;
  return {
      field("method", &HttpKeys::method)
          .doc("The method.")
          .fallback("`GET`")
          .check([](const std::optional<std::string>& method) {
            const bool token = !method->empty() &&
                               std::all_of(method->begin(), method->end(), [](char c) { return c >= 'A' && c <= 'Z'; });
            return token ? std::nullopt : std::optional<std::string>("is a word in capitals such as GET or POST");
          }),
      field("headers", &HttpKeys::headers, core::map_of(section(header_table()), "name")).doc("Headers that are sent."),
      field("body", &HttpKeys::body).doc("The body that is sent."),
      field("body_file", &HttpKeys::body_file, core::path())
          .doc("A file with the body that is sent (at most 1 MiB); it is read for every probe."),
      field("basic_auth", &HttpKeys::basic_auth, maybe(section(basic_auth_table()))).doc("User and password."),
      field("bearer", &HttpKeys::bearer, core::secret_text()).doc("A bearer token."),
      field("bearer_file", &HttpKeys::bearer, core::secret_file()).doc("A file that holds a bearer token."),
      field("authorization", &HttpKeys::authorization, maybe(section(authorization_table())))
          .doc("A token in Prometheus's words; `type` may be another than `Bearer`."),
      field("follow_redirects", &HttpKeys::follow_redirects)
          .doc("Whether redirects are followed (10 at most).")
          .fallback("`true`"),
      field("max_body", &HttpKeys::max_body, maybe(core::byte_count()))
          .doc("A larger body is a failure.")
          .fallback("`10MiB`")
          .least(1)
          .most(1ULL << 30U),
      field("ip_protocol", &HttpKeys::ip_protocol,
            maybe(core::choice<Ip>({{"any", Ip::any},
                                    {"v4", Ip::v4},
                                    {"v6", Ip::v6},
                                    {"prefer_v4", Ip::prefer_v4},
                                    {"prefer_v6", Ip::prefer_v6}})))
          .doc("Which addresses of a name are used. `prefer_v4`: IPv6 where there is no IPv4.")
          .fallback("`any`"),
      field("addresses", &HttpKeys::addresses, list_of(core::text(), ListStyle::list_or_one))
          .doc(
              "`first`: one address is asked, the next where it takes no connection. `all`: each address of the name "
              "is "
              "asked (32 at most) and each must be good. Or a list: these addresses or names are asked, with the URL's "
              "host in Host and in TLS. Each has tocsin_probe_address_success{ip}; what stands under "
              "blackbox_exporter's names is of a bad one, or of the slowest.")
          .fallback("`first`"),
      field("compression", &HttpKeys::compression, maybe(compression_type()))
          .doc("What is asked for in Accept-Encoding; a body that is not compressed so is a failure."),
      field("http2", &HttpKeys::http2).doc("Whether HTTP/2 is offered where TLS is spoken.").fallback("`true`"),
      field("expect", &HttpKeys::expect, maybe(section(expect_table()))).doc("What a good answer is."),
  };
}

void check_http(const model::Probe& probe, const Loading& loading) {
  const HttpKeys& keys = probe.http;
  loading.check_secret(keys.bearer, probe.place, "bearer_file");
  if (keys.basic_auth) loading.check_secret(keys.basic_auth->password, keys.basic_auth->place, "password_file");
  if (keys.authorization)
    loading.check_secret(keys.authorization->credentials, keys.authorization->place, "credentials_file");
  for (const auto& [name, header] : keys.headers) loading.check_secret(header.value, header.place, "file");
  for (const auto& [name, header] : keys.proxy.connect_headers)
    loading.check_secret(header.value, header.place, "file");
  const bool listed = !keys.addresses.empty() && keys.addresses != std::vector<std::string>{"first"};
  if (listed && (!keys.proxy.url.empty() || keys.proxy.from_environment)) {
    loading.error(probe.place, probe.place.of("addresses"), "\"addresses\" means nothing where a proxy is asked");
  }
}

bool check_headers(const Making& making, const probes::HttpOptions& options) {
  for (const auto& [name, value] : options.headers) {
    if (!is_http_header(name, value)) {
      return making.wrong("headers", "the header \"" + name + "\" has a name or a value that HTTP does not allow");
    }
  }
  return true;
}

void fill_expectations(const model::Expect& from, probes::HttpExpectations& into) {
  if (!from.status.empty()) into.status.clear();
  for (const model::StatusRange& range : from.status) into.status.emplace_back(range.first, range.last);
  if (from.within) into.within = *from.within;
  into.versions = from.versions;
  into.tls = from.tls;
  if (from.certificate_valid) {
    into.certificate_valid = std::chrono::duration_cast<std::chrono::seconds>(*from.certificate_valid);
  }
  into.headers = from.header_rules;
  for (const auto& [name, condition] : from.headers) into.headers.push_back({name, condition});
  into.body_matches = from.body_matches;
  into.body_not_matches = from.body_not_matches;
  for (const auto& [path, value] : from.json) into.json.push_back({path, value});
}

/// A proxy as its key or the environment names it. False after an error.
bool read_proxy(const Making& making, const std::string& text, std::optional<net::Url>& into) {
  if (text.empty()) return true;
  const bool bare = text.find("://") == std::string::npos;
  auto url = net::parse_url(bare ? "http://" + text : text);
  if (url.has_error()) return making.wrong("proxy_url", "the proxy " + url.error().detail);
  if (url->host.empty() || url->scheme != "http") {
    return making.wrong("proxy_url", "a proxy is http://host:port; one with " + url->scheme + ":// is not supported");
  }
  into = std::move(*url);
  return true;
}

bool fill_proxies(const Making& making, const model::Proxy& keys, probes::HttpProxies& into) {
  const auto from_environment = [&](const char* name) {
    std::string lower(name);
    for (char& c : lower) c = c == '_' ? '_' : static_cast<char>(c + ('a' - 'A'));
    for (const std::string& spelling : {std::string(name), lower}) {
      const auto found = making.loading.options.environment.find(spelling);
      if (found != making.loading.options.environment.end()) return found->second;
      // Targets that are found later come without the environment of the load.
      const char* own = making.loading.options.environment.empty() ? std::getenv(spelling.c_str()) : nullptr;
      if (own != nullptr) return std::string(own);
    }
    return std::string();
  };
  into.no_proxy = keys.from_environment ? from_environment("NO_PROXY") : keys.no_proxy;
  // As Go does it: where somebody is asked directly at all, we ourselves are.
  into.spare_loopback = keys.from_environment || !keys.no_proxy.empty();
  into.skip_resolve = keys.skip_resolve;
  for (const auto& [name, header] : keys.connect_headers) into.connect_headers.push_back({name, header.value});
  return read_proxy(making, keys.from_environment ? from_environment("HTTP_PROXY") : keys.url, into.http) &&
         read_proxy(making, keys.from_environment ? from_environment("HTTPS_PROXY") : keys.url, into.https);
}

bool fill_authentication(const Making& making, const net::Url& url, probes::HttpOptions& options) {
  const HttpKeys& keys = making.probe.http;
  const model::BasicAuth beside = keys.basic_auth.value_or(model::BasicAuth{});
  if (!take_user_info(making, url, beside.user, beside.password, options.user, options.password)) return false;
  options.user_file = keys.user_file;
  options.bearer = keys.authorization ? keys.authorization->credentials : keys.bearer;
  if (keys.authorization) options.authorization_type = keys.authorization->type;
  if (!options.user.empty() && !options.bearer.empty())
    return making.wrong("user info in the URL and a bearer token beside it");
  return true;
}

void fill_addresses(const std::vector<std::string>& keys, probes::HttpOptions& options) {
  options.every_address = keys == std::vector<std::string>{"all"};
  if (!options.every_address && keys != std::vector<std::string>{"first"}) options.addresses = keys;
}

bool make_http(const Making& making, const std::string& text, TargetConfig& target) {
  // As blackbox_exporter reads its targets.
  auto url = url_of(making, text.find("://") == std::string::npos ? "http://" + text : text);
  if (!url) return false;
  const HttpKeys& keys = making.probe.http;
  probes::HttpOptions options;
  if (!fill_authentication(making, *url, options)) return false;
  options.url = std::move(*url);
  options.url.user.clear();
  options.url.password = core::Secret();
  options.tls = making.probe.tls.value_or(net::TlsOptions{});
  options.method = keys.method.value_or(options.method);
  options.body = keys.body;
  options.body_file = keys.body_file;
  options.compression = keys.compression;
  options.http2 = keys.http2.value_or(options.http2);
  for (const auto& [name, header] : keys.headers) options.headers.push_back({name, header.value});
  options.follow_redirects = keys.follow_redirects.value_or(options.follow_redirects);
  options.max_body = keys.max_body.value_or(options.max_body);
  options.ip_protocol = keys.ip_protocol.value_or(making.probe.blackbox.ip_protocol());
  fill_addresses(keys.addresses, options);
  if (!check_headers(making, options)) return false;
  if (!fill_proxies(making, keys.proxy, options.proxies)) return false;
  if (keys.expect) fill_expectations(*keys.expect, options.expect);
  target.sentinel = false;
  target.display = options.url.display();
  target.labels.set("instance", target.display);
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

}  // namespace

Kind http_kind() {
  Kind kind;
  kind.name = "http";
  kind.schemes = {"http", "https"};
  std::vector<core::Field<HttpKeys>> own = http_rows();
  for (auto& row : core::fields_of(&HttpKeys::proxy, proxy_rows())) own.push_back(std::move(row));
  kind.fields = core::fields_of(&model::Probe::http, std::move(own));
  kind.also = {"tls"};
  kind.exclusive = {{"basic_auth", "bearer", "bearer_file", "authorization"},
                    {"body", "body_file"},
                    {"proxy_url", "proxy_from_environment"},
                    {"no_proxy", "proxy_from_environment"}};
  kind.module = http_module();
  kind.check = check_http;
  kind.make = make_http;
  return kind;
}

}  // namespace tocsin::daemon
