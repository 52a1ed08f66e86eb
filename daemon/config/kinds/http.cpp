#include "config/kinds/http.hpp"

#include <algorithm>

#include "config/kinds/kind.hpp"
#include "config/tables.hpp"
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
              .doc("What stands at a path of the JSON body, as text: `{\"$.database\": ok}`. Paths are made of `$`, "
                   "`.name`, `['name']` and "
                   "`[index]`.")
              .check([](const std::vector<std::pair<std::string, std::string>>& paths) -> std::optional<std::string> {
                for (const auto& [path, value] : paths) {
                  if (const auto problem = json_path_problem(path))
                    return "has the path \"" + path + "\", which " + *problem;
                }
                return std::nullopt;
              }),
          field("within", &model::Expect::within)
              .doc("How long the whole probe may take to be good.")
              .least(Duration{1}),
      });
}

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

std::vector<core::Field<HttpKeys>> rows() {
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
      field("basic_auth", &HttpKeys::basic_auth, maybe(section(basic_auth_table()))).doc("User and password."),
      field("bearer", &HttpKeys::bearer, core::secret_text()).doc("A bearer token."),
      field("bearer_file", &HttpKeys::bearer, core::secret_file()).doc("A file that holds a bearer token."),
      field("authorization", &HttpKeys::authorization, maybe(section(authorization_table())))
          .doc("A bearer token in Prometheus's words."),
      field("follow_redirects", &HttpKeys::follow_redirects)
          .doc("Whether redirects are followed (10 at most).")
          .fallback("`true`"),
      field("max_body", &HttpKeys::max_body, maybe(core::byte_count()))
          .doc("A larger body is a failure.")
          .fallback("`10MiB`")
          .least(1)
          .most(1ULL << 30U),
      field("ip_protocol", &HttpKeys::ip_protocol,
            maybe(core::choice<Ip>({{"any", Ip::any}, {"v4", Ip::v4}, {"v6", Ip::v6}})))
          .doc("Which addresses of a name are used.")
          .fallback("`any`"),
      field("expect", &HttpKeys::expect, maybe(section(expect_table()))).doc("What a good answer is."),
  };
}

void check(const model::Probe& probe, const Loading& loading) {
  const HttpKeys& keys = probe.http;
  loading.check_secret(keys.bearer, probe.place, "bearer_file");
  if (keys.basic_auth) loading.check_secret(keys.basic_auth->password, keys.basic_auth->place, "password_file");
  if (keys.authorization)
    loading.check_secret(keys.authorization->credentials, keys.authorization->place, "credentials_file");
  for (const auto& [name, header] : keys.headers) loading.check_secret(header.value, header.place, "file");
}

bool check_headers(const Making& making, const probes::HttpOptions& options) {
  for (const auto& [name, value] : options.headers) {
    const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
    if (!token || value.value.reveal().find_first_of("\r\n") != std::string::npos) {
      return making.wrong("headers", "the header \"" + name + "\" has a name or a value that HTTP does not allow");
    }
  }
  return true;
}

void fill_expectations(const model::Expect& from, probes::HttpExpectations& into) {
  if (!from.status.empty()) into.status.clear();
  for (const model::StatusRange& range : from.status) into.status.emplace_back(range.first, range.last);
  if (from.within) into.within = *from.within;
  into.body_matches = from.body_matches;
  into.body_not_matches = from.body_not_matches;
  for (const auto& [path, value] : from.json) into.json.push_back({path, value});
}

bool make(const Making& making, const std::string& text, TargetConfig& target) {
  auto url = url_of(making, text);
  if (!url) return false;
  const HttpKeys& keys = making.probe.http;
  probes::HttpOptions options;
  const model::BasicAuth beside = keys.basic_auth.value_or(model::BasicAuth{});
  if (!take_user_info(making, *url, beside.user, beside.password, options.user, options.password)) return false;
  options.bearer = keys.authorization ? keys.authorization->credentials : keys.bearer;
  if (!options.user.empty() && !options.bearer.empty())
    return making.wrong("user info in the URL and a bearer token beside it");
  options.url = std::move(*url);
  options.url.user.clear();
  options.url.password = core::Secret();
  options.tls = making.probe.tls.value_or(net::TlsOptions{});
  options.method = keys.method.value_or(options.method);
  options.body = keys.body;
  for (const auto& [name, header] : keys.headers) options.headers.push_back({name, header.value});
  options.follow_redirects = keys.follow_redirects.value_or(options.follow_redirects);
  options.max_body = keys.max_body.value_or(options.max_body);
  options.ip_protocol = keys.ip_protocol.value_or(options.ip_protocol);
  if (!check_headers(making, options)) return false;
  if (keys.expect) fill_expectations(*keys.expect, options.expect);
  target.sentinel = false;
  target.display = options.url.display();
  target.labels.set("instance", target.display);
  target.options = std::move(options);
  return true;
}

}  // namespace

Kind http_kind() {
  Kind kind;
  kind.name = "http";
  kind.schemes = {"http", "https"};
  kind.fields = core::fields_of(&model::Probe::http, rows());
  kind.also = {"tls"};
  kind.exclusive = {{"basic_auth", "bearer", "bearer_file", "authorization"}};
  kind.check = check;
  kind.make = make;
  return kind;
}

}  // namespace tocsin::daemon
