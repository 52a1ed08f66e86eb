#include "src/extract.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::actions {
namespace {

using Kind = Extract::Kind;
using testing::HasSubstr;

struct Case {
  Kind kind;
  std::string expression;
  std::string output;
  std::string value;  // or, with `wrong`, what the failure says
  bool wrong = false;
};

TEST(ExtractTest, Table) {
  const std::string json =
      R"({"a":[{"b":"t3.small","n":7,"big":18446744073709551615,"f":2.5,"e":2e11,"ok":true,"no":null,"l":[]}],"k.x":"dot","":"e"})";
  const std::vector<Case> cases{
      {Kind::whole, "", "  3\n", "3"},
      {Kind::whole, "", "cache.t3.micro\r\n", "cache.t3.micro"},
      {Kind::whole, "", "", "the value is empty", true},
      {Kind::whole, "", " \n", "the value is empty", true},
      {Kind::whole, "", "a\nb", "more than one line", true},
      {Kind::whole, "", std::string("a\0b", 3), "control characters", true},
      {Kind::whole, "", std::string(257, 'x'), "longer than 256", true},
      {Kind::whole, "", std::string(256, 'x'), std::string(256, 'x')},
      {Kind::json, "$.a[0].b", json, "t3.small"},
      {Kind::json, "$['a'][0][\"n\"]", json, "7"},
      {Kind::json, "$.a[0].big", json, "18446744073709551615"},
      {Kind::json, "$.a[0].f", json, "2.5"},
      {Kind::json, "$.a[0].e", json, "200000000000"},
      {Kind::json, "$.a[0].ok", json, "true"},
      {Kind::json, "$['k.x']", json, "dot"},
      {Kind::json, "$.a[0].no", json, "is no text, number or truth value", true},
      {Kind::json, "$.a[0].l", json, "is no text, number or truth value", true},
      {Kind::json, "$", "3", "3"},
      {Kind::json, "$.a[1].b", json, "nothing at $.a[1].b", true},
      {Kind::json, "$.a.b", json, "nothing at", true},
      {Kind::json, "$.z", json, "nothing at", true},
      {Kind::json, "$.a", "not json", "not JSON", true},
      {Kind::json, "$.a", std::string(200'000, '['), "not JSON", true},
      {Kind::json, "a.b", json, "character 1: expected '$'", true},
      {Kind::json, "$.a[*]", json, "JSON path '$.a[*]', character 5: expected a place", true},
      {Kind::regex, R"(replicas:\s+(\d+))", "name: x\nreplicas: 12\n", "12"},
      {Kind::regex, R"(replicas:\s+(\d*))", "replicas: \n", "the value is empty", true},
      {Kind::regex, "x(y)", "abc", "does not match", true},
      {Kind::regex, "(", "abc", "is wrong", true},
      {Kind::regex, "abc", "abc", "must have one group", true},
      {Kind::regex, "(a)(b)", "abc", "must have one group", true},
      {Kind::lines, "", "", "0"},
      {Kind::lines, "", " \n\t\n", "0"},
      {Kind::lines, "", "a", "1"},
      {Kind::lines, "", "a\r\nb\r\n\r\n", "2"},
      {Kind::lines, "", std::string(100'000, '\n') + "x\n", "1"},
      {Kind::format, "{$[0].CPUKind}-cpu-{$[0].CPUs}x", R"([{"CPUKind":"shared","CPUs":2}])", "shared-cpu-2x"},
      {Kind::format, "fixed", "{}", "fixed"},
      {Kind::format, "{a} {$.a[0].b}", json, "{a} t3.small"},
      {Kind::format, "{$['k}x']}", R"({"k}x": 5})", "5"},
      {Kind::format, "{$.a[0].b}-{$.a[0].z}", json, "nothing at $.a[0].z", true},
      {Kind::format, "{$.a[0].b}-{$.s}", R"({"a":[{"b":1}],"s":""})", "there is no text at $.s", true},
      {Kind::format, "{$.a}", json, "is no text, number or truth value", true},
      {Kind::format, "x-{$.a", json, "a { without its }", true},
      {Kind::format, "{$.a", "nonsense", "not JSON", true},
      {Kind::format, "{$.a[*]}", json, "JSON path '$.a[*]'", true},
      {Kind::format, "", json, "the value is empty", true},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.expression + " of " + one.output.substr(0, 60));
    Extract how;
    how.kind = one.kind;
    how.expression = one.expression;
    const auto found = extract(how, one.output);
    ASSERT_EQ(found.has_value(), !one.wrong) << (found ? *found : found.error().detail);
    if (found) {
      EXPECT_EQ(*found, one.value);
    } else {
      EXPECT_THAT(found.error().detail, HasSubstr(one.value));
    }
  }
}

}  // namespace
}  // namespace tocsin::actions
